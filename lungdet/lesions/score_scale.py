"""What turns a body-part regressor's raw scores into heights in the trunk: fitted to its weights, kept beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lungdet.records.scan_score import BODY_REGIONS, BodyRegion

from .beside_weights import other_weights, read_beside_weights, write_beside_weights

FORMAT = "lungdet score scale 1"
_PAIRS = ("lungs", "known")


class ScoreScaleError(ValueError):
    """A ``score.json`` cannot be trusted, or belongs to other weights; the message names it and the remedy."""


@dataclass(frozen=True)
class ScoreScale:
    """A line from raw scores to heights in the trunk, and what is known of bodies on that scale.

    Attributes:
        scale, offset: height = ``scale * raw + offset``: 0 at the top of the trunk, 1 at its bottom.
        chest_abdomen, abdomen_pelvis: heights at which one part of the body ends and the next begins.
        lungs: heights between which slices hold lung.
        known: heights between which slices of the bodies lie that the scale was fitted to.
        rate_per_mm: lowest, typical and highest rise of the height per mm towards the feet, over whole bodies.
        scatter: height by which 95 % of slices at most lie off their own scan's line.
        weights_sha256: the weights that the raw scores come from; empty for none in particular.
    """

    scale: float
    offset: float
    chest_abdomen: float
    abdomen_pelvis: float
    lungs: tuple[float, float]
    known: tuple[float, float]
    rate_per_mm: tuple[float, float, float]
    scatter: float
    weights_sha256: str = ""

    def __post_init__(self) -> None:
        numbers = (self.scale, self.offset, self.scatter, *self.lungs, *self.known, *self.rate_per_mm)
        if not all(math.isfinite(value) for value in (*numbers, self.chest_abdomen, self.abdomen_pelvis)):
            raise ValueError("every number of a score's scale must be finite")
        if self.scale == 0:
            raise ValueError("scale must not be 0: every slice would have the same height")
        for name in _PAIRS:
            low, high = getattr(self, name)
            if low >= high:
                raise ValueError(f"{name} must be a lower and a higher number, got {low} and {high}")
        if self.chest_abdomen >= self.abdomen_pelvis:
            raise ValueError(
                f"the chest ends above the abdomen: {self.chest_abdomen} is not below {self.abdomen_pelvis}"
            )
        low, typical, high = self.rate_per_mm
        if not 0 < low <= typical <= high:
            raise ValueError(f"rate_per_mm must be three rising numbers above 0, got {self.rate_per_mm}")
        if self.scatter < 0:
            raise ValueError(f"scatter must not be negative, got {self.scatter}")

    def heights(self, raw: ArrayLike) -> NDArray[np.float64]:
        """Turn raw scores, any shape, into heights.

        Example:
            >>> toy = ScoreScale(0.5, 0.1, 0.4, 0.7, (0.1, 0.4), (0.0, 1.0), (0.001, 0.0012, 0.0015), 0.05)
            >>> toy.heights([0.0, 1.0])
            array([0.1, 0.6])
        """
        return self.scale * np.asarray(raw, dtype=np.float64) + self.offset

    def region(self, height: float) -> BodyRegion:
        """Name the part of the body at a height; what lies above the chest counts to it, and so on.

        Example:
            >>> toy = ScoreScale(1, 0, 0.4, 0.7, (0.1, 0.4), (0.0, 1.0), (0.001, 0.0012, 0.0015), 0.05)
            >>> toy.region(0.39), toy.region(0.4), toy.region(0.7)
            ('chest', 'abdomen', 'pelvis')
        """
        return BODY_REGIONS[int(height >= self.chest_abdomen) + int(height >= self.abdomen_pelvis)]

    def save(self, path: str | Path) -> None:
        """Write the scale; the file is there whole or not at all."""
        write_beside_weights(path, FORMAT, asdict(self))

    @classmethod
    def load(cls, path: str | Path, *, weights_sha256: str = "") -> ScoreScale:
        """Read a scale, and check that it belongs to the weights, if they are named.

        Raises:
            ScoreScaleError: it is none, or belongs to other weights.
            OSError: it cannot be read.
        """
        try:
            scale = read_beside_weights(path, FORMAT, lambda content: cls(**_arguments(content)))
        except ValueError as error:
            raise ScoreScaleError(f"{path}: no score scale of this version ({error}); fit it again") from error
        if wrong := other_weights(scale, weights_sha256):
            raise ScoreScaleError(f"{path}: {wrong}; fit it again to them")
        return scale


def _arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    values = {field.name: content[field.name] for field in fields(ScoreScale)}
    return {
        name: value if isinstance(value, str) else tuple(map(float, value)) if isinstance(value, list) else float(value)
        for name, value in values.items()
    }
