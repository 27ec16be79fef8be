"""Find places for nodules where they can be seen, and say how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.ndimage import gaussian_filter

from .nodule import (
    CONTRAST_HU,
    PEAK_HU,
    VISIBLE_FRACTION,
    NoduleKind,
    NoduleLocation,
    NoduleShape,
    PhantomNodule,
    draw_shape,
)
from .nodule_form import lobulation, margin, spiculation
from .patient import Patient
from .thorax import LUNG_HIGH_MM, LUNG_LOW_MM, Array

Choice = TypeVar("Choice")

DIAMETER_MM = (3.0, 30.0)  # of what can be seen; below 3 mm is a micronodule, beyond 30 mm a mass
FAINT_FROM_MM = 5.0  # part-solid and ground-glass nodules are not smaller
# The 1,186 nodules of LUNA16 are log-normal with median 6.4 mm and spread 0.47, from 3.3 to 32 mm. The median here is a
# little higher, so that a few hundred scans hold enough of the large ones to learn from; a fifth is below 5.3 mm.
MEDIAN_MM, SPREAD = 8.0, 0.5
KINDS: tuple[tuple[NoduleKind, float], ...] = (("solid", 0.68), ("part_solid", 0.16), ("ground_glass", 0.16))
LOCATIONS: tuple[tuple[NoduleLocation, float], ...] = (
    ("isolated", 0.5),
    ("juxtapleural", 0.28),
    ("juxtavascular", 0.22),
)
COUNT = (2, 9)  # nodules of a patient, where no number is asked for: low to high - 1
MOST = 60
MARGIN_FRACTION = 0.05  # placed a little better than promised
APART_MM, LOOKALIKE_APART_MM = 4.0, 2.0
SIZES, PLACES = 24, 10  # so many sizes are drawn at most for a nodule, and so many places for each
PEAK_MARGIN = 1.6  # placed with so much more peak than promised: the best voxel's middle is seldom the nodule's
REFERENCE_SIGMA_MM = (0.86, 0.86, 0.57)  # standard kernel, 1.4 mm voxels, edges painted one voxel wide
SAMPLES_ACROSS = 24
GLASS_BELOW_HU = -300.0  # ground glass is less dense, and everything else in a nodule denser


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
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    cube = shape.center + shape.reach_mm * cube
    own = np.flatnonzero(shape.distance_mm(cube) < 0)
    within = own[patient.thorax.lung_distance_mm(*cube[own].T) < 0] if len(own) else own
    if len(within) < 8:
        return None
    step, inside = 2 * shape.reach_mm / size, cube[within]
    density = shape.density_hu(inside)
    added = np.maximum(density - patient.background_hu(inside), 0)
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
        peak_hu=_peak_hu(added, within, size, step),
        calcified=shape.kind == "solid" and shape.core > 0,
        solid_fraction=float((density > GLASS_BELOW_HU).mean()),
        spiculation=spiculation(shape),
        lobulation=lobulation(shape),
        sphericity=float(shape.half_axes.min() / shape.half_axes.max()),
        margin=margin(shape),
    )
    return truth, len(within) / len(own)


def _peak_hu(added: Array, places: Array, size: int, step: float) -> float:
    """Blur what a nodule adds at some places of a cube as a reference scan does, and take the highest."""
    cube = np.zeros(size**3, dtype=np.float32)
    cube[places] = added
    sigma = np.array(REFERENCE_SIGMA_MM) / step
    blurred = gaussian_filter(cube.reshape(size, size, size), sigma, mode="constant", truncate=2.5)
    return float(blurred.max())


def _place_one(patient: Patient, rng: np.random.Generator, others: list[PlacedNodule]) -> PlacedNodule:
    """Draw a nodule, then places until one suits it: a big one is not given up at once for one that fits easily."""
    for _ in range(SIZES):
        kind, location, diameter = _pick(rng, KINDS), _pick(rng, LOCATIONS), _draw_diameter(rng)
        if kind != "solid" and diameter < FAINT_FROM_MM + 0.3:
            kind = "solid"
        for number in range(PLACES):
            if number == PLACES // 2:
                location = _pick(rng, LOCATIONS)
            center = _draw_center(patient, rng, location, diameter / 2)
            if center is None or not _free(patient, center, 0.6 * diameter, others):
                continue
            shape = draw_shape(rng, kind, diameter, center)
            judged = judge(patient, shape, location)
            if judged and _good(*judged) and _free(patient, center, shape.reach_mm, others):
                return PlacedNodule(shape, judged[0])
    raise ValueError(f"no place is left for nodule {len(others) + 1} after {SIZES * PLACES} attempts; ask for fewer")


def _draw_diameter(rng: np.random.Generator) -> float:
    while True:
        diameter = float(rng.lognormal(np.log(MEDIAN_MM), SPREAD))
        if DIAMETER_MM[0] <= diameter <= DIAMETER_MM[1]:
            return diameter


def _good(truth: PhantomNodule, within: float) -> bool:
    """Whether a nodule keeps every promise of its truth with a margin, ``within`` being its part in the lung."""
    return (
        truth.visible_fraction >= VISIBLE_FRACTION + MARGIN_FRACTION
        and truth.peak_hu >= PEAK_MARGIN * PEAK_HU[truth.kind]
        and within >= (0.55 if truth.location == "juxtapleural" else 0.98)
        and (DIAMETER_MM[0] if truth.kind == "solid" else FAINT_FROM_MM) <= truth.diameter_mm <= DIAMETER_MM[1]
    )


def _free(patient: Patient, center: Array, reach_mm: float, others: list[PlacedNodule]) -> bool:
    """Whether neither another nodule nor a look-alike lies near."""
    if any(np.linalg.norm(center - o.shape.center) < reach_mm + o.shape.reach_mm + APART_MM for o in others):
        return False
    return all(look.gap_mm(center) > reach_mm + LOOKALIKE_APART_MM for look in patient.lookalikes)


def _draw_center(patient: Patient, rng: np.random.Generator, location: NoduleLocation, radius: float) -> Array | None:
    """Draw a centre that suits the location; None if none was found."""
    if location == "juxtavascular":
        return _beside_vessel(patient, rng, radius)
    points = rng.uniform(LUNG_LOW_MM, LUNG_HIGH_MM, (240, 3))
    depth = -patient.thorax.lung_distance_mm(*points.T)
    if location == "juxtapleural":
        low = rng.uniform(0.1, 0.8) * radius
        fits = (depth > low) & (depth < low + 0.15 * radius + 0.5)
    else:
        fits = depth > 1.1 * radius + 3
    points = points[fits]
    if not len(points):
        return None
    if location == "isolated":
        points = points[:6]
        thick = patient.vessels.select(
            patient.vessels.start_radius > 0.7 + 0.07 * radius
        )  # large ones engulf small ones
        clear = thick.distance_mm(points) > radius + 1
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


def _pick(rng: np.random.Generator, choices: tuple[tuple[Choice, float], ...]) -> Choice:
    names, weights = zip(*choices, strict=True)
    return names[int(rng.choice(len(names), p=weights))]


def _floats(values: Array) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
