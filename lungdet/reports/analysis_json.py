"""What an analysis adds to ``findings.json``; nothing where none was made, so that older readers see no change."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lungdet.records import (
    DetectionReport,
    Finding,
    LungsFound,
    ModelInfo,
    NoduleAnswer,
    NoduleGrowth,
    NoduleMeasurement,
    ScanRiskAnswer,
)

ANALYSIS_MEANINGS = {
    "measurement": "lengths in mm, areas in mm2, volumes in mm3, density in HU, as the names say; 'version' is that of"
    " the method; recist_voxel are (column, row) at voxel centres in slice 'slice_index'",
    "answer": "of a classifier: probabilities from 0 to 1; ratings are means and standard deviations on scales from 1"
    " to 5, of which malignancy 5 is the highest suspicion; no diagnosis",
    "lungs": "volumes in ml, density in HU, emphysema_percent the part below -950 HU; sides are the patient's",
    "risk": "probability from 0 to 1 of the label that the model was trained on; no diagnosis",
}


def analysis_entries(report: DetectionReport) -> dict[str, Any]:
    """Return what stands at the top of the file beside the findings; absent answers are left out."""
    if not report.analyzed:
        return {}
    entries: dict[str, Any] = {"models": [asdict(model) for model in report.models], "notes": report.notes}
    if report.lungs is not None:
        entries["lungs"] = report.lungs.to_dict()
    if report.risk is not None:
        entries["risk"] = report.risk.to_dict()
    return entries


def finding_entries(finding: Finding) -> dict[str, Any]:
    """Return what stands with one finding; absent answers are left out."""
    entries: dict[str, Any] = {}
    if finding.detector_score is not None:
        entries["detector_score"] = finding.detector_score
    if finding.measurement is not None:
        entries["measurement"] = finding.measurement.to_dict()
    if finding.answer is not None:
        entries["answer"] = finding.answer.to_dict()
    if finding.growth is not None:
        entries["growth"] = finding.growth.to_dict()
    if finding.notes:
        entries["notes"] = finding.notes
    return entries


def read_analysis(content: dict[str, Any]) -> dict[str, Any]:
    """Read the arguments of a :class:`DetectionReport` that :func:`analysis_entries` wrote."""
    lungs, risk = content.get("lungs"), content.get("risk")
    return {
        "lungs": None if lungs is None else LungsFound.from_dict(lungs),
        "risk": None if risk is None else ScanRiskAnswer.from_dict(risk),
        "models": tuple(ModelInfo(**model) for model in content.get("models", ())),
        "notes": tuple(content.get("notes", ())),
    }


def read_finding(entry: dict[str, Any]) -> dict[str, Any]:
    """Read the arguments of a :class:`Finding` that :func:`finding_entries` wrote."""
    measured, answered, grown = entry.get("measurement"), entry.get("answer"), entry.get("growth")
    return {
        "measurement": None if measured is None else NoduleMeasurement.from_dict(measured),
        "answer": None if answered is None else NoduleAnswer.from_dict(answered),
        "growth": None if grown is None else NoduleGrowth.from_dict(grown),
        "detector_score": entry.get("detector_score"),
        "notes": tuple(entry.get("notes", ())),
    }
