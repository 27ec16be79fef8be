"""``findings.json``: everything about the findings of one study, with a published schema."""

from __future__ import annotations

import functools
import json
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from lungdet.geometry import frames
from lungdet.records import DetectionReport, Finding, ModelInfo, SeriesInfo

from .analysis_json import ANALYSIS_MEANINGS, analysis_entries, finding_entries, read_analysis, read_finding
from .atomic import write_files

FORMAT = "lungdet-findings/1"
MEANINGS = {
    "box_voxel": "[i0, j0, k0, i1, j1, k1] in the image as read, axes (column, row, slice); half-open, integers are the"
    " edges of voxels: voxel n spans [n, n + 1), its centre is n + 0.5",
    "box_lps_mm": "[x0, y0, z0, x1, y1, z1] in mm towards the patient's Left, Posterior and Superior (DICOM patient"
    " coordinates)",
    "slice_index": "slice of the centre, counted from 0 along the third axis of the image as read",
    "score": "confidence of the detector from 0 to 1; not a probability of cancer",
}


class FindingsFileError(ValueError):
    """A findings.json cannot be read back: it is no JSON, or does not fit the schema."""


def report_to_json(report: DetectionReport, created: datetime | None = None) -> bytes:
    """Turn a report into the bytes of a ``findings.json``.

    Args:
        report: what was found.
        created: time stamp; now if None. Everything else depends on ``report`` alone.

    Returns:
        ASCII text (other characters are escaped) with sorted keys and a final newline.
    """
    affine = np.asarray(report.affine_lps, dtype=np.float64)
    content = {
        "format": FORMAT,
        "created": time_stamp(created),
        "software": {"name": "lungdet", "version": report.software_version},
        "model": asdict(report.model),
        "series": asdict(report.series),
        "image": {
            "axes": ["column", "row", "slice"],
            "shape": report.shape,
            "spacing_mm": [round(float(value), 6) for value in frames.spacing_of(affine)],
            "affine_lps": report.affine_lps,
        },
        "frames": {**MEANINGS, **(ANALYSIS_MEANINGS if report.analyzed else {})},
        "warnings": report.warnings,
        "findings": [_finding_entry(report, rank, item) for rank, item in enumerate(report.findings, start=1)],
        **analysis_entries(report),
    }
    return (json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n").encode("ascii")


def report_from_json(text: str | bytes) -> DetectionReport:
    """Read back what :func:`report_to_json` wrote, checked against the schema.

    Raises:
        FindingsFileError: it is no JSON, does not fit the schema, or contradicts itself.
    """
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FindingsFileError(f"not JSON: {error}") from error
    validate(content)
    try:
        return _report(content)
    except ValueError as error:
        raise FindingsFileError(str(error)) from error


def write_json(path: str | Path, report: DetectionReport, created: datetime | None = None) -> None:
    """Write a ``findings.json`` atomically; see :func:`report_to_json`."""
    write_files(Path(path).parent, {Path(path).name: report_to_json(report, created)})


def read_json(path: str | Path) -> DetectionReport:
    """Read a ``findings.json``.

    Raises:
        FindingsFileError: it is not one; the message names the file and the place in it.
        OSError: it cannot be opened.
    """
    try:
        return report_from_json(Path(path).read_bytes())
    except FindingsFileError as error:
        raise FindingsFileError(f"{path}: {error}") from error


@functools.cache
def load_schema() -> Any:
    """Return the schema of ``findings.json`` (JSON Schema 2020-12), as published with the package."""
    return json.loads(resources.files(__package__).joinpath("findings.schema.json").read_text(encoding="utf-8"))


def validate(content: Any) -> None:
    """Check the parsed content of a ``findings.json`` against the schema.

    Raises:
        FindingsFileError: it does not fit; the message names the place of the first fault.
    """
    import jsonschema  # type: ignore[import-untyped]  # 0.1 s that a caller who only writes need not pay

    validator = jsonschema.Draft202012Validator(load_schema())
    fault = jsonschema.exceptions.best_match(validator.iter_errors(content))
    if fault is not None:
        raise FindingsFileError(f"does not fit the schema of {FORMAT} at {fault.json_path}: {fault.message[:300]}")


def time_stamp(created: datetime | None) -> str:
    """Write a time as ISO 8601 in UTC to the second; now if None.

    Example:
        >>> time_stamp(datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc))
        '2030-01-02T03:04:05Z'
    """
    moment = created or datetime.now(timezone.utc)
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def slice_uid(report: DetectionReport, finding: Finding) -> str:
    """SOPInstanceUID of the slice that holds the centre; empty where the format has none."""
    uids = report.series.slice_uids
    return uids[finding.center_slice] if finding.center_slice < len(uids) else ""


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finding_entry(report: DetectionReport, rank: int, finding: Finding) -> dict[str, Any]:
    box = finding.box_lps_mm
    return {
        "rank": rank,
        "score": finding.score,
        "center_lps_mm": [round(value, 4) for value in finding.center_lps_mm],
        "diameter_mm": round(finding.diameter_mm, 4),
        "size_lps_mm": [round(high - low, 4) for low, high in zip(box[:3], box[3:], strict=True)],
        "box_lps_mm": box,
        "box_voxel": finding.box_voxel,
        "slice_index": finding.center_slice,
        "slice_uid": slice_uid(report, finding),
        **finding_entries(finding),
    }


def _report(content: dict[str, Any]) -> DetectionReport:
    series, image = content["series"], content["image"]
    series = {**series, "slice_uids": tuple(series["slice_uids"]), "steps": tuple(series["steps"])}
    columns, rows, slices = image["shape"]
    return DetectionReport(
        series=SeriesInfo(**series),
        shape=(columns, rows, slices),
        affine_lps=tuple((a, b, c, d) for a, b, c, d in image["affine_lps"]),
        findings=tuple(_finding(entry) for entry in content["findings"]),
        model=ModelInfo(**content["model"]),
        software_version=content["software"]["version"],
        warnings=tuple(content.get("warnings", ())),  # files of older versions have none
        **read_analysis(content),
    )


def _finding(entry: dict[str, Any]) -> Finding:
    x0, y0, z0, x1, y1, z1 = entry["box_lps_mm"]
    i0, j0, k0, i1, j1, k1 = entry["box_voxel"]
    return Finding((x0, y0, z0, x1, y1, z1), (i0, j0, k0, i1, j1, k1), entry["score"], **read_finding(entry))
