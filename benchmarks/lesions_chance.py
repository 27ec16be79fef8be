"""How many lesions would be linked by chance: studies of one patient against those of another.

Rows without identities, such as those of the real DeepLesion, tell no precision. But lesions of two patients are never
the same: where a study is compared with a study of somebody else, every link is wrong. About as many wrong links may be
among those of a patient's own studies: fewer, for there a wrong lesion has to be closer than the right one; more, for
lesions of one patient lie closer together than those of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from lungdet.lesions import DistanceWeights, find_histories
from lungdet.records import MeasuredLesion

Study = list[MeasuredLesion]
ROUNDS = 5


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
