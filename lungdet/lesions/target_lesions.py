"""Which lesions of a patient are summed: the target lesions of RECIST 1.1."""

from __future__ import annotations

from collections import Counter

from lungdet.records.lesion_sequence import LesionSequence, PatientHistory
from lungdet.records.measured_lesion import UNKNOWN_TYPE

from .measured import UNDATED

LEAST_LONG_MM, MOST, MOST_OF_A_TYPE = 10.0, 5, 2
NOT_MEASURABLE = ("bone",)


def target_lesions(history: PatientHistory) -> tuple[LesionSequence, ...]:
    """Choose the target lesions among those of the first study.

    At most five of 10 mm or more, at most two of a type, the longest first (Eisenhauer et al., RECIST 1.1, Eur J Cancer
    2009;45:228-247). Types stand for organs. Lesions of bone are left out: only those with a part of soft tissue can be
    measured, and the list does not say which. The rule for lymph nodes, 15 mm of the short axis, is left out, too: it
    does not say which are nodes. Types that are not known count as one organ each.

    Returns:
        In the order of their choice; empty if none is large enough, or if no study is known to be the first.
    """
    if any(UNDATED in mark.lesion.flags for item in history.sequences for mark in item.marks):
        return ()
    first = history.studies[0]
    present = [item for item in history.sequences if item.studies[0] == first]
    fit = [item for item in present if item.lesion_type not in NOT_MEASURABLE]
    large = [item for item in fit if item.marks[0].long_mm >= LEAST_LONG_MM]
    chosen: list[LesionSequence] = []
    counts: Counter[str] = Counter()
    for item in sorted(large, key=lambda item: (-item.marks[0].long_mm, item.name)):
        full = item.lesion_type != UNKNOWN_TYPE and counts[item.lesion_type] >= MOST_OF_A_TYPE
        if len(chosen) < MOST and not full:
            chosen.append(item)
            counts[item.lesion_type] += 1
    return tuple(chosen)
