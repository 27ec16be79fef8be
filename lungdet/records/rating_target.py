"""What several readers said of one nodule, as a target to train on."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .nodule import RatingSummary

NoduleType = Literal["solid", "part_solid", "ground_glass", "calcified"]
NODULE_TYPES: tuple[NoduleType, ...] = ("solid", "part_solid", "ground_glass", "calcified")

#: Ratings of LIDC-IDRI that are steps of a scale from 1 to 5, in the order of every tensor of ratings.
ORDINAL_RATINGS = ("malignancy", "spiculation", "lobulation", "texture", "margin", "sphericity", "subtlety")
RATING_LEVELS = 5

_ABSENT = 6  # of calcification
_PART_SOLID = (2.5, 3.5)  # median texture; a tie between two kinds of density is neither of them


@dataclass(frozen=True)
class RatingTarget:
    """What the readers of one nodule gave in one ordinal rating.

    Attributes:
        name: one of ``ORDINAL_RATINGS``.
        counts: readers who chose 1, 2, 3, 4 and 5.

    Raises:
        ValueError: it is no ordinal rating, or nobody gave it.

    Example:
        >>> target = RatingTarget("malignancy", (0, 1, 0, 1, 2))
        >>> target.readers, target.median, target.spread, target.above
        (4, 4.5, 3, (1.0, 0.75, 0.75, 0.5))
    """

    name: str
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.name not in ORDINAL_RATINGS:
            raise ValueError(f"{self.name!r} is no scale from 1 to 5; there are {', '.join(ORDINAL_RATINGS)}")
        if len(self.counts) != RATING_LEVELS or min(self.counts) < 0 or sum(self.counts) == 0:
            raise ValueError(f"{self.name} needs {RATING_LEVELS} counts of readers, and a reader, got {self.counts}")

    @classmethod
    def of(cls, summary: RatingSummary) -> RatingTarget:
        """Count the readers of a summary."""
        return cls.of_values(summary.name, summary.values)

    @classmethod
    def of_values(cls, name: str, values: Iterable[int]) -> RatingTarget:
        """Count the readers' values.

        Raises:
            ValueError: a value is not a whole number from 1 to 5; see also the class.

        Example:
            >>> RatingTarget.of_values("texture", [5, 5, 4]).counts
            (0, 0, 0, 1, 2)
        """
        given = list(values)
        if odd := [value for value in given if value not in range(1, RATING_LEVELS + 1)]:
            raise ValueError(f"{name} goes from 1 to {RATING_LEVELS}, got {odd[0]!r}")
        return cls(name, tuple(given.count(level) for level in range(1, RATING_LEVELS + 1)))

    @property
    def values(self) -> tuple[int, ...]:
        """One for each reader, rising."""
        return tuple(level for level, count in enumerate(self.counts, start=1) for _ in range(count))

    @property
    def readers(self) -> int:
        """How many gave it."""
        return sum(self.counts)

    @property
    def median(self) -> float:
        """Median of the readers."""
        return float(statistics.median(self.values))

    @property
    def mean(self) -> float:
        """Mean of the readers."""
        return statistics.fmean(self.values)

    @property
    def spread(self) -> int:
        """Highest minus lowest."""
        return self.values[-1] - self.values[0]

    @property
    def above(self) -> tuple[float, ...]:
        """Share of the readers who chose more than 1, 2, 3 and 4: falls, and holds the spread as well as the mean."""
        return tuple(sum(self.counts[level:]) / self.readers for level in range(1, RATING_LEVELS))


def nodule_type(texture: Iterable[int], calcification: Iterable[int]) -> NoduleType | None:
    """Name the type of a nodule by its readers' ratings.

    Of the scales of LIDC-IDRI (Armato et al., Medical Physics 2011;38:915-931; McNitt-Gray et al., Academic Radiology
    2007;14:1464-1474): texture goes from 1, non-solid, over 3, part solid, to 5, solid; calcification is 6 where it is
    absent, 1 to 5 tell its pattern. A nodule is calcified unless most readers say that calcification is absent. Else
    the median texture tells: up to 2 ground glass, from 4 solid, and part solid between them.

    Args:
        texture: values of the readers, 1 to 5.
        calcification: values of the readers, 1 to 6.

    Returns:
        The type; None where nobody rated the texture and it is not calcified.

    Raises:
        ValueError: a value lies outside its scale.

    Example:
        >>> nodule_type([5, 5, 4, 3], [6, 6, 6, 3]), nodule_type([1, 2, 3], [6, 6, 6]), nodule_type([5], [3])
        ('solid', 'ground_glass', 'calcified')
    """
    texture, calcification = sorted(texture), sorted(calcification)
    for name, values, top in (("texture", texture, RATING_LEVELS), ("calcification", calcification, _ABSENT)):
        if values and (values[0] < 1 or values[-1] > top):
            raise ValueError(f"{name} goes from 1 to {top}, got {values}")
    absent = sum(value == _ABSENT for value in calcification)
    if calcification and absent * 2 <= len(calcification):
        return "calcified"
    median = statistics.median(texture) if texture else math.nan
    if math.isnan(median):
        return None
    low, high = _PART_SOLID
    return "ground_glass" if median < low else "solid" if median > high else "part_solid"
