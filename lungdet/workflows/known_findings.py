"""Findings that an earlier run has written, by the series that they are of."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from lungdet.records import CTVolume, DetectionReport, Finding
from lungdet.reports import FindingsFileError, read_json, series_digest

from .prior_doubts import THOUGH

logger = logging.getLogger(__name__)
AFFINE_MM = 1e-3


class KnownFindings:
    """What ``findings.json`` files say, ready to be looked up.

    Of several files, those that cannot be read are logged and passed over: other studies do not need them.

    Args:
        path: a ``findings.json``, a study's folder with one, or a folder of such folders, as ``detect`` leaves it.

    Raises:
        FindingsFileError: the only file cannot be read back.
        ValueError: there is no such file.
        OSError: the only file cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._reports: dict[str, DetectionReport] = {}
        self._places: dict[str, Path] = {}
        self._unread: list[str] = []
        files = _files(self.path)
        for file in files:
            self._read(file, only=len(files) == 1)

    def _read(self, file: Path, only: bool) -> None:
        try:
            report = read_json(file)
        except (FindingsFileError, OSError) as error:
            if only:
                raise
            logger.warning("passed over: %s", error)
            self._unread.append(str(file))
            return
        digest = series_digest(report.series)
        self._reports[digest], self._places[digest] = report, file

    def of(self, volume: CTVolume) -> DetectionReport:
        """Return what the detector marked in a scan, without what an analysis has added.

        Raises:
            ValueError: there are no findings of this series, or they are of another image of it.
        """
        source = volume.info.source
        report = self._reports.get(series_digest(volume.info))
        if report is None:
            remedy = "run `lungdet detect` on it, or leave out --findings"
            unread = f", and {', '.join(self._unread)} cannot be read" if self._unread else ""
            raise ValueError(f"{source}: {self.path} holds no findings of this series{unread}; {remedy}")
        same = report.shape == volume.array.shape
        if not same or np.abs(np.asarray(report.affine_lps) - volume.affine_lps).max() > AFFINE_MM:
            raise ValueError(
                f"{source}: the findings in {self.path} are of an image of {report.shape} voxels that lies elsewhere, "
                f"this one has {volume.array.shape}; read it as it was read then, or leave out --findings"
            )
        bare = [_bare(finding) for finding in report.findings]
        bare.sort(key=lambda finding: -finding.score)
        kept = tuple(text for text in report.warnings if not text.startswith(THOUGH))
        known = replace(report, lungs=None, risk=None, models=(), notes=())
        return replace(known, series=volume.info, findings=tuple(bare), warnings=kept)

    def check_kept(self, report: DetectionReport, known: DetectionReport, output: Path) -> None:
        """Make sure that a new report does not replace these findings where it has fewer of them.

        Args:
            report: to be written.
            known: what :meth:`of` gave for its series.
            output: folder that it is to be written into.

        Raises:
            ValueError: it would.
        """
        place, dropped = self._places[series_digest(report.series)], len(known.findings) - len(report.findings)
        if dropped > 0 and place.resolve() == (output / "findings.json").resolve():
            raise ValueError(
                f"{report.series.source}: {dropped} of {len(known.findings)} marks in {place} would be lost, for the "
                "output replaces it; name another output folder, or a lower --min-score"
            )


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
