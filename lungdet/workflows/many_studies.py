"""Find nodules in many studies, and write a folder for each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from lungdet.engines.save_findings import save_study, volume_of
from lungdet.reports import prepare_output

from .bundle import bundle_root
from .detector import Detector
from .lung_filter import LungFilter
from .lung_guard import LungGuard
from .studies import StudyJob
from .study_loop import Source, StudyLoop, jobs_of_all
from .summary import DetectSummary, StudyResult

logger = logging.getLogger(__name__)


def detect(
    sources: Source | Iterable[Source],
    output_dir: str | Path,
    *,
    bundle: str | Path = "nodule_detector",
    device: str | None = None,
    series: str | None = None,
    choose: Literal["thinnest"] | None = "thinnest",
    on_gap: Literal["error", "interpolate"] = "error",
    on_tilt: Literal["error", "resample"] = "error",
    overrides: Mapping[str, Any] | None = None,
    max_pictures: int = 10,
    guard: bool = True,
    lungs_margin_mm: float | None = None,
    progress: bool = True,
    on_result: Callable[[StudyResult], None] | None = None,
) -> DetectSummary:
    """Detect nodules in studies, and write a folder for each into ``output_dir``.

    A study that cannot be read or processed is reported, and the rest go on. A study that goes well replaces what an
    earlier run left of it; one that fails leaves that alone. ``summary.json``, ``summary.csv`` and a ``findings.csv``
    of all studies in ``output_dir`` are written at the end, and when the run is interrupted.

    Args:
        sources: files or folders; each counts once. A folder that holds several studies gives a result for each.
        output_dir: made if absent.
        bundle: name of a shipped bundle, or the root of another one that you trust.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        series: which series to read: a key, a SeriesInstanceUID or its unique beginning.
        choose: ``"thinnest"`` takes the thinnest axial series of each study; None refuses to choose.
        on_gap: missing slices: ``"error"`` or ``"interpolate"``.
        on_tilt: tilted gantry: ``"error"`` or ``"resample"``.
        overrides: new values of other settings of the bundle, by id, such as ``{"min_score": 0.3}``; values, not
            expressions.
        max_pictures: findings of a study that get pictures of their own.
        guard: warn, in the log and in the report, of a scan that holds no lungs or is upside down, by the shipped
            body-part regressor; without its weights there is no guard.
        lungs_margin_mm: leave out what is marked further from the lungs than that; None keeps all marks, and so does a
            scan in which no lungs are found.
        progress: show a bar, if the error stream is a terminal.
        on_result: called with each study's result as soon as it is there; what it raises is logged.

    Returns:
        The results of this run, in the order of the sources.

    Raises:
        BundleError: the bundle cannot be used. What is wrong with a study is told in its result.
        ValueError: there is no such device, or ``max_pictures`` or the margin is negative.
        OSError: nothing can be written into ``output_dir``; this is known before the work begins.
    """
    if max_pictures < 0:
        raise ValueError(f"max_pictures must not be negative, got {max_pictures}")
    lungs = None if lungs_margin_mm is None else LungFilter(lungs_margin_mm)
    root = bundle_root(bundle)
    folder = prepare_output(output_dir)
    detector = Detector(root, device, {"on_gap": on_gap, "on_tilt": on_tilt, **(overrides or {})})
    run = _Run(detector, folder, max_pictures, LungGuard(device=device) if guard else None, lungs)
    try:
        run.loop(jobs_of_all(sources, series, choose), progress, on_result)
    finally:
        summary = DetectSummary(tuple(run.loop.results)).write(folder)
    return summary


class _Run:
    """What one run needs to process a study."""

    def __init__(
        self,
        detector: Detector,
        folder: Path,
        max_pictures: int,
        guard: LungGuard | None,
        lungs: LungFilter | None = None,
    ) -> None:
        self.detector, self.folder, self.max_pictures = detector, folder, max_pictures
        self.guard, self.lungs = guard, lungs
        self.loop = StudyLoop(self._detect, lambda source, error: StudyResult(source, error=error))

    def _detect(self, job: StudyJob) -> StudyResult:
        item = self.detector(job)
        volume = volume_of(item["ct"])
        self.loop.first_of(volume.info, job.source)
        warnings = () if self.guard is None else self.guard(volume)
        for warning in warnings:
            logger.warning("%s: %s", job.source, warning)
        if self.lungs is not None:
            item = self.lungs(item)
        saved = save_study(item, self.folder, self.detector.model, self.max_pictures, warnings)
        self.loop.done(volume.info, job.source)
        return StudyResult(job.source, *saved)
