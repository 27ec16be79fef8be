"""Write the scores of an evaluation, with curves and the worst cases, when it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.utils import convert_to_numpy

from lungdet.geometry import frames
from lungdet.geometry.hounsfield import unscale_hu, window_by_name
from lungdet.metrics.detection_inputs import gather
from lungdet.records import CTVolume, SeriesInfo
from lungdet.reports import prepare_output, write_files

from .evaluation_files import evaluation_files
from .evaluation_scores import score_scans
from .scored_scan import EvaluationKeys, ScoredScan, read_scored_scan
from .worst_cases import WorstCases

logger = logging.getLogger(__name__)


class EvaluationSaver:
    """Ignite handler: ``metrics.json``, ``scans.csv``, ``froc.png``, ``pr.png``, ``worst.png`` and ``loss.png``.

    Attach it to a :class:`monai.engines.SupervisedEvaluator` that decollates. In a distributed run every process adds
    its own scans; boxes, scores and a few small pieces of images are gathered, and the first process writes. The
    result does not depend on the number of processes, nor on the order of the scans.

    Args:
        output_dir: folder of the files; made if absent.
        threshold: score at which hits, misses and false positives of single scans are counted: what a user of the
            detector sees.
        size_edges_mm: diameters that divide the nodules into strata of size.
        cases: how many misses and how many false positives ``worst.png`` shows; 0 for no such file.
        window: the window by name that scaled the image to [0, 1], so that it can be shown in HU; None if it is in HU.
        history: table that the training wrote, for ``loss.png``; see :func:`~lungdet.reports.history.read_history`.
        resamples: of the scans, for the intervals.
        keys: names of what is in the items.

    Raises:
        ValueError: there is no such window.
        OSError: when the run starts, if nothing can be written to the folder.
    """

    def __init__(
        self,
        output_dir: str | Path,
        threshold: float = 0.3,
        size_edges_mm: Sequence[float] = (6.0, 10.0, 15.0),
        cases: int = 6,
        window: str | None = "detection",
        history: str | Path | None = None,
        resamples: int = 1000,
        keys: EvaluationKeys | None = None,
    ) -> None:
        self.output_dir, self.threshold, self.size_edges_mm = Path(output_dir), threshold, tuple(size_edges_mm)
        self.cases, self.history, self.resamples = cases, history, resamples
        self.window = None if window is None else window_by_name(window)
        self.keys = keys or EvaluationKeys()
        self._reset()

    def attach(self, engine: Engine) -> None:
        """Make ready when a run starts, look at every iteration, and write at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_STARTED, self._start_clock)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Add the scans that are in ``engine.state``."""
        state: Any = engine.state
        seconds = (time.perf_counter() - self._clock) / max(len(state.output), 1)
        for inputs, outputs in zip(state.batch, state.output, strict=True):
            self.add({**inputs, **outputs}, seconds)

    def add(self, item: dict[Any, Any], seconds: float = float("nan")) -> None:
        """Add one scan by its decollated item; see :class:`EvaluationKeys`."""
        scan = read_scored_scan(item, self.keys, seconds)
        self._scans.append(scan)
        if self.cases:
            self._worst.add(scan, self._volume(item[self.keys.image], scan))

    def write(self) -> None:
        """Gather the scans of all processes, and write the files in the first one; all of them must call this."""
        scans = unrepeated(gather(self._scans))
        worst = WorstCases.joined(gather([self._worst]))
        if _rank() != 0:
            return
        scores = score_scans(scans, self.threshold, self.size_edges_mm, self.resamples)
        files = evaluation_files(scores, worst if self.cases else None, self.history)
        write_files(self.output_dir, files)
        print(f"{scores.to_text()}\n\nwritten: {self.output_dir}/ {', '.join(files)}")

    def _start(self, engine: Engine) -> None:
        self._reset()
        if _rank() == 0:
            prepare_output(self.output_dir)

    def _start_clock(self, engine: Engine) -> None:
        self._clock = time.perf_counter()

    def _finish(self, engine: Engine) -> None:
        self.write()

    def _reset(self) -> None:
        self._scans: list[ScoredScan] = []
        self._worst = WorstCases(self.cases, self.threshold)
        self._clock = time.perf_counter()

    def _volume(self, image: Any, scan: ScoredScan) -> CTVolume:
        """The network's image in HU. It is scaled lazily: a copy of the whole scan is cheap beside detecting in it."""
        values = image if self.window is None else unscale_hu(torch.as_tensor(image), *self.window)
        affine = frames.ras_to_lps(convert_to_numpy(image.affine).astype("float64"))
        return CTVolume(convert_to_numpy(values)[0], affine, SeriesInfo(scan.name))


def unrepeated(scans: Sequence[ScoredScan]) -> list[ScoredScan]:
    """Drop scans that are there twice, box for box, as samplers give them that make all processes' parts as long."""
    seen: dict[tuple[Any, ...], ScoredScan] = {}
    for scan in scans:
        key = (scan.name, scan.boxes.tobytes(), scan.scores.tobytes(), scan.truth.tobytes(), scan.affine_lps.tobytes())
        seen.setdefault(key if scan.name else (id(scan),), scan)
    if len(seen) < len(scans):
        logger.warning("%d scans were evaluated more than once, and count once", len(scans) - len(seen))
    return list(seen.values())


def _rank() -> int:
    ready = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_rank() if ready else 0
