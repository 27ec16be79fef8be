"""How fast a classifier goes, measured while it is evaluated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ignite.engine import Engine, Events


@dataclass
class PictureSpeed:
    """Time spent on waiting for pictures and on labelling them, by batch; not on what handlers do with them.

    Attributes:
        waits: seconds until each batch was there; with worker processes it is less than what reading takes.
        labels: seconds from a batch to its outputs.
        sizes: pictures of each batch.
    """

    waits: list[float] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    _clock: float = field(default_factory=time.perf_counter)

    def attach(self, engine: Engine) -> None:
        """Start the clock where a batch is asked for and where it is processed."""
        for event in (Events.GET_BATCH_STARTED, Events.ITERATION_STARTED):
            engine.add_event_handler(event, self._start)
        engine.add_event_handler(Events.GET_BATCH_COMPLETED, self._stop, self.waits)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._stop, self.labels)

    def clear(self) -> None:
        """Forget all batches."""
        for times in (self.waits, self.labels, self.sizes):
            times.clear()

    def _start(self, engine: Engine) -> None:
        self._clock = time.perf_counter()

    def _stop(self, engine: Engine, times: list[float]) -> None:
        times.append(time.perf_counter() - self._clock)


def speed_to_json(parts: Sequence[PictureSpeed]) -> dict[str, Any]:
    """Join the processes' clocks: pictures of all, over the time of the slowest.

    Returns:
        None for what cannot be told.
    """
    pictures = sum(sum(part.sizes) for part in parts)
    each = [wait / size for part in parts for wait, size in zip(part.labels, part.sizes, strict=False) if size]
    slowest = {name: max((sum(getattr(part, name)) for part in parts), default=0.0) for name in ("waits", "labels")}
    whole = max((sum(part.waits) + sum(part.labels) for part in parts), default=0.0)
    return {
        "pictures": pictures,
        "processes": len(parts),
        "seconds_waiting_for_pictures": slowest["waits"],
        "seconds_labelling": slowest["labels"],
        "pictures_per_second": pictures / whole if whole and pictures else None,
        "pictures_per_second_labelling": pictures / slowest["labels"] if slowest["labels"] and pictures else None,
        "seconds_per_picture_labelling": {
            "median": float(np.median(each)) if each else None,
            "max": max(each, default=None),
        },
    }
