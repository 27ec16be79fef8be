"""What a classifier says of one nodule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .rating_target import NODULE_TYPES, ORDINAL_RATINGS, RATING_LEVELS, NoduleType

SUM_TOLERANCE = 1e-3


def _check_shares(name: str, shares: Sequence[float], count: int) -> None:
    if len(shares) != count or not all(0.0 <= share <= 1.0 for share in shares):
        raise ValueError(f"{name} must be {count} probabilities, got {tuple(shares)}")
    if abs(math.fsum(shares) - 1.0) > SUM_TOLERANCE:
        raise ValueError(f"{name} must sum to 1, got {math.fsum(shares)} for {tuple(shares)}")


@dataclass(frozen=True)
class RatingAnswer:
    """One ordinal rating, as a reader is expected to give it.

    Attributes:
        name: one of ``ORDINAL_RATINGS``.
        mean: expected value, 1 to 5.
        spread: standard deviation of the expected values, in steps of the scale.
        levels: probability of 1, 2, 3, 4 and 5.

    Raises:
        ValueError: there is no such rating, or a number is out of its bounds.
    """

    name: str
    mean: float
    spread: float
    levels: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.name not in ORDINAL_RATINGS:
            raise ValueError(f"{self.name!r} is no rating; there are {', '.join(ORDINAL_RATINGS)}")
        _check_shares(f"levels of {self.name}", self.levels, RATING_LEVELS)
        if not 1.0 <= self.mean <= RATING_LEVELS or not 0.0 <= self.spread < RATING_LEVELS:
            raise ValueError(f"{self.name}: mean must be in 1..5 and spread in 0..5, got {self.mean}, {self.spread}")

    @classmethod
    def of_levels(cls, name: str, levels: Sequence[float]) -> RatingAnswer:
        """Take mean and spread from the probabilities of the levels.

        Example:
            >>> answer = RatingAnswer.of_levels("malignancy", (0.0, 0.5, 0.0, 0.5, 0.0))
            >>> answer.mean, answer.spread
            (3.0, 1.0)
        """
        _check_shares(f"levels of {name}", levels, RATING_LEVELS)
        mean = math.fsum(level * share for level, share in enumerate(levels, start=1)) / math.fsum(levels)
        variance = math.fsum((level - mean) ** 2 * share for level, share in enumerate(levels, start=1))
        return cls(name, min(max(mean, 1.0), float(RATING_LEVELS)), math.sqrt(variance), tuple(levels))


@dataclass(frozen=True)
class NoduleAnswer:
    """Whether a mark is a nodule, of which kind, and how readers would rate it; no diagnosis.

    Attributes:
        nodule: calibrated probability that it is a nodule, and no look-alike.
        kinds: probability of each of ``NODULE_TYPES``, given that it is one.
        ratings: ordinal ratings, in the order of ``ORDINAL_RATINGS``.
        inside: part of the cube that lay inside the image, 0 to 1.

    Raises:
        ValueError: a number is out of its bounds.
    """

    nodule: float
    kinds: tuple[float, ...]
    ratings: tuple[RatingAnswer, ...] = ()
    inside: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.nodule <= 1.0 or not 0.0 <= self.inside <= 1.0:
            raise ValueError(f"nodule and inside must be in [0, 1], got {self.nodule} and {self.inside}")
        _check_shares("kinds", self.kinds, len(NODULE_TYPES))
        names = [rating.name for rating in self.ratings]
        if len(set(names)) != len(names):
            raise ValueError(f"each rating may be there once, got {', '.join(names)}")

    @property
    def kind(self) -> NoduleType:
        """Most likely type."""
        return NODULE_TYPES[max(range(len(self.kinds)), key=self.kinds.__getitem__)]

    def rating(self, name: str) -> RatingAnswer | None:
        """Return one rating by its name; None if it was not asked."""
        return next((rating for rating in self.ratings if rating.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """Return all facts, ready for JSON; the types by their names.

        Example:
            >>> NoduleAnswer(0.9, (0.7, 0.1, 0.1, 0.1)).to_dict()["kinds"]
            {'solid': 0.7, 'part_solid': 0.1, 'ground_glass': 0.1, 'calcified': 0.1}
        """
        return {
            "nodule": self.nodule,
            "kind": self.kind,
            "kinds": dict(zip(NODULE_TYPES, self.kinds, strict=True)),
            "ratings": [asdict(rating) for rating in self.ratings],
            "inside": self.inside,
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> NoduleAnswer:
        """Read back what :meth:`to_dict` gave, also after JSON has made lists of its tuples."""
        ratings = tuple(RatingAnswer(**{**rating, "levels": tuple(rating["levels"])}) for rating in facts["ratings"])
        kinds = tuple(facts["kinds"][name] for name in NODULE_TYPES)
        return cls(facts["nodule"], kinds, ratings, facts["inside"])
