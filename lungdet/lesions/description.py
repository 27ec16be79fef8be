"""Describe measured lesions: counts and sizes by type, sums of studies, growth beyond measurement error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby, pairwise

import numpy as np

from lungdet.records.lesion_description import LesionDescription, Spread, StudyGrowth, StudySum, TypeSummary
from lungdet.records.lesion_sequence import LesionSequence, PatientHistory
from lungdet.records.measured_lesion import TYPE_NAMES, MeasuredLesion

from .lesion_distance import DistanceWeights
from .matching_weights import GEOMETRY
from .measured import UNDATED
from .measurement_error import MeasurementError
from .sequences import find_histories
from .target_lesions import target_lesions

ALL = "all"
PERCENTILES = (5, 25, 50, 75, 95)


def describe_measured(
    lesions: Sequence[MeasuredLesion],
    error: MeasurementError | None = None,
    weights: DistanceWeights | None = None,
) -> LesionDescription:
    """Describe a list of lesions.

    Args:
        lesions: of any number of patients; keys must differ.
        error: of the diameters; that between two observers if None.
        weights: what tells which marks are one lesion, by place, size and type; the fitted ones if None.

    Returns:
        The description; without lesions one that holds no more than a summary of nothing.

    Raises:
        ValueError: two lesions have one key.
    """
    error = error or MeasurementError()
    apart = {lesion.patient for lesion in lesions if UNDATED in lesion.flags}
    histories = find_histories(lesions, weights or GEOMETRY)
    growths: list[StudyGrowth] = []
    not_followed = 0
    for history in histories:
        if history.patient not in apart:
            found = _growths(history, error)
            growths += found
            not_followed += len(set(history.studies[1:]) - {growth.after for growth in found})
    return LesionDescription(
        lesions=tuple(lesions),
        types=_types(lesions),
        studies=tuple(item for history in histories for item in _sums(history, error)),
        growths=tuple(growths),
        patients=len(histories),
        single_study=sum(len(history.studies) == 1 for history in histories),
        not_comparable=len(apart),
        not_followed=not_followed,
        flags=dict(sorted(Counter(flag for lesion in lesions for flag in lesion.flags).items())),
        error=asdict(error),
    )


def spread(values: Iterable[float]) -> Spread:
    """Take the quantiles of some numbers, linear between them.

    Example:
        >>> spread([1.0, 2.0, 3.0]).median
        2.0
        >>> spread([])
        Spread(count=0, low=None, quarter=None, median=None, three_quarters=None, high=None)
    """
    array = np.fromiter(values, dtype=np.float64)
    if not len(array):
        return Spread(0)
    return Spread(len(array), *np.percentile(array, PERCENTILES).tolist())


def _types(lesions: Sequence[MeasuredLesion]) -> tuple[TypeSummary, ...]:
    """Summarise each type that occurs, in the order of the data set, then all."""
    members = {name: [lesion for lesion in lesions if lesion.lesion_type == name] for name in TYPE_NAMES}
    present = {name: found for name, found in members.items() if found}
    return tuple(_summary(name, found) for name, found in {**present, ALL: lesions}.items())


def _summary(name: str, lesions: Sequence[MeasuredLesion]) -> TypeSummary:
    return TypeSummary(
        lesion_type=name,
        marks=len(lesions),
        patients=len({lesion.patient for lesion in lesions}),
        long_mm=spread(lesion.long_mm for lesion in lesions),
        short_mm=spread(lesion.short_mm for lesion in lesions if lesion.short_mm is not None),
    )


def _sums(history: PatientHistory, error: MeasurementError) -> list[StudySum]:
    targets = target_lesions(history)
    sums = []
    for study in history.studies:
        sizes = list(_sizes(history.sequences, study).values())
        of_targets = list(_sizes(targets, study).values())
        marks = sum(len(mark.keys) for item in history.sequences for mark in item.marks if mark.lesion.study == study)
        sums.append(
            StudySum(
                patient=history.patient,
                study=study,
                marks=marks,
                lesions=len(sizes),
                sum_mm=sum(sizes),
                sd_mm=error.sd_of_sum_mm(sizes),
                targets=len(of_targets),
                all_targets=len(targets),
                target_sum_mm=sum(of_targets) if of_targets else None,
            )
        )
    return sums


def _growths(history: PatientHistory, error: MeasurementError) -> list[StudyGrowth]:
    """Compare each mark of a lesion with the one before; lesions between the same two studies are summed."""
    steps = sorted(
        (before.lesion.study, after.lesion.study, item.name, before.long_mm, after.long_mm)
        for item in history.sequences
        for before, after in pairwise(item.marks)
    )
    found = []
    for (before, after), group in groupby(steps, key=lambda step: step[:2]):
        together = list(group)
        sizes_before, sizes_after = [step[3] for step in together], [step[4] for step in together]
        found.append(
            StudyGrowth(
                patient=history.patient,
                before=before,
                after=after,
                lesions=len(together),
                sum_before_mm=sum(sizes_before),
                sum_after_mm=sum(sizes_after),
                limit_mm=error.limit_mm(sizes_before, sizes_after),
                growth=error.growth(sizes_before, sizes_after),
            )
        )
    return found


def _sizes(sequences: Iterable[LesionSequence], study: int) -> dict[str, float]:
    """Long diameters in one study, by the name of the lesion."""
    return {item.name: mark.long_mm for item in sequences for mark in item.marks if mark.lesion.study == study}
