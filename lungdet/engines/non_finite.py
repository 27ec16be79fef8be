"""Stop a training whose loss or gradient is no number any more, and say on which data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine
from monai.engines import IterationEvents

from .prepare_batch import flat_items

MOST_NAMED = 16


class StopOnNonFinite:
    """Ignite handler: raise when the loss is NaN or infinite, before it reaches the weights.

    Attach it to a :class:`monai.engines.SupervisedTrainer` with ``decollate=False``.
    """

    def attach(self, engine: Engine) -> None:
        """Look at every loss."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Look at the loss in ``engine.state``.

        Raises:
            FloatingPointError: it is not finite.
        """
        state: Any = engine.state
        loss = float(state.output["loss"].detach())
        if not math.isfinite(loss):
            parts = getattr(getattr(engine, "loss_function", None), "latest_parts", {})
            of_parts = ", ".join(f"{name} {float(value):.4g}" for name, value in parts.items())
            fail_on_batch(engine, f"the loss is {loss}" + (f" ({of_parts})" if of_parts else ""))


def fail_on_batch(engine: Engine, what: str) -> None:
    """Raise, and name the epoch, the iteration and the items of the batch.

    Raises:
        FloatingPointError: always.
    """
    state: Any = engine.state
    named = list(dict.fromkeys(name_items(state.batch)))
    items = "; ".join(named[:MOST_NAMED]) + (f"; and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else "")
    raise FloatingPointError(
        f"{what} in epoch {state.epoch}, iteration {state.iteration}, on {items or 'an empty batch'}. Look at these "
        "items; if they are sound, lower the learning rate or the bound of the gradient, or use float32, and go on "
        "from the last checkpoint"
    )


def name_items(batch: Mapping[str, Any] | Sequence[Any], image_key: str = "image") -> Iterator[str]:
    """Name each item of a batch by its seed or file, and where in the scan its patch was cut.

    Example:
        >>> list(name_items([{"seed": 7, "image": torch.zeros(1, 2, 2, 2)}]))
        ['seed 7']
    """
    for item in flat_items(batch):
        meta = getattr(item.get(image_key), "meta", {})
        file = meta.get("filename_or_obj")
        name = f"seed {int(item['seed'])}" if "seed" in item else str(file or "an item without a name")
        origin = meta.get("patch_origin")
        yield name if origin is None else f"{name} at voxel {torch.as_tensor(origin).tolist()}"
