"""The places of a scan that a detector thinks most likely nodules, cut out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lungdet.detection.findings import make_report
from lungdet.engines.save_findings import volume_of
from lungdet.geometry.cubes import Cube, cut_cube
from lungdet.readers.candidate_file import CandidateFileError, candidate_settings, read_candidates
from lungdet.records import CTVolume, Finding, ModelInfo, ScanCandidates, empty_scan

from .detector import Detector
from .studies import StudyJob

logger = logging.getLogger(__name__)
DETECTOR = "nodule_detector"
TOP, LEAST_SCORE = 6, 0.02
HU_TYPE = np.iinfo(np.int16)


class CandidateFinder:
    """A detector that answers with the cubes around its best marks.

    Args:
        bundle: name of a shipped detector, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        top: marks of a scan at most.
        least_score: of a mark.
        reading: options of :func:`lungdet.readers.read_ct`, such as ``{"on_gap": "interpolate"}``.

    Attributes:
        model: which detector it is.
        settings: in words; two finders of one model and one text find the same.

    Raises:
        BundleError: the bundle cannot be used.
        ValueError: ``top`` is less than 1, or ``least_score`` not in [0, 1]; or there is no such device, or no such way
            to read.
    """

    def __init__(
        self,
        bundle: str | Path = DETECTOR,
        device: str | None = None,
        top: int = TOP,
        least_score: float = LEAST_SCORE,
        reading: Mapping[str, Any] | None = None,
    ) -> None:
        if top < 1 or not 0.0 <= least_score <= 1.0:
            raise ValueError(f"wanted top >= 1 and least_score in [0, 1], got {top} and {least_score}")
        self.top, self.least_score = top, least_score
        self.detector = Detector(bundle, device, {"min_score": least_score}, reading)
        self.model = self.detector.model
        allowed = [f"{name} {value}" for name, value in sorted((reading or {}).items()) if value != "error"]
        self.settings = ", ".join([f"top {top}", f"least score {least_score:g}", *allowed])

    def __call__(self, job: StudyJob, scan_id: str = "") -> ScanCandidates:
        """Read one scan, and find its candidates.

        Args:
            job: what to read.
            scan_id: its name; its source if empty.

        Raises:
            SeriesError: it cannot be read.
            ValueError: no cube can be cut, as of a scan of one slice.
        """
        item = self.detector(job)
        volume = volume_of(item["ct"])
        affines = item["image"].affine, item["ct"].affine
        found = make_report(
            item["pred_box"], item["pred_score"], *affines, volume.array.shape, volume.info, self.model
        ).findings
        return cut_candidates(volume, found, scan_id or job.source, self.model, self.top)

    def kept(self, path: str | Path, settings: str = "") -> ScanCandidates | None:
        """Return the candidates of a file that another run wrote, if this one would find the same; or else None.

        Args:
            path: the file, which need not be there.
            settings: that it was written with; :attr:`settings` if empty.
        """
        if not Path(path).is_file():
            return None
        try:
            if candidate_settings(path) == (self.model, settings or self.settings):
                return read_candidates(path)
        except CandidateFileError as error:
            logger.warning("%s", error)
        return None


def cut_candidates(
    volume: CTVolume, findings: Sequence[Finding], scan_id: str, detector: ModelInfo, top: int = TOP
) -> ScanCandidates:
    """Cut the cubes around the ``top`` findings of the highest score.

    A finding without a cube, such as one outside of the scan, is passed over, and the log tells it.

    Args:
        volume: in HU.
        findings: of it, in any order.
        scan_id: name of the scan.
        detector: which found them.
        top: how many at most.

    Raises:
        ValueError: no cube can be cut; see :func:`lungdet.geometry.cubes.cut_cube`.
    """
    best, cubes, passed_over = best_cubes(volume, findings, top)
    for reason in passed_over:
        logger.warning("%s: passed over: %s", scan_id, reason)
    return pack_cubes(best, cubes, scan_id, detector)


def best_cubes(
    volume: CTVolume, findings: Sequence[Finding], top: int = TOP
) -> tuple[list[Finding], list[Cube], tuple[str, ...]]:
    """Find the ``top`` findings of the highest score that have a cube.

    Returns:
        These findings, their cubes, and why others of such a score have none.

    Raises:
        ValueError: there are findings, and none has a cube.
    """
    best: list[Finding] = []
    cubes, errors = [], []
    for finding in sorted(findings, key=lambda finding: (-finding.score, finding.center_lps_mm)):
        if len(best) == top:
            break
        try:
            cubes.append(cut_cube(volume.array, volume.affine_lps, finding.center_lps_mm))
            best.append(finding)
        except ValueError as error:
            errors.append(error)
    if errors and not best:
        raise errors[0]
    return best, cubes, tuple(map(str, errors))


def pack_cubes(best: Sequence[Finding], cubes: Sequence[Cube], scan_id: str, detector: ModelInfo) -> ScanCandidates:
    """Make a scan's candidates of findings, by falling score, and their cubes."""
    if not best:
        return empty_scan(scan_id, detector)
    hu = np.stack([cube.hu[0] for cube in cubes])
    return ScanCandidates(
        scan_id,
        np.rint(np.clip(hu, HU_TYPE.min, HU_TYPE.max)).astype(np.int16),
        np.array([finding.score for finding in best], np.float32),
        np.array([finding.center_lps_mm for finding in best], np.float64),
        np.array([cube.inside for cube in cubes], np.float32),
        detector,
    )
