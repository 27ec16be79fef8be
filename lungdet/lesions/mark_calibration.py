"""How sure a classifier may be of one detector's marks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SUREST = 1e-6  # answers of exactly 0 or 1 are taken for this near to it, as by the fit: their logits are infinite


@dataclass(frozen=True)
class MarkCalibration:
    """Turn a classifier's probability of a nodule into one that holds among the marks of a detector.

    A line through the logits (Platt 1999). What a classifier learns on cubes of which half are nodules is too sure
    where most are not, or where those that are not are the ones that deceive a detector.

    Attributes:
        slope: of the logit, not negative, so that the order of the marks stays.
        intercept: added to it.
        min_score: that the marks of the fit had at least, by the detector; of lower marks the result is too high.
        detector_sha256: weights of that detector.
        fitted_on: how many marks of which scans, for people.

    Raises:
        ValueError: a number is out of its range, or no detector is named.

    Example:
        >>> calibrated = MarkCalibration(0.5, -1.0, 0.3, "ab")
        >>> [round(calibrated(probability), 3) for probability in (0.1, 0.5, 0.99, 1.0)]
        [0.109, 0.269, 0.785, 0.997]
    """

    slope: float
    intercept: float
    min_score: float
    detector_sha256: str
    fitted_on: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (all(map(_is_number, (self.slope, self.intercept))) and self.slope >= 0):
            raise ValueError(
                f"a calibration needs finite numbers and no negative slope, got {self.slope!r}, {self.intercept!r}"
            )
        if not (_is_number(self.min_score) and 0 <= self.min_score <= 1):
            raise ValueError(f"the marks of a calibration have a min_score from 0 to 1, got {self.min_score!r}")
        if not (isinstance(self.detector_sha256, str) and self.detector_sha256):
            raise ValueError(f"a calibration is of one detector's marks, got {self.detector_sha256!r} for its SHA-256")

    def __call__(self, probability: float) -> float:
        """Return the probability among the detector's marks, in [0, 1]."""
        clipped = min(max(probability, _SUREST), 1 - _SUREST)
        value = self.intercept + self.slope * math.log(clipped / (1 - clipped))
        return 0.5 * (1.0 + math.tanh(0.5 * value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
