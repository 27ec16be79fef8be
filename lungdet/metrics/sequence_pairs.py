"""Precision and recall of lesions matched over time: of pairs of marks, and of whole sequences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any


@dataclass(frozen=True)
class PrecisionRecallF1:
    """How many of the found are true, and how many of the true were found.

    Attributes:
        found: how many were found.
        true: how many there are.
        right: how many were found and are true.
    """

    found: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        """Part of the found that is true; NaN if nothing was found."""
        return self.right / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        """Part of the true that was found; NaN if there is nothing."""
        return self.right / self.true if self.true else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN if there is nothing and nothing was found."""
        return 2 * self.right / (self.found + self.true) if self.found + self.true else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return counts and rates; None stands for NaN."""
        rates = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        counts = {"found": self.found, "true": self.true, "right": self.right}
        return {**counts, **{name: None if value != value else value for name, value in rates.items()}}


@dataclass(frozen=True)
class SequenceScores:
    """How well lesions were matched over time.

    Attributes:
        pairs: two marks of one patient in different studies that are, or are said to be, the same lesion.
        sequences: all marks of one lesion, over two studies or more; right if exactly these marks were put together.
    """

    pairs: PrecisionRecallF1
    sequences: PrecisionRecallF1


def sequence_scores(found: Sequence[Hashable], true: Sequence[Hashable], studies: Sequence[Hashable]) -> SequenceScores:
    """Score sequences against identities.

    Marks of one lesion in one study, repeats, are no pair over time; they belong to the sequence all the same.

    Args:
        found: ``N`` names of the sequence that a mark was put into, unlike those of other patients.
        true: ``N`` names of the lesion that it is.
        studies: ``N`` studies of the marks.

    Raises:
        ValueError: lengths differ.

    Example:
        >>> scores = sequence_scores(["a", "a", "b", "b"], [1, 1, 1, 2], [1, 2, 3, 1])
        >>> scores.pairs  # found: marks 0-1, right, and 2-3, wrong; missed: 0-2 and 1-2
        PrecisionRecallF1(found=2, true=3, right=1)
    """
    if not len(found) == len(true) == len(studies):
        raise ValueError(f"one name and study a mark, got {len(found)} found, {len(true)} true, {len(studies)} studies")
    groups = [_groups(names, studies) for names in (found, true)]
    pairs = [set(_pairs(members, studies)) for members in groups]
    return SequenceScores(_compare(*pairs), _compare(*groups))


def _groups(names: Sequence[Hashable], studies: Sequence[Hashable]) -> set[tuple[int, ...]]:
    """Rows of each name, if they are of two studies or more."""
    rows: dict[Hashable, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows[name].append(row)
    return {tuple(members) for members in rows.values() if len({studies[row] for row in members}) > 1}


def _pairs(groups: Iterable[tuple[int, ...]], studies: Sequence[Hashable]) -> Iterable[tuple[int, int]]:
    for members in groups:
        yield from (pair for pair in combinations(members, 2) if studies[pair[0]] != studies[pair[1]])


def _compare(found: set[Any], true: set[Any]) -> PrecisionRecallF1:
    return PrecisionRecallF1(len(found), len(true), len(found & true))
