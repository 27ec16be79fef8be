"""Place a nodule of a wanted type in a patient, so that all types can be shown equally often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lungdet.records import NoduleType

from .nodule import NoduleKind, NoduleLocation, draw_shape
from .patient import Patient
from .placement import (
    FAINT_FROM_MM,
    LOCATIONS,
    MEDIAN_MM,
    PLACES,
    SPREAD,
    PlacedNodule,
    _draw_center,
    _free,
    _good,
    _pick,
    judge,
)

SIZES = 4  # so many sizes are tried, each at so many places as usual
FAINT_MARGIN_MM = 0.3
KIND_OF: dict[NoduleType, NoduleKind] = {
    "solid": "solid",
    "part_solid": "part_solid",
    "ground_glass": "ground_glass",
    "calcified": "solid",
}


def place_wanted(
    patient: Patient,
    rng: np.random.Generator,
    kind: NoduleType,
    diameter_mm: tuple[float, float],
    others: Sequence[PlacedNodule] = (),
) -> PlacedNodule | None:
    """Draw a nodule of a type until it keeps every promise of :class:`~lungdet.phantoms.PhantomNodule`.

    Args:
        patient: who.
        rng: source of chance.
        kind: its type.
        diameter_mm: least and greatest diameter; the ones between are log-normal as in :mod:`.placement`, and
            part-solid and ground-glass ones no smaller than there.
        others: nodules to stay away from.

    Returns:
        The nodule; None if no place was found.
    """
    low, high = diameter_mm
    if kind in ("part_solid", "ground_glass"):
        low = max(low, FAINT_FROM_MM + FAINT_MARGIN_MM)
    for _ in range(SIZES):
        diameter, location = draw_diameter(rng, low, max(low, high)), _pick(rng, LOCATIONS)
        for _ in range(PLACES):
            placed = _try_place(patient, rng, kind, location, diameter, others)
            if placed is not None:
                return placed
    return None


def draw_diameter(rng: np.random.Generator, low_mm: float, high_mm: float) -> float:
    """Draw a log-normal diameter; what falls outside the range is drawn evenly in its logarithm."""
    diameter = float(rng.lognormal(np.log(MEDIAN_MM), SPREAD))
    return diameter if low_mm <= diameter <= high_mm else float(np.exp(rng.uniform(np.log(low_mm), np.log(high_mm))))


def _try_place(
    patient: Patient,
    rng: np.random.Generator,
    kind: NoduleType,
    location: NoduleLocation,
    diameter: float,
    others: Sequence[PlacedNodule],
) -> PlacedNodule | None:
    center = _draw_center(patient, rng, location, diameter / 2)
    near = list(others)
    if center is None or not _free(patient, center, 0.6 * diameter, near):
        return None
    shape = draw_shape(rng, KIND_OF[kind], diameter, center, kind == "calcified")
    judged = judge(patient, shape, location)
    if judged and _good(*judged) and _free(patient, center, shape.reach_mm, near):
        return PlacedNodule(shape, judged[0])
    return None
