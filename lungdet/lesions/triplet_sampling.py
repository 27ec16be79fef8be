"""Lesions to compare with a lesion: the same one, one alike, then ones of another size, place and type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .lesion_relations import ALIKE, OTHER_PLACE, OTHER_SIZE, OTHER_TYPE, SAME_LESION, LesionFacts, RelationLimits
from .lesion_relations import relations as _relations

SEQUENCE = (SAME_LESION, ALIKE, OTHER_SIZE, OTHER_PLACE, OTHER_TYPE)  # after the lesion itself
SEQUENCE_LENGTH = 1 + len(SEQUENCE)


class SequenceSampler:
    """Draw sequences of six lesions, each less like the first than the one before.

    After the first lesion A come: A itself at another time; a lesion alike in type, place and size; then one of another
    size, one in another place, and one of another type (Yan et al., CVPR 2018, have the first and the last four). Where
    there is none of a kind, the next kind takes its place.

    First lesions are drawn so that all types come equally often, times ``type_balance``. Lesions of another type, place
    or size may be of the same patient: of these a share is preferred, so that a patient's own looks do not pass for a
    lesion's.

    Args:
        facts: of all lesions.
        limits: what is close; the usual limits if None.
        type_balance: 0 draws all lesions alike, 1 all types.
        same_patient: probability of preferring the same patient, where there is a choice.

    Raises:
        ValueError: fewer than two lesions have a type or a name, or an argument is out of its range.
    """

    def __init__(
        self,
        facts: LesionFacts,
        limits: RelationLimits | None = None,
        type_balance: float = 0.5,
        same_patient: float = 0.3,
    ) -> None:
        if not 0 <= type_balance <= 1 or not 0 <= same_patient <= 1:
            raise ValueError(f"shares must be in [0, 1], got {type_balance} and {same_patient}")
        useful = facts.known | (facts.identity != "")
        if useful.sum() < 2:
            raise ValueError(f"{int(useful.sum())} of {len(facts)} lesions have a type or a name; wanted 2 or more")
        self.facts, self.limits, self.same_patient = facts, limits or RelationLimits(), same_patient
        _, inverse, counts = np.unique(facts.lesion_type, return_inverse=True, return_counts=True)
        weights = np.where(useful, counts[inverse].astype(np.float64) ** -type_balance, 0.0)
        self.weights: NDArray[np.float64] = weights / weights.sum()

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.intp]:
        """Draw ``(count, 6)`` rows of lesions."""
        first = generator.choice(len(self.facts), size=count, p=self.weights)
        sequences = [self._follow(generator, int(row)) for row in first]
        return np.array(sequences, dtype=np.intp).reshape(count, SEQUENCE_LENGTH)

    def _follow(self, generator: np.random.Generator, first: int) -> list[int]:
        levels = _relations(self.facts, [first], self.limits)[0]
        levels[first] = -1
        own = self.facts.patient == self.facts.patient[first]
        sequence = [first]
        for level in SEQUENCE:
            candidates = self._candidates(levels, level, sequence)
            close = candidates[own[candidates]]
            if level < ALIKE and len(close) and generator.random() < self.same_patient:
                candidates = close
            sequence.append(int(generator.choice(candidates)))
        return sequence

    def _candidates(self, levels: NDArray[np.int8], level: int, taken: list[int]) -> NDArray[np.intp]:
        """Return rows of a level, or of the next lower one that has any, at best ones not yet taken."""
        for lower in (*range(level, OTHER_TYPE - 1, -1), *range(level + 1, SAME_LESION + 1)):
            rows = np.flatnonzero(levels == lower)
            fresh = rows[~np.isin(rows, taken)]
            if len(fresh) or len(rows):
                return fresh if len(fresh) else rows
        return np.array(taken[:1], dtype=np.intp)
