"""Find places for nodules where they can be seen, and say how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .nodule import CONTRAST_HU, VISIBLE_FRACTION, NoduleKind, NoduleLocation, NoduleShape, PhantomNodule, draw_shape
from .patient import LUNG_HIGH_MM, LUNG_LOW_MM, Patient
from .thorax import Array

Choice = TypeVar("Choice")

DIAMETER_MM = (4.0, 25.0)  # of what can be seen
FAINT_FROM_MM = 6.0  # part-solid and ground-glass nodules are not smaller
MEDIAN_MM, SPREAD = 8.0, 0.5  # of the log-normal sizes
KINDS: tuple[tuple[NoduleKind, float], ...] = (("solid", 0.68), ("part_solid", 0.16), ("ground_glass", 0.16))
LOCATIONS: tuple[tuple[NoduleLocation, float], ...] = (
    ("isolated", 0.5),
    ("juxtapleural", 0.28),
    ("juxtavascular", 0.22),
)
COUNT = (2, 9)  # nodules of a patient, where no number is asked for: low to high - 1
MOST = 60
MARGIN_FRACTION = 0.05  # placed a little better than promised
APART_MM = 4.0
ATTEMPTS = 80
SAMPLES_ACROSS = 24


@dataclass(frozen=True)
class PlacedNodule:
    """A nodule in its place: the shape to paint, and the truth about it."""

    shape: NoduleShape
    truth: PhantomNodule


def place_nodules(patient: Patient, rng: np.random.Generator, count: int | None = None) -> tuple[PlacedNodule, ...]:
    """Put nodules into a patient; a place where one would be hidden is drawn again.

    Args:
        patient: who.
        rng: source of chance; the grid has no part in it, so that a patient has the same nodules at any spacing.
        count: how many, 60 at most; None draws 2 to 8.

    Raises:
        ValueError: ``count`` is negative or beyond :data:`MOST`, or so many do not fit.
    """
    wanted = int(rng.integers(*COUNT)) if count is None else count
    if not 0 <= wanted <= MOST:
        raise ValueError(f"the number of nodules must be in 0..{MOST}, got {wanted}")
    placed: list[PlacedNodule] = []
    for _ in range(wanted):
        placed.append(_place_one(patient, rng, placed))
    return tuple(placed)


def judge(
    patient: Patient, shape: NoduleShape, location: NoduleLocation, size: int = SAMPLES_ACROSS
) -> tuple[PhantomNodule, float] | None:
    """Measure a nodule on a fine grid of its own.

    Args:
        patient: who.
        shape: where it lies and what it looks like.
        location: what it touches.
        size: samples across.

    Returns:
        The truth, and the part of the whole shape that lies in the lung; None if nothing does.
    """
    steps = (np.arange(size) + 0.5) / size * 2 - 1
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points = shape.center + shape.reach_mm * points
    points = points[shape.distance_mm(points) < 0]
    inside = points[patient.thorax.lung_distance_mm(*points.T) < 0] if len(points) else points
    if len(inside) < 8:
        return None
    step = 2 * shape.reach_mm / size
    added = np.maximum(shape.density_hu(inside) - patient.background_hu(inside), 0)
    low, high = inside.min(axis=0) - step / 2, inside.max(axis=0) + step / 2
    low, high = low + patient.offset_lps_mm, high + patient.offset_lps_mm
    truth = PhantomNodule(
        center_lps_mm=_floats((low + high) / 2),
        box_lps_mm=(*_floats(low), *_floats(high)),
        diameter_mm=float((6 / np.pi * len(inside) * step**3) ** (1 / 3)),
        kind=shape.kind,
        location=location,
        contrast_hu=float(added.mean()),
        visible_fraction=float((added >= CONTRAST_HU[shape.kind]).mean()),
    )
    return truth, len(inside) / len(points)


def _place_one(patient: Patient, rng: np.random.Generator, others: list[PlacedNodule]) -> PlacedNodule:
    for _ in range(ATTEMPTS):
        kind, location = _pick(rng, KINDS), _pick(rng, LOCATIONS)
        diameter = float(np.clip(rng.lognormal(np.log(MEDIAN_MM), SPREAD), DIAMETER_MM[0] + 0.2, DIAMETER_MM[1] - 1))
        if kind != "solid":
            diameter = max(diameter, FAINT_FROM_MM + 0.5)
        center = _draw_center(patient, rng, location, diameter / 2)
        if center is None:
            continue
        shape = draw_shape(rng, kind, diameter, center)
        judged = judge(patient, shape, location)
        if judged is None:
            continue
        truth, within = judged
        good = truth.visible_fraction >= VISIBLE_FRACTION + MARGIN_FRACTION and within >= (
            0.55 if location == "juxtapleural" else 0.98
        )
        sized = DIAMETER_MM[0] <= truth.diameter_mm <= DIAMETER_MM[1]
        if good and sized and all(_apart(shape, other.shape) for other in others):
            return PlacedNodule(shape, truth)
    raise ValueError(f"no place is left for nodule {len(others) + 1} after {ATTEMPTS} attempts; ask for fewer")


def _draw_center(patient: Patient, rng: np.random.Generator, location: NoduleLocation, radius: float) -> Array | None:
    """Draw a centre that suits the location; None if none was found."""
    if location == "juxtavascular":
        return _beside_vessel(patient, rng, radius)
    points = rng.uniform(LUNG_LOW_MM, LUNG_HIGH_MM, (120, 3))
    depth = -patient.thorax.lung_distance_mm(*points.T)
    if location == "juxtapleural":
        low = rng.uniform(0.1, 0.8) * radius
        fits = (depth > low) & (depth < low + 0.15 * radius + 0.5)
    else:
        fits = depth > 1.25 * radius + 3
    points = points[fits]
    if not len(points):
        return None
    if location == "isolated":
        points = points[:6]
        clear = patient.vessels.select(patient.vessels.start_radius > 0.8).distance_mm(points) > radius + 1
        points = points[clear]
    return points[0] if len(points) else None


def _beside_vessel(patient: Patient, rng: np.random.Generator, radius: float) -> Array | None:
    vessels = patient.vessels
    fits = np.flatnonzero((vessels.start_radius > 0.8) & (vessels.start_radius < 2.6))
    chosen = int(rng.choice(fits))
    along = vessels.end[chosen] - vessels.start[chosen]
    side = np.cross(along, rng.normal(size=3))
    norm = float(np.linalg.norm(side))
    if norm < 1e-6:
        return None
    reach = radius * rng.uniform(0.75, 1.0) + vessels.start_radius[chosen]
    center: Array = vessels.start[chosen] + 0.5 * along + reach * side / norm
    depth = -patient.thorax.lung_distance_mm(*center[:, None])
    return center if depth[0] > 1.2 * radius + 2 else None


def _apart(shape: NoduleShape, other: NoduleShape) -> bool:
    gap = float(np.linalg.norm(shape.center - other.center)) - shape.reach_mm - other.reach_mm
    return gap > APART_MM


def _pick(rng: np.random.Generator, choices: tuple[tuple[Choice, float], ...]) -> Choice:
    names, weights = zip(*choices, strict=True)
    return names[int(rng.choice(len(names), p=weights))]


def _floats(values: Array) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
