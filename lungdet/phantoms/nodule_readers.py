"""Simulated readers: what three or four people would say of a phantom's nodule on LIDC-IDRI's scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lungdet.records import ORDINAL_RATINGS, RATING_LEVELS, Rating, RatingTarget

from .nodule import PhantomNodule

READERS = 4
THREE_SHARE = 0.15  # of the nodules that one of the four readers did not mark
ERROR = 0.45  # spread of a reader about the truth, before rounding
MISSED_CALCIUM = 0.1  # a reader calls it absent
CALCIFICATION_ABSENT, CALCIFICATION_SOLID, STRUCTURE_SOFT = 6, 3, 1
HALF_MALIGNANT_MM = 9.0  # a plain solid nodule of this diameter is a 3 in malignancy
FORM_SEEN_MM = (3.0, 9.0)  # strands and lumps of the smallest are not seen, those from here on wholly

TYPICAL_SOLID, TEXTURE_SLOPE = 0.15, 0.6  # the solid part of a part-solid nodule that reads as a texture of 3

Reading = tuple[Rating, ...]


def malignancy_level(nodule: PhantomNodule) -> float:
    """How suspicious a nodule is in truth, 1 to 5 without steps.

    Rises with the diameter, with strands and lumps and for part-solid nodules; falls with calcium. An invention that
    has the signs of what readers go by (McNitt-Gray et al., Academic Radiology 2007;14:1464-1474), and no more.

    Example:
        >>> small, large = (
        ...     PhantomNodule((0, 0, 0), (-d, -d, -d, d, d, d), 2.0 * d, "solid", "isolated", 800.0, 1.0)
        ...     for d in (2.5, 10)
        ... )
        >>> round(malignancy_level(small), 2), round(malignancy_level(large), 2)
        (1.91, 4.37)
    """
    seen = _form_seen(nodule)
    odds = 1.45 * np.log2(nodule.diameter_mm / HALF_MALIGNANT_MM)
    odds += 2.0 * seen * nodule.spiculation + 0.5 * seen * nodule.lobulation
    odds += 0.9 * (nodule.kind == "part_solid") - 0.4 * (nodule.kind == "ground_glass") - 3.0 * nodule.calcified
    return float(1 + (RATING_LEVELS - 1) / (1 + np.exp(-odds)))


def rating_levels(nodule: PhantomNodule) -> dict[str, float]:
    """The truth behind each ordinal rating: 1 to 5 without steps, in the order of ``ORDINAL_RATINGS``.

    Part-solid nodules as they are drawn have 2 to 41 % solid parts, half of them less than 14 %, which is a texture of
    2.7 to 3.6 with 3 at 15 %: :func:`~lungdet.records.nodule_type` of their readings agrees with the kind.
    """
    seen = _form_seen(nodule)
    obvious = 0.4 * np.clip((nodule.diameter_mm - 3) / 9, 0, 1) + 0.6 * np.clip(nodule.contrast_hu / 800, 0, 1)
    texture = {"solid": 0.97, "part_solid": _part_solid_texture(nodule), "ground_glass": 0.04}[nodule.kind]
    shares = {
        "spiculation": seen * nodule.spiculation,
        "lobulation": seen * nodule.lobulation,
        "texture": texture,
        "margin": nodule.margin * (1 - 0.35 * nodule.spiculation),
        "sphericity": np.clip((nodule.sphericity - 0.35) / 0.6, 0, 1),
        "subtlety": obvious,
    }
    levels = {name: float(1 + (RATING_LEVELS - 1) * share) for name, share in shares.items()}
    levels["malignancy"] = malignancy_level(nodule)
    return {name: levels[name] for name in ORDINAL_RATINGS}


def read_nodule(nodule: PhantomNodule, seed: int | Sequence[int]) -> tuple[Reading, ...]:
    """Let four readers, sometimes three, give the nine ratings of LIDC-IDRI.

    Each reader errs about the truth of :func:`rating_levels`, and rounds.

    Args:
        nodule: what they look at.
        seed: chooses readers and their errors; the same gives the same readings.

    Returns:
        The ratings of each reader.
    """
    rng = np.random.default_rng(seed)
    count = READERS - int(rng.random() < THREE_SHARE)
    levels = rating_levels(nodule)
    errors = rng.normal(0, ERROR, (count, len(levels)))
    values = np.clip(np.rint(np.array(list(levels.values())) + errors), 1, RATING_LEVELS).astype(int)
    missed = rng.random(count) < MISSED_CALCIUM
    return tuple(
        (
            *(Rating(name, int(value)) for name, value in zip(levels, row, strict=True)),
            Rating("internalStructure", STRUCTURE_SOFT),
            Rating("calcification", CALCIFICATION_SOLID if nodule.calcified and not miss else CALCIFICATION_ABSENT),
        )
        for row, miss in zip(values, missed, strict=True)
    )


def rating_shares(readers: Sequence[Reading]) -> NDArray[np.float32]:
    """Share of the readers who rated above 1, 2, 3 and 4: ``(7, 4)`` float32 in the order of ``ORDINAL_RATINGS``.

    NaN where nobody gave a rating.

    Example:
        >>> rating_shares([(Rating("malignancy", 4),), (Rating("malignancy", 2),)])[:2]
        array([[1. , 0.5, 0.5, 0. ],
               [nan, nan, nan, nan]], dtype=float32)
    """
    shares = np.full((len(ORDINAL_RATINGS), RATING_LEVELS - 1), np.nan, dtype=np.float32)
    for row, name in zip(shares, ORDINAL_RATINGS, strict=True):
        values = [rating.value for reading in readers for rating in reading if rating.name == name]
        if values:
            row[:] = RatingTarget.of_values(name, values).above
    return shares


def _part_solid_texture(nodule: PhantomNodule) -> float:
    return float(np.clip(0.5 + TEXTURE_SLOPE * (nodule.solid_fraction - TYPICAL_SOLID), 0.4, 0.65))


def _form_seen(nodule: PhantomNodule) -> float:
    low, high = FORM_SEEN_MM
    return float(np.clip((nodule.diameter_mm - low) / (high - low), 0.0, 1.0))
