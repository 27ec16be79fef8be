"""How many lesions would be linked by chance: studies of one patient against those of another.

Rows without identities, such as those of the real DeepLesion, tell no precision. But lesions of two patients are never
the same: where a study is compared with a study of somebody else, every link is wrong. About as many wrong links may be
among those of a patient's own studies: fewer, for there a wrong lesion has to be closer than the right one; more, for
lesions of one patient lie closer together than those of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from lungdet.lesions import DistanceWeights, find_histories, lesion_distances
from lungdet.lesions.matching_weights import GEOMETRY
from lungdet.lesions.repeats import overlap_in_series
from lungdet.records import MeasuredLesion

Study = list[MeasuredLesion]
ROUNDS = 5
RANGES = ((0.0, 0.3), (0.3, 0.45), (0.45, 0.6), (0.6, 0.8))


def chance_row(lesions: Sequence[MeasuredLesion], weights: DistanceWeights, seed: int) -> dict[str, Any]:
    """Links between successive studies, and between as many that were paired at random."""
    pairs = successive(lesions)
    own = sum(links(first, second, weights) for first, second in pairs)
    random = np.random.default_rng(seed)
    wrong = np.mean([strange(pairs, random.permutation(len(pairs)), weights) for _ in range(ROUNDS)])
    return {
        "threshold": f"{weights.threshold:.1f}",
        "pairs of studies": len(pairs),
        "linked": own,
        "of another patient": f"{wrong:.0f}",
        "precision, about": f"{1 - wrong / own:.3f}",
    }


def repeat_rows(lesions: Sequence[MeasuredLesion]) -> list[dict[str, Any]]:
    """Marks of one study in two series by their distance in place, and how many would be so close by chance.

    Marks of one series that do not overlap are two lesions for sure: as often as these are close, strangers in two
    series are.
    """
    studies: dict[tuple[str, int], Study] = {}
    for lesion in lesions:
        studies.setdefault((lesion.patient, lesion.study), []).append(lesion)
    apart: dict[bool, list[float]] = {True: [], False: []}
    pairs = {True: 0, False: 0}
    for marks in studies.values():
        distances = lesion_distances(marks, GEOMETRY.of_place)
        for a, b in combinations(range(len(marks)), 2):
            same_series = marks[a].series == marks[b].series
            pairs[same_series] += 1
            if not (same_series and overlap_in_series(marks[a], marks[b])):
                apart[same_series].append(float(distances[a, b]))
    rows = []
    for low, high in RANGES:
        found = {series: sum(low < far <= high or far == low == 0 for far in apart[series]) for series in apart}
        by_chance = found[True] * pairs[False] / max(pairs[True], 1)
        rows.append(
            {"distance": f"{low:g} to {high:g}", "in two series": found[False], "by chance": f"{by_chance:.0f}"}
        )
    return rows


def successive(lesions: Sequence[MeasuredLesion]) -> list[tuple[Study, Study]]:
    """Each study of a patient and the next one."""
    patients: dict[str, dict[int, Study]] = {}
    for lesion in lesions:
        patients.setdefault(lesion.patient, {}).setdefault(lesion.study, []).append(lesion)
    return [
        (studies[first], studies[second])
        for studies in patients.values()
        for first, second in pairwise(sorted(studies))
    ]


def strange(pairs: Sequence[tuple[Study, Study]], order: Any, weights: DistanceWeights) -> int:
    """Links of first studies with second studies of other patients."""
    mixed = [(pairs[place][0], second) for place, (_, second) in zip(order.tolist(), pairs, strict=True)]
    return sum(links(a, b, weights) for a, b in mixed if a[0].patient != b[0].patient)


def links(first: Study, second: Study, weights: DistanceWeights) -> int:
    """How many lesions of two studies are taken for the same."""
    marks = [replace(mark, patient="p", study=1, key=f"1 {mark.key}") for mark in first]
    marks += [replace(mark, patient="p", study=2, key=f"2 {mark.key}") for mark in second]
    (history,) = find_histories(marks, weights)
    return len(history.followed)
