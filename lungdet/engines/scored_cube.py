"""One evaluated cube: what was answered and what is true, and nothing else, so that processes can send it around."""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.metrics.detection_inputs import as_array
from lungdet.metrics.rating_levels import mean_from_shares, shares_from_levels
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS, RATING_LEVELS, NoduleAnswer

from .scored_picture import as_text, source_of

logger = logging.getLogger(__name__)
Array = NDArray[np.float64]
UNKNOWN = -1


@dataclass(frozen=True)
class CubeKeys:
    """Names of what is in the items of a nodule classifier; all but image and prediction may be absent.

    Attributes:
        image: the network's input, ``(1, X, Y, Z)``; a MetaTensor, if the file is to be named.
        prediction: logits.
        nodule: 1 for a nodule, 0 for a look-alike, -1 for unknown.
        kind: place in ``NODULE_TYPES``, -1 for unknown.
        ratings: ``(7, 4)`` shares of the readers above 1, 2, 3, 4; NaN for unknown.
        diameter_mm: of the nodule; NaN for unknown.
        patient: a text or number; without it each cube is a patient of its own.
        place: what a look-alike is, or what a nodule touches, as text.
        center: middle of the cube in LPS mm, which tells cubes of one scan apart.
    """

    image: Hashable = "image"
    prediction: Hashable = "pred"
    nodule: Hashable = "nodule"
    kind: Hashable = "kind"
    ratings: Hashable = "ratings"
    diameter_mm: Hashable = "diameter_mm"
    patient: Hashable = "patient"
    place: Hashable = "place"
    center: Hashable = "center_lps_mm"


@dataclass(frozen=True, eq=False)
class ScoredCube:
    """What was answered, and the truth about it.

    Attributes:
        name: path of the scan's file; empty where it is not known.
        patient: empty where nobody said.
        center_lps_mm: of the cube; NaN where it is not known.
        nodule: 1, 0, or -1 for unknown.
        kind: place in ``NODULE_TYPES``, or -1.
        shares: ``(7, 4)`` of the readers; NaN for unknown.
        diameter_mm: NaN for unknown.
        place: what a look-alike is, or what a nodule touches; may be empty.
        answer: what was said.
    """

    name: str
    patient: str
    center_lps_mm: tuple[float, float, float]
    nodule: int
    kind: int
    shares: Array
    diameter_mm: float
    place: str
    answer: NoduleAnswer

    @property
    def said_shares(self) -> Array:
        """``(7, 4)`` probabilities of a rating above 1, 2, 3, 4; NaN for a rating that was not answered."""
        rows = [self.answer.rating(name) for name in ORDINAL_RATINGS]
        nothing = np.full(RATING_LEVELS - 1, np.nan)
        return np.stack([nothing if row is None else shares_from_levels(row.levels) for row in rows])

    @property
    def kind_name(self) -> str:
        """Its type; empty for unknown."""
        return NODULE_TYPES[self.kind] if self.kind != UNKNOWN else ""

    def rating_error(self, name: str) -> float:
        """Distance of the said mean of a rating from the readers'; NaN where either is not known."""
        said, true = self.answer.rating(name), mean_from_shares(self.shares[ORDINAL_RATINGS.index(name)])
        return float("nan") if said is None else abs(said.mean - float(true))


def read_scored_cube(item: Mapping[Any, Any], answer: NoduleAnswer, keys: CubeKeys | None = None) -> ScoredCube:
    """Take the truth out of a decollated item.

    Raises:
        ValueError: a target is none: a type or rating that does not exist, or shares of another shape.
    """
    keys = keys or CubeKeys()
    name = source_of(item.get(keys.image))
    nodule, kind = int(_number(item, keys.nodule, UNKNOWN)), int(_number(item, keys.kind, UNKNOWN))
    if nodule not in (UNKNOWN, 0, 1) or not UNKNOWN <= kind < len(NODULE_TYPES):
        raise ValueError(
            f"{name or 'a cube'}: nodule must be -1, 0 or 1 and kind from -1 to {len(NODULE_TYPES) - 1}, "
            f"got {nodule} and {kind}"
        )
    nothing = np.full((len(ORDINAL_RATINGS), RATING_LEVELS - 1), np.nan)
    shares = as_array(item.get(keys.ratings, nothing))
    if shares.shape != nothing.shape:
        raise ValueError(f"{name or 'a cube'}: ratings must be {nothing.shape} shares of readers, got {shares.shape}")
    center = as_array(item.get(keys.center, (math.nan,) * 3)).reshape(-1).tolist()
    return ScoredCube(
        name=name,
        patient=as_text(item.get(keys.patient)),
        center_lps_mm=(center[0], center[1], center[2]),
        nodule=nodule,
        kind=kind,
        shares=shares,
        diameter_mm=_number(item, keys.diameter_mm, math.nan),
        place=as_text(item.get(keys.place)),
        answer=answer,
    )


def unrepeated_cubes(cubes: Sequence[ScoredCube]) -> list[ScoredCube]:
    """Put cubes in an order of their own, and drop those of one place in one file that are there twice."""
    seen: dict[Any, ScoredCube] = {}
    for cube in cubes:
        known = bool(cube.name) and not any(map(math.isnan, cube.center_lps_mm))
        seen.setdefault((cube.name, cube.center_lps_mm) if known else id(cube), cube)
    if len(seen) < len(cubes):
        logger.warning("%d cubes were evaluated more than once, and count once", len(cubes) - len(seen))
    return sorted(seen.values(), key=_order)


def _order(cube: ScoredCube) -> tuple[Any, ...]:
    center = tuple(-math.inf if math.isnan(value) else value for value in cube.center_lps_mm)
    truth = cube.nodule, cube.kind, np.nan_to_num(cube.shares).tobytes()
    return (cube.name, cube.patient, center, cube.answer.nodule, cube.answer.kinds, truth)


def _number(item: Mapping[Any, Any], key: Hashable, unknown: float) -> float:
    value = item.get(key)
    return unknown if value is None else float(as_array(value).reshape(()))
