"""A description of lesions as tables: CSV for people and spreadsheets, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lungdet import __version__
from lungdet.records.lesion_description import LesionDescription, Spread

from .csv_rows import table_to_csv

FORMAT = "lungdet-lesions/1"
QUANTILES = ("low", "quarter", "median", "three_quarters", "high")
LESION_COLUMNS = (
    "key", "patient", "study", "series", "lesion_type", "long_mm", "short_mm", "x", "y", "z", "image", "flags",
)  # fmt: skip
STUDY_COLUMNS = (
    "patient", "study", "marks", "lesions", "sum_mm", "sd_mm", "targets", "all_targets", "target_sum_mm",
)  # fmt: skip
GROWTH_COLUMNS = (
    "patient", "before", "after", "lesions", "sum_before_mm", "sum_after_mm", "change_mm", "change_percent", "limit_mm",
    "growth",
)  # fmt: skip


def description_to_tables(description: LesionDescription) -> dict[str, bytes]:
    """Write a description as CSV, millimetres to two digits.

    Returns:
        CSV by file name: ``types.csv``, ``studies.csv``, ``growth.csv`` and ``lesions.csv``.
    """
    type_columns = ["lesion_type", "marks", "patients"]
    type_columns += [f"{axis}_mm_{name}" for axis in ("long", "short") for name in QUANTILES]
    types = [
        [item.lesion_type, item.marks, item.patients, *_quantiles(item.long_mm), *_quantiles(item.short_mm)]
        for item in description.types
    ]
    lesions = [
        [item.key, item.patient, item.study, item.series, item.lesion_type, _mm(item.long_mm), _mm(item.short_mm)]
        + [round(value, 6) for value in item.location or ()]
        + [None] * (0 if item.location else 3)
        + [item.image, " ".join(item.flags)]
        for item in description.lesions
    ]
    return {
        "types.csv": table_to_csv(type_columns, types),
        "studies.csv": table_to_csv(STUDY_COLUMNS, _rows(description.studies, STUDY_COLUMNS)),
        "growth.csv": table_to_csv(GROWTH_COLUMNS, _rows(description.growths, GROWTH_COLUMNS)),
        "lesions.csv": table_to_csv(LESION_COLUMNS, lesions),
    }


def description_to_json(description: LesionDescription, source: str, problems: Sequence[str]) -> bytes:
    """Write a description, but for the lesions themselves, as JSON.

    Args:
        description: of the lesions.
        source: name of the list.
        problems: what was left out, and why.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "source": source,
        "software": {"name": "lungdet", "version": __version__},
        "measurements": len(description.lesions),
        "patients": description.patients,
        "patients_with_one_study": description.single_study,
        "patients_not_comparable": description.not_comparable,
        "studies_without_earlier_lesion": description.not_followed,
        "measurements_without_place": description.not_placed,
        "flags": dict(description.flags),
        "measurement_error": dict(description.error),
        "types": [asdict(item) for item in description.types],
        "studies": [asdict(item) for item in description.studies],
        "growth": [
            {**asdict(item), "change_mm": item.change_mm, "change_percent": item.change_percent}
            for item in description.growths
        ],
        "problems": list(problems),
    }
    return (json.dumps(_rounded(content), indent=1, allow_nan=False) + "\n").encode("ascii")


def _rows(items: Sequence[Any], columns: Sequence[str]) -> list[list[Any]]:
    return [[_mm(getattr(item, name)) for name in columns] for item in items]


def _mm(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _quantiles(spread: Spread) -> list[Any]:
    return [_mm(getattr(spread, name)) for name in QUANTILES]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
