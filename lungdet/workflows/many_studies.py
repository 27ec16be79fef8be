"""Find nodules in many studies, and write a folder for each."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from lungdet.engines.save_findings import save_study, volume_of
from lungdet.records import SeriesInfo
from lungdet.reports import prepare_output, series_digest

from .bundle import bundle_root
from .detector import Detector
from .lung_filter import LungFilter
from .lung_guard import LungGuard
from .studies import StudyJob, find_studies, unique_sources
from .summary import DetectSummary, StudyResult

logger = logging.getLogger(__name__)

Source = str | os.PathLike[str]


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
    from tqdm import tqdm

    if max_pictures < 0:
        raise ValueError(f"max_pictures must not be negative, got {max_pictures}")
    lungs = None if lungs_margin_mm is None else LungFilter(lungs_margin_mm)
    root = bundle_root(bundle)
    folder = prepare_output(output_dir)
    detector = Detector(root, device, {"on_gap": on_gap, "on_tilt": on_tilt, **(overrides or {})})
    named = unique_sources([sources] if isinstance(sources, (str, os.PathLike)) else sources)
    jobs = [job for source in named for job in jobs_of(source, series, choose)]
    run = _Run(detector, folder, max_pictures, LungGuard(device=device) if guard else None, lungs)
    try:
        for job in tqdm(jobs, unit="study", disable=None if progress else True):
            result = run.process(job)
            if result is not None and on_result is not None:
                _tell(on_result, result)
    finally:
        summary = DetectSummary(tuple(run.results)).write(folder)
    return summary


class _Run:
    """The results of one run so far."""

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
        self.results: list[StudyResult] = []
        self._sources: dict[str, str] = {}  # by digest of the series

    def process(self, job: StudyJob) -> StudyResult | None:
        """Process one study; None if the same series was there before."""
        try:
            result = StudyResult(job.source, error=job.problem) if job.problem else self._detect(job)
        except Exception as error:  # one bad study does not stop the rest
            logger.debug("%s: failed", job.source, exc_info=True)
            result = StudyResult(job.source, error=explain(error))
        if result is not None:
            self.results.append(result)
        return result

    def _detect(self, job: StudyJob) -> StudyResult | None:
        item = self.detector(job)
        digest = series_digest(SeriesInfo.from_json(item["ct"].meta["series"]))
        if digest in self._sources:
            logger.warning("%s: the same series as in %s, left out", job.source, self._sources[digest])
            return None
        warnings = () if self.guard is None else self.guard(volume_of(item["ct"]))
        for warning in warnings:
            logger.warning("%s: %s", job.source, warning)
        if self.lungs is not None:
            item = self.lungs(item)
        saved = save_study(item, self.folder, self.detector.model, self.max_pictures, warnings)
        result = StudyResult(job.source, *saved)
        self._sources[digest] = job.source
        return result


def jobs_of(source: str, series: str | None, choose: Literal["thinnest"] | None) -> list[StudyJob]:
    """Split a source; one in which nothing can be found is a job with a problem."""
    try:
        return find_studies(source, series, choose)
    except Exception as error:  # one bad source does not stop the rest
        return [StudyJob(source, series, choose, explain(error))]


def _tell(on_result: Callable[[StudyResult], None], result: StudyResult) -> None:
    try:
        on_result(result)
    except Exception as error:  # no reason to lose the studies that are still to come
        logger.error(
            "%s: on_result failed: %s", result.source, explain(error), exc_info=logger.isEnabledFor(logging.DEBUG)
        )


def explain(error: BaseException) -> str:
    """Say what went wrong: the error itself, not what MONAI's ``Compose`` wraps around it."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None and "applying transform" in str(error):
        error = error.__cause__
    expected = isinstance(error, (ValueError, OSError)) and str(error)
    return str(error) if expected else f"{type(error).__name__}: {error}"
