"""Find nodules in many studies: a bundle's network, without MONAI's command line."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from monai.bundle import ConfigParser
from monai.utils import convert_to_tensor

from lungdet.engines.save_findings import read_model_info, save_study
from lungdet.records import DetectionReport

from .bundle import bundle_root, load_weights, open_bundle
from .studies import StudyJob, find_studies
from .summary import DetectSummary, StudyResult

logger = logging.getLogger(__name__)

Source = str | os.PathLike[str]


class Detector:
    """A bundle's network with its weights, ready for one study after another.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of the bundle's settings, by id.

    Raises:
        BundleError: the bundle cannot be found or opened, or its weights cannot be loaded.
    """

    def __init__(
        self,
        bundle: str | Path = "nodule_detector",
        device: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        root = bundle_root(bundle)
        self._parser: ConfigParser = open_bundle(root, overrides)
        if device is not None:
            self._parser["device"] = torch.device(device)
        self.device = torch.device(self._take("device"))
        self.network = self._take("network").to(self.device).eval()
        checkpoint = Path(self._take("checkpoint"))
        load_weights(self.network, checkpoint, self.device)
        self.inferer, self.postprocessing = self._take("inferer"), self._take("postprocessing")
        self.model = read_model_info(root / "configs" / "metadata.json", checkpoint)

    def __call__(self, job: StudyJob) -> dict[str, Any]:
        """Read one study and detect; see :func:`lungdet.engines.save_study` for the keys of the result."""
        item = self._preprocessing(job)({"ct": job.source})
        image = convert_to_tensor(item["image"], track_meta=False)
        with torch.no_grad():
            item["pred"] = self.inferer(image[None].to(self.device), self.network)[0]
            result: dict[str, Any] = self.postprocessing(item)
        return result

    def _preprocessing(self, job: StudyJob) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """Build the preprocessing anew, since what is to be read is among its settings."""
        self._parser["series"], self._parser["choose"] = job.series, job.choose
        self._parser.parse(reset=True)
        preprocessing: Callable[[dict[str, Any]], dict[str, Any]] = self._take("preprocessing")
        return preprocessing

    def _take(self, name: str) -> Any:
        return self._parser.get_parsed_content(name)


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
    progress: bool = True,
    on_result: Callable[[StudyResult], None] | None = None,
) -> DetectSummary:
    """Detect nodules in studies, and write a folder for each into ``output_dir``.

    A study that cannot be read or processed is reported, and the rest go on. What an earlier run left of a study is
    replaced. ``summary.json``, ``summary.csv`` and a ``findings.csv`` of all studies are written at the end.

    Args:
        sources: files or folders. A folder that holds several studies gives a result for each.
        output_dir: made if absent.
        bundle: name of a shipped bundle, or the root of another one that you trust.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        series: which series to read: a key, a SeriesInstanceUID or its unique beginning.
        choose: ``"thinnest"`` takes the thinnest axial series of each study; None refuses to choose.
        on_gap: missing slices: ``"error"`` or ``"interpolate"``.
        on_tilt: tilted gantry: ``"error"`` or ``"resample"``.
        overrides: new values of other settings of the bundle, by id, such as ``{"min_score": 0.3}``.
        max_pictures: findings of a study that get pictures of their own.
        progress: show a bar, if the error stream is a terminal.
        on_result: called with each study's result as soon as it is there.

    Returns:
        All results, in the order of the sources.

    Raises:
        BundleError: the bundle cannot be used. What is wrong with a study is told in its result.
    """
    from tqdm import tqdm

    settings = {"on_gap": on_gap, "on_tilt": on_tilt, "output_dir": str(output_dir), **(overrides or {})}
    detector = Detector(bundle, device, settings)
    listed = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    jobs = [job for source in listed for job in _jobs(source, series, choose)]
    results = []
    for job in tqdm(jobs, unit="study", disable=None if progress else True):
        results.append(_result(detector, job, Path(output_dir), max_pictures))
        if on_result is not None:
            on_result(results[-1])
    summary = DetectSummary(tuple(results))
    summary.write(output_dir)
    return summary


def _jobs(source: Source, series: str | None, choose: Literal["thinnest"] | None) -> list[StudyJob]:
    try:
        return find_studies(source, series, choose)
    except Exception as error:  # one bad source does not stop the rest
        return [StudyJob(os.fspath(source), series, choose, explain(error))]


def _result(detector: Detector, job: StudyJob, output_dir: Path, max_pictures: int) -> StudyResult:
    if job.problem:
        return StudyResult(job.source, error=job.problem)
    try:
        report, page = _process(detector, job, output_dir, max_pictures)
    except Exception as error:  # one bad study does not stop the rest
        logger.debug("%s: failed", job.source, exc_info=True)
        return StudyResult(job.source, error=explain(error))
    return StudyResult(job.source, report, page)


def _process(detector: Detector, job: StudyJob, output_dir: Path, max_pictures: int) -> tuple[DetectionReport, Path]:
    return save_study(detector(job), output_dir, detector.model, max_pictures)


def explain(error: BaseException) -> str:
    """Say what went wrong: the error itself, not what MONAI's ``Compose`` wraps around it."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None and "applying transform" in str(error):
        error = error.__cause__
    expected = isinstance(error, (ValueError, OSError)) and str(error)
    return str(error) if expected else f"{type(error).__name__}: {error}"
