"""Which patient a series belongs to, where the labels do not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lungdet.readers.label_table import LabelTable


def read_patients(path: str | Path, key: str = "series_uid") -> dict[str, str]:
    """Read a CSV with the columns ``patient_id`` and ``series_uid``, or ``image_path`` where images have no series.

    Args:
        path: the file.
        key: name of the second column.

    Returns:
        Patient by series UID, or by what else the column holds.

    Raises:
        AnnotationError: columns are missing, a field is empty, or a series belongs to two patients.
    """
    table = LabelTable(path, ("patient_id", key))
    patients: dict[str, str] = {}
    faults = [False] * len(table)
    pairs = list(zip(table.text("patient_id"), table.text(key), strict=True))
    for row, (patient, series) in enumerate(pairs):
        faults[row] = not patient or not series or patients.setdefault(series, patient) != patient
    table.refuse(faults, lambda row: f"{pairs[row]} is empty, or contradicts an earlier line")
    table.close(strict=True)
    return patients


def uncovered_note(series_uids: Iterable[str], patients: Mapping[str, str]) -> tuple[str, ...]:
    """Say how many series the table of patients leaves out; nothing if it names all.

    Example:
        >>> uncovered_note(["1.1", "1.2", "1.3"], {"1.2": "A"})
        ('the table of patients names none for 2 of 3 series, such as 1.1: complete it, or their scans may leak',)
    """
    series = list(series_uids)
    missing = [uid for uid in series if uid not in patients]
    if not missing:
        return ()
    return (
        f"the table of patients names none for {len(missing)} of {len(series)} series, such as {missing[0]}: "
        "complete it, or their scans may leak",
    )
