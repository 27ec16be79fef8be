"""Findings that an earlier run has written, by the series that they are of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from lungdet.records import CTVolume, DetectionReport, Finding
from lungdet.reports import read_json, series_digest

AFFINE_MM = 1e-3


class KnownFindings:
    """What ``findings.json`` files say, ready to be looked up.

    Args:
        path: a ``findings.json``, a study's folder with one, or a folder of such folders, as ``detect`` leaves it.

    Raises:
        FindingsFileError: a file cannot be read back.
        ValueError: there is no such file.
        OSError: a file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._reports = {series_digest(report.series): report for report in map(read_json, _files(self.path))}

    def of(self, volume: CTVolume) -> DetectionReport:
        """Return what the detector marked in a scan, without what an analysis has added.

        Raises:
            ValueError: there are no findings of this series, or they are of another image of it.
        """
        source = volume.info.source
        report = self._reports.get(series_digest(volume.info))
        if report is None:
            remedy = "run `lungdet detect` on it, or leave out --findings"
            raise ValueError(f"{source}: {self.path} holds no findings of this series; {remedy}")
        same = report.shape == volume.array.shape
        if not same or np.abs(np.asarray(report.affine_lps) - volume.affine_lps).max() > AFFINE_MM:
            raise ValueError(
                f"{source}: the findings in {self.path} are of an image of {report.shape} voxels that lies elsewhere, "
                f"this one has {volume.array.shape}; read it as it was read then, or leave out --findings"
            )
        bare = [_bare(finding) for finding in report.findings]
        bare.sort(key=lambda finding: -finding.score)
        return replace(report, series=volume.info, findings=tuple(bare), lungs=None, risk=None, models=(), notes=())


def _bare(finding: Finding) -> Finding:
    score = finding.score if finding.detector_score is None else finding.detector_score
    return Finding(finding.box_lps_mm, finding.box_voxel, score)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [path / "findings.json"] if (path / "findings.json").is_file() else sorted(path.glob("*/findings.json"))
    found = [each for each in found if not each.parent.name.startswith(".")]
    if not found:
        raise ValueError(f"{path}: no findings.json there; wanted one, or the folder that `lungdet detect` wrote into")
    return found
