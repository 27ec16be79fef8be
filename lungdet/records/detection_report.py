"""All findings of one study."""

from __future__ import annotations

from dataclasses import dataclass

from .finding import Finding
from .lungs_found import LungsFound
from .model_info import ModelInfo
from .place import Affine
from .scan_risk_answer import ScanRiskAnswer
from .series import SeriesInfo


@dataclass(frozen=True)
class DetectionReport:
    """All findings of one study, by falling score, with what is needed to reproduce them.

    What only an analysis tells is empty where none was made, or where its model was not there; then ``notes`` says so.

    Attributes:
        series: the series that was read.
        shape: ``(X, Y, Z)`` = (columns, rows, slices) of the image as read.
        affine_lps: its ``(4, 4)`` affine as nested tuples, voxel centres to LPS mm.
        findings: detected nodules.
        model: which model looked.
        software_version: version of lungdet.
        warnings: why the findings may mean nothing, such as a scan without lungs.
        lungs: volume and density of the lungs; None if nobody looked.
        risk: what a model of the whole scan says; None if none did.
        models: all other models that had a part in it.
        notes: what the analysis left out, and why, and how scores were changed.
    """

    series: SeriesInfo
    shape: tuple[int, int, int]
    affine_lps: Affine
    findings: tuple[Finding, ...]
    model: ModelInfo
    software_version: str
    warnings: tuple[str, ...] = ()
    lungs: LungsFound | None = None
    risk: ScanRiskAnswer | None = None
    models: tuple[ModelInfo, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        scores = [finding.score for finding in self.findings]
        if scores != sorted(scores, reverse=True):
            raise ValueError("findings must come by falling score")

    @property
    def analyzed(self) -> bool:
        """Whether somebody looked beyond the detector's marks."""
        told = any(found.measurement or found.answer or found.notes for found in self.findings)
        return told or bool(self.lungs or self.risk or self.models or self.notes)
