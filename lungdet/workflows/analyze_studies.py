"""Detect, measure and judge nodules in many studies, and write a folder for each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from lungdet.detection.findings import make_report
from lungdet.engines.save_findings import volume_of
from lungdet.geometry.lung_mask import LungMask, lung_mask
from lungdet.readers import read_ct
from lungdet.readers.stack_notes import doubtful_steps
from lungdet.records import CTVolume, DetectionReport, SeriesInfo
from lungdet.reports import prepare_output, study_folder_name, write_study

from .detector import Detector
from .known_findings import KnownFindings
from .lung_filter import LungFilter
from .lung_guard import LungGuard
from .prior_scan import PriorScan, open_prior
from .studies import StudyJob
from .study_analyst import LEAST_SCORE, StudyAnalyst
from .study_loop import Source, StudyLoop, jobs_of_all
from .study_lungs import lungs_of
from .study_settings import StudySettings
from .summary import DetectSummary, StudyResult

KNOWN_NOTE = "marks are those of an earlier run: a filter and the scan's model saw none that it had left out"
logger = logging.getLogger(__name__)


class _Marked(NamedTuple):
    """A scan, its lungs, and what is marked in it."""

    volume: CTVolume
    lungs: LungMask
    marks: DetectionReport


def analyze(
    sources: Source | Iterable[Source],
    output_dir: str | Path,
    *,
    classifier: str | Path | None = "nodule_classifier",
    risk: str | Path | None = "scan_risk",
    findings: str | Path | None = None,
    prior: str | Path | None = None,
    prior_days: float | None = None,
    prior_anyway: bool = False,
    filter_marks: bool = False,
    min_score: float | None = None,
    **settings: Any,
) -> DetectSummary:
    """Detect nodules in studies, measure and judge them, and write a folder for each into ``output_dir``.

    Everything that :func:`~lungdet.workflows.detect` does, and more: the lungs are measured, each finding is measured
    and classified, and a model of the whole scan is asked. What has no weights is left out, and every report says so. A
    finding that cannot be measured says why in its notes; a bad study is reported, and the rest go on.

    Args:
        sources: files or folders; each counts once. A folder that holds several studies gives a result for each.
        output_dir: made if absent.
        classifier: bundle of a nodule classifier: name of a shipped one, or the root of another one that you trust;
            None asks none.
        risk: bundle of a model of the whole scan, likewise; None asks none.
        findings: marks of an earlier run in place of a detector: its ``findings.json``, or folder; none may get lost.
        prior: ``findings.json`` of an analyzed earlier scan of the same patient, to tell what has grown.
        prior_days: days that have passed since.
        prior_anyway: compare also where the earlier scan is of another patient, of the same study, or later.
        filter_marks: score marks by detector and classifier together, and leave out those below the threshold.
        min_score: leave out findings below it; None leaves it to filter or detector, or keeps all ``findings``.
        settings: fields of :class:`~lungdet.workflows.StudySettings`, such as ``on_gap="interpolate"``.

    Returns:
        The results of this run, in the order of the sources.

    Raises:
        BundleError: a bundle that was named cannot be used. What is wrong with a study is told in its result.
        FindingsFileError: the only file of ``findings`` cannot be read back.
        TypeError: there is no such setting.
        ValueError: there is no such device, a setting has a value that is not allowed, or ``findings`` come with
            detector options.
        OSError: nothing can be written into ``output_dir``; this is known before the work begins.
    """
    given = StudySettings(**settings)
    if min_score is not None and not 0.0 <= min_score <= 1.0:
        raise ValueError(f"min_score must be in [0, 1], got {min_score}")
    earlier, folder = open_prior(prior, prior_days, prior_anyway), prepare_output(output_dir)
    marker = _marker(findings, given, min_score)
    analyst = StudyAnalyst(classifier, risk, given.device, filter_marks, min_score)
    guard = LungGuard(device=given.device) if given.guard else None
    run = _Run(marker, analyst, earlier, guard, folder, given.max_pictures)
    return run(jobs_of_all(sources, given.series, given.choose), given.progress, given.on_result)


class _Detected:
    """Marks of a detector, also with low scores: a filter may raise them, and the scan's model looks at them."""

    def __init__(self, given: StudySettings, min_score: float | None) -> None:
        self.near = None if given.lungs_margin_mm is None else LungFilter(given.lungs_margin_mm)
        least = LEAST_SCORE if min_score is None else min(min_score, LEAST_SCORE)
        self.detector = Detector(given.detector, given.device, given.overrides, given.reading, least)
        self.min_score = self.detector.min_score if min_score is None else min_score

    def __call__(self, job: StudyJob, on_read: Callable[[SeriesInfo], None]) -> _Marked:
        item = self.detector(job, on_read)
        volume = volume_of(item["ct"])
        lungs = lungs_of(item)
        if self.near is not None:
            item = self.near(item)
        affines = item["image"].affine, item["ct"].affine
        boxes, scores = item["pred_box"], item["pred_score"]
        marks = make_report(boxes, scores, *affines, volume.array.shape, volume.info, self.detector.model)
        return _Marked(volume, lungs, marks)


class _Known:
    """Marks that an earlier run has written."""

    def __init__(self, findings: str | Path, reading: Mapping[str, Any], min_score: float | None) -> None:
        self.known, self.reading, self.min_score = KnownFindings(findings), reading, min_score or 0.0

    def __call__(self, job: StudyJob, on_read: Callable[[SeriesInfo], None]) -> _Marked:
        volume = read_ct(list(job.files) or job.source, series=job.series, choose=job.choose, **self.reading)
        volume = replace(volume, info=replace(volume.info, source=job.source))  # not "90 files"
        on_read(volume.info)
        marks = replace(self.known.of(volume), notes=(KNOWN_NOTE,))
        return _Marked(volume, lung_mask(volume.array, volume.affine_lps), marks)


def _marker(findings: str | Path | None, given: StudySettings, min_score: float | None) -> _Detected | _Known:
    if findings is None:
        return _Detected(given, min_score)
    idle = " and ".join(_detector_options(given))
    if idle:
        raise ValueError(
            f"--findings takes the marks of an earlier run, so no detector runs that would heed {idle}: leave out "
            f"{idle}, or --findings"
        )
    return _Known(findings, given.reading, min_score)


def _detector_options(given: StudySettings) -> list[str]:
    """Name what was set that only a detector heeds."""
    named = {"--bundle": given.bundle, "--lungs-only": given.lungs_margin_mm}
    names = [name for name, value in named.items() if value is not None]
    return names + ["--whole-scan" if name == "crop_to_lungs" else f"overrides of {name}" for name in given.overrides]


class _Run:
    """What one run needs to analyze a study."""

    def __init__(
        self,
        marker: _Detected | _Known,
        analyst: StudyAnalyst,
        earlier: PriorScan | None,
        guard: LungGuard | None,
        folder: Path,
        max_pictures: int,
    ) -> None:
        self.marker, self.analyst, self.guard = marker, analyst, guard
        self.earlier = earlier
        self.folder, self.max_pictures = folder, max_pictures
        self.loop = StudyLoop(self._analyze, lambda source, error: StudyResult(source, error=error))

    def __call__(
        self, jobs: list[StudyJob], progress: bool, on_result: Callable[[StudyResult], None] | None
    ) -> DetectSummary:
        """Analyze all studies; the summary is written when the run is interrupted, too."""
        if self.earlier is not None:
            self.earlier.check_count(len(jobs))
        try:
            self.loop(jobs, progress, on_result)
        finally:
            summary = DetectSummary(tuple(self.loop.results)).write(self.folder)
        return summary

    def _check(self, info: SeriesInfo, source: str) -> None:
        """Refuse, before any work is done on it, a series that was there before, or that has no such earlier scan."""
        self.loop.first_of(info, source)
        if self.earlier is not None:
            self.earlier.check_series(info)

    def _analyze(self, job: StudyJob) -> StudyResult:
        volume, lungs, marks = self.marker(job, lambda info: self._check(info, job.source))
        warnings = () if self.guard is None else self.guard(volume)
        for warning in warnings:
            logger.warning("%s: %s", job.source, warning)
        warnings = tuple(dict.fromkeys((*(warnings or marks.warnings), *doubtful_steps(volume.info.steps))))
        report = self.analyst(volume, replace(marks, warnings=warnings), lungs, self.marker.min_score)
        report = report if self.earlier is None else self.earlier(report)
        labels = lungs.labels if lungs.found else None
        folder = self.folder / study_folder_name(volume.info)
        if isinstance(self.marker, _Known):
            self.marker.known.check_kept(report, marks, folder)
        page = write_study(folder, report, volume, self.max_pictures, lung_labels=labels)
        self.loop.done(volume.info, job.source)
        return StudyResult(job.source, report, page, part=job.part)
