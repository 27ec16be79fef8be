"""Find nodules in many studies, and write a folder for each."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lungdet.engines.save_findings import save_study, volume_of
from lungdet.reports import prepare_output

from .bundle import bundle_root
from .detector import Detector
from .lung_filter import LungFilter
from .lung_guard import LungGuard
from .studies import StudyJob
from .study_loop import Source, StudyLoop, jobs_of_all
from .study_settings import StudySettings
from .summary import DetectSummary, StudyResult

logger = logging.getLogger(__name__)


def detect(sources: Source | Iterable[Source], output_dir: str | Path, **settings: Any) -> DetectSummary:
    """Detect nodules in studies, and write a folder for each into ``output_dir``.

    A study that cannot be read or processed is reported, and the rest go on. A study that goes well replaces what an
    earlier run left of it; one that fails leaves that alone. ``summary.json``, ``summary.csv`` and a ``findings.csv``
    of all studies in ``output_dir`` are written at the end, and when the run is interrupted.

    Args:
        sources: files or folders; each counts once. A folder that holds several studies gives a result for each.
        output_dir: made if absent.
        settings: fields of :class:`~lungdet.workflows.StudySettings`, such as ``on_gap="interpolate"``.

    Returns:
        The results of this run, in the order of the sources.

    Raises:
        BundleError: the bundle cannot be used. What is wrong with a study is told in its result.
        TypeError: there is no such setting.
        ValueError: there is no such device, or a setting has a value that is not allowed.
        OSError: nothing can be written into ``output_dir``; this is known before the work begins.
    """
    given = StudySettings(**settings)
    margin_mm = given.lungs_margin_mm
    lungs = None if margin_mm is None else LungFilter(margin_mm)
    root, folder = bundle_root(given.detector), prepare_output(output_dir)
    detector = Detector(root, given.device, given.overrides, given.reading)
    guard = LungGuard(device=given.device) if given.guard else None
    run = _Run(detector, folder, given.max_pictures, guard, lungs)
    try:
        run.loop(jobs_of_all(sources, given.series, given.choose), given.progress, given.on_result)
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
        return StudyResult(job.source, *saved, part=job.part)
