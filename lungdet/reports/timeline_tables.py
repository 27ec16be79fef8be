"""Lesions over time as tables: one row a lesion and study, and everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lungdet.records.lesion_sequence import LesionSequence, PatientHistory, SequenceMark

from .csv_rows import table_to_csv

FORMAT = "lungdet lesion history 1"
COLUMNS = (
    "patient", "sequence", "lesion_type", "study", "key", "image", "long_mm", "short_mm", "change_mm", "change_percent",
    "change_from_smallest_percent", "growth", "x", "y", "z", "distance", "repeats",
)  # fmt: skip
PARTS = ("marks_in_sequences", "lesions_marked_once", "lesions_of_one_study", "repeats")  # their sum is all marks
LEGEND = {
    "marks_in_sequences": "of followed lesions, one a study",
    "lesions_marked_once": "of lesions marked in one study, though the patient has more",
    "lesions_of_one_study": "of patients with one study, where nothing can be followed",
    "repeats": "repeated: the same lesion again in the same study, on another slice or in another series",
}

Growth = Callable[[float, float], str]  # says of a diameter before and after, in mm, whether it grew


def histories_to_csv(histories: Sequence[PatientHistory], growth: Growth) -> bytes:
    """List the lesions that were marked in two studies or more, one row a study.

    ``change_mm``, ``change_percent`` and ``growth`` compare the long diameter with that of the first study of the
    sequence, ``change_from_smallest_percent`` with the smallest of the studies before, as RECIST does for progression.
    ``distance`` is that to the closest mark of another study, ``repeats`` the keys of further marks in that study.

    Args:
        histories: of all patients.
        growth: tells growth from measurement error: ``growth(before_mm, after_mm)``, a word.
    """
    rows = [
        _row(sequence, place, growth)
        for one in histories
        for sequence in one.followed
        for place in range(len(sequence.marks))
    ]
    return table_to_csv(COLUMNS, rows)


def histories_to_json(histories: Sequence[PatientHistory], facts: Mapping[str, Any], growth: Growth) -> bytes:
    """Write everything: sequences, lesions that were marked once, and sums over time.

    Args:
        histories: of all patients.
        facts: what else to say, at the top: source, weights, rule, counts.
        growth: as for :func:`histories_to_csv`.
    """
    content = {
        "format": FORMAT,
        **facts,
        "patients": [_patient(history, growth) for history in histories if len(history.studies) > 1],
        "patients_with_one_study": [history.patient for history in histories if len(history.studies) == 1],
    }
    return (json.dumps(content, indent=1, sort_keys=False, allow_nan=False) + "\n").encode()


def sums_over_time(history: PatientHistory) -> tuple[int, tuple[float, ...]]:
    """Add up the long diameters of the lesions that every study marks: a sum of changing lesions would say nothing.

    Returns:
        How many lesions, and their sum in each study, in mm; no sums if there is no such lesion.
    """
    always = [sequence for sequence in history.followed if sequence.studies == history.studies]
    if not always:
        return 0, ()
    return len(always), tuple(
        sum(sequence.marks[place].long_mm for sequence in always) for place in range(len(history.studies))
    )


def change(sequence: LesionSequence, place: int) -> tuple[float | None, float | None, float | None]:
    """Compare the long diameter of a mark with the first one, in mm and percent, and with the smallest before.

    Returns:
        None for the first mark, and for percents of a diameter of 0.
    """
    if place == 0:
        return None, None, None
    sizes = [mark.long_mm for mark in sequence.marks[: place + 1]]
    smallest = min(sizes[:-1])
    return (
        sizes[-1] - sizes[0],
        100 * (sizes[-1] / sizes[0] - 1) if sizes[0] else None,
        100 * (sizes[-1] / smallest - 1) if smallest else None,
    )


def growth_since_first(sequence: LesionSequence, place: int, growth: Growth) -> str | None:
    """Say whether a lesion grew since its first mark; None for that one."""
    return growth(sequence.marks[0].long_mm, sequence.marks[place].long_mm) if place else None


def _row(sequence: LesionSequence, place: int, growth: Growth) -> list[Any]:
    mark = sequence.marks[place]
    lesion = mark.lesion
    sizes = [_round(value, 3) for value in (mark.long_mm, mark.short_mm, *change(sequence, place))]
    where = [_round(value, 5) for value in (*(lesion.location or (None,) * 3), mark.distance)]
    return [
        sequence.patient, sequence.name, lesion.lesion_type, lesion.study, lesion.key, lesion.image, *sizes,
        growth_since_first(sequence, place, growth), *where, " ".join(mark.keys[1:]),
    ]  # fmt: skip


def _patient(history: PatientHistory, growth: Growth) -> dict[str, Any]:
    lesions, sums = sums_over_time(history)
    return {
        "patient": history.patient,
        "studies": list(history.studies),
        "sequences": [_sequence(sequence, growth) for sequence in history.followed],
        "marked_once": [list(sequence.keys) for sequence in history.sequences if len(sequence) == 1],
        "sum_of_lesions_in_all_studies": {"lesions": lesions, "long_mm": [_round(value, 3) for value in sums]},
    }


def _sequence(sequence: LesionSequence, growth: Growth) -> dict[str, Any]:
    marks = [_mark(sequence, place, mark, growth) for place, mark in enumerate(sequence.marks)]
    return {"name": sequence.name, "lesion_type": sequence.lesion_type, "marks": marks}


def _mark(sequence: LesionSequence, place: int, mark: SequenceMark, growth: Growth) -> dict[str, Any]:
    lesion = mark.lesion
    _, percent, from_smallest = change(sequence, place)
    return {
        "study": lesion.study,
        "key": lesion.key,
        "repeats": list(mark.keys[1:]),
        "lesion_type": lesion.lesion_type,
        "long_mm": _round(mark.long_mm, 3),
        "short_mm": _round(mark.short_mm, 3),
        "change_percent": _round(percent, 2),
        "change_from_smallest_percent": _round(from_smallest, 2),
        "growth": growth_since_first(sequence, place, growth),
        "location": None if lesion.location is None else [_round(value, 5) for value in lesion.location],
        "distance": _round(mark.distance, 5),
    }


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
