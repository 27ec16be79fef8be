"""Places without nodules where a detector errs: look-alikes, forks and crossings, rib ends, hilum, fissures, dome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.spatial import cKDTree

from .capsules import Capsules
from .lookalike import Lookalike, LookalikeKind
from .lookalike_drawing import _surface_point, draw_lookalike
from .patient import Patient, fissure_heights_mm
from .thorax import ANGLE_TABLE, LUNG_HIGH_MM, LUNG_LOW_MM, Array, lookup

AnatomyPlace = Literal[
    "vessel_fork", "vessel_touch", "vessel", "bronchus", "rib_end", "hilum", "pleura", "fissure", "diaphragm", "lung"
]
MarkPlace = LookalikeKind | AnatomyPlace

# How often a mark without a nodule lies where; the rest is on a look-alike, one of the patient's or one more. Of the
# false marks of the shipped detector on four unseen patients half lay on plain vessels and a fifth on the pleura.
ANATOMY_SHARES: dict[AnatomyPlace, float] = {
    "vessel_fork": 0.09,
    "vessel_touch": 0.08,
    "vessel": 0.18,
    "bronchus": 0.03,
    "rib_end": 0.04,
    "hilum": 0.04,
    "pleura": 0.09,
    "fissure": 0.04,
    "diaphragm": 0.04,
    "lung": 0.02,
}
FRESH_SHARE = 0.7  # of the look-alikes
SEEN_RADIUS_MM = 0.9  # the forks and crossings of thinner vessels are no candidates
LEAST_RADIUS_MM = 0.6  # nor are thinner ones that stand upright, and are round in a slice
INNER_MM = 2.0  # in the lung and not on its surface
TOUCH_MM, TOUCH_COSINE = 0.8, 0.75  # vessels that pass so near at such an angle seem to be one thing
RIB_LEVELS_MM = np.arange(-70.0, 91.0, 4.0)
TRIES = 64


@dataclass(frozen=True)
class MarkPlaces:
    """Points of one patient, ``(N, 3)`` patient mm each, from which places are picked.

    Attributes:
        forks: where vessels branch.
        touches: where two vessels pass by each other.
        rib_ends: on the inner chest wall where bone meets cartilage.
    """

    forks: Array
    touches: Array
    rib_ends: Array


def find_mark_places(patient: Patient) -> MarkPlaces:
    """Look for the forks, crossings and rib ends of a patient, some 0.1 s."""
    seen = patient.vessels.select(patient.vessels.start_radius > SEEN_RADIUS_MM)
    return MarkPlaces(
        _in_lung(patient, _forks(seen)), _in_lung(patient, _touches(seen)), _rib_ends(patient).reshape(-1, 3)
    )


def draw_place(
    patient: Patient, places: MarkPlaces, rng: np.random.Generator
) -> tuple[MarkPlace, Array, Lookalike | None]:
    """Draw what a mark without a nodule lies on, and where.

    Args:
        patient: who.
        places: his.
        rng: source of chance.

    Returns:
        Its name, ``(3,)`` patient mm, and a look-alike that must be painted there as he has it not yet.
    """
    names, bounds = list(ANATOMY_SHARES), np.cumsum(list(ANATOMY_SHARES.values()))
    for _ in range(TRIES):
        aim = int(np.searchsorted(bounds, rng.random(), side="right"))
        if aim < len(names):
            point = _anatomy(patient, places, rng, names[aim])
            if point is not None:
                return names[aim], point, None
        elif rng.random() < FRESH_SHARE:
            look = draw_lookalike(rng, patient.thorax, patient.mediastinum, patient.vessels, patient.tissues.blood)
            if look is not None:
                return look.kind, _on(look, rng), look
        elif patient.lookalikes:
            look = patient.lookalikes[int(rng.integers(len(patient.lookalikes)))]
            return look.kind, _on(look, rng), None
    return "lung", _lung_points(patient, rng)[0], None


def _on(look: Lookalike, rng: np.random.Generator) -> Array:
    """A point on a look-alike: half the time where it is thickest, as a detector would have it."""
    balls = look.balls
    if rng.random() < 0.5:
        balls = balls[balls[:, 3] >= 0.9 * balls[:, 3].max()]
    point: Array = balls[int(rng.integers(len(balls))), :3]
    return point


def _anatomy(patient: Patient, places: MarkPlaces, rng: np.random.Generator, name: AnatomyPlace) -> Array | None:
    stored = {"vessel_fork": places.forks, "vessel_touch": places.touches, "rib_end": places.rib_ends}
    points = stored[name] if name in stored else _DRAWN[name](patient, rng)
    return points[int(rng.integers(len(points)))] if len(points) else None


def _forks(vessels: Capsules) -> Array:
    """Where at least two vessels begin."""
    starts, counts = np.unique(np.round(vessels.start, 3), axis=0, return_counts=True)
    return starts[counts > 1]


def _touches(vessels: Capsules) -> Array:
    """Middles between vessels that pass near each other at an angle and are not parts of one."""
    middle = (vessels.start + vessels.end) / 2
    if len(middle) < 2:
        return np.empty((0, 3))
    along = vessels.end - vessels.start
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    one, two = cKDTree(middle).query_pairs(8.0, output_type="ndarray").T
    gap = np.linalg.norm(middle[one] - middle[two], axis=1) - vessels.start_radius[one] - vessels.start_radius[two]
    angle = np.abs((along[one] * along[two]).sum(axis=1))
    apart = np.min(
        [np.abs(a[one] - b[two]).max(axis=1) for a in _ends(vessels) for b in _ends(vessels)], axis=0
    )  # pieces of one vessel share an end
    keep = (gap < TOUCH_MM) & (angle < TOUCH_COSINE) & (apart > 0.5)
    points: Array = (middle[one[keep]] + middle[two[keep]]) / 2
    return points


def _ends(vessels: Capsules) -> tuple[Array, Array]:
    return vessels.start, vessels.end


def _rib_ends(patient: Patient) -> Array:
    """On the chest wall at the height of a rib, where it turns from bone to cartilage."""
    points = []
    for height in RIB_LEVELS_MM:
        across, cartilage = patient.skeleton.nearest_rib(float(height))
        turns = np.flatnonzero((cartilage != np.roll(cartilage, 1)) & (np.abs(across) < 4.0))
        radius = lookup(patient.thorax.cavity_mm, np.full(len(turns), height), turns.astype(float))
        angle = ANGLE_TABLE[turns]
        points.append(np.stack([radius * np.sin(angle), -radius * np.cos(angle), np.full(len(turns), height)], axis=1))
    return np.concatenate(points)


def _in_lung(patient: Patient, points: Array, margin_mm: float = INNER_MM) -> Array:
    return points[patient.thorax.lung_distance_mm(*points.T) < -margin_mm] if len(points) else points


def _lung_points(patient: Patient, rng: np.random.Generator) -> Array:
    points = rng.uniform(LUNG_LOW_MM, LUNG_HIGH_MM, (TRIES, 3))
    inside = _in_lung(patient, points)
    return inside if len(inside) else points


def _vessel_points(patient: Patient, rng: np.random.Generator) -> Array:
    """On vessels of all sizes, most of them where they run along z and are round in a slice."""
    least = LEAST_RADIUS_MM if rng.random() < 0.5 else SEEN_RADIUS_MM
    seen = patient.vessels.select(patient.vessels.start_radius > least)
    along = np.abs(seen.end - seen.start)
    upright = 0.1 + (along[:, 2] / np.maximum(np.linalg.norm(along, axis=1), 1e-9)) ** 2
    return _in_lung(patient, seen.start[rng.choice(len(seen), TRIES, p=upright / upright.sum())])


def _bronchus_points(patient: Patient, rng: np.random.Generator) -> Array:
    chosen = rng.integers(len(patient.airways), size=TRIES)
    wall = rng.normal(size=(TRIES, 3))
    wall *= (patient.airways.start_radius[chosen] / np.linalg.norm(wall, axis=1))[:, None]
    return _in_lung(patient, patient.airways.start[chosen] + wall)


def _hilum_points(patient: Patient, rng: np.random.Generator) -> Array:
    roots = np.concatenate(list(patient.mediastinum.hilum.values()))
    away = rng.normal(size=(TRIES, 3))
    away *= (rng.uniform(4, 22, TRIES) / np.linalg.norm(away, axis=1))[:, None]
    return _in_lung(patient, roots[rng.integers(len(roots), size=TRIES)] + away, 0.0)


def _pleura_points(patient: Patient, rng: np.random.Generator) -> Array:
    found = _surface_point(rng, patient.thorax)
    return np.empty((0, 3)) if found is None else (found[0] - rng.uniform(0, 3) * found[1])[None]


def _fissure_points(patient: Patient, rng: np.random.Generator) -> Array:
    x, y = rng.uniform(LUNG_LOW_MM[:2], LUNG_HIGH_MM[:2], (TRIES, 2)).T
    left, right, flat = fissure_heights_mm(patient.fissures, x, y)
    height = np.where(x > 0, left, np.where((rng.random(TRIES) < 0.4) & (flat > right), flat, right))
    return _in_lung(patient, np.stack([x, y, height], axis=1))


def _diaphragm_points(patient: Patient, rng: np.random.Generator) -> Array:
    x, y = rng.uniform(LUNG_LOW_MM[:2], LUNG_HIGH_MM[:2], (TRIES, 2)).T
    points = np.stack([x, y, patient.thorax.diaphragm_mm(x, y) + rng.uniform(0, 4, TRIES)], axis=1)
    return _in_lung(patient, points, 0.0)


_DRAWN: dict[str, Callable[[Patient, np.random.Generator], Array]] = {
    "vessel": _vessel_points,
    "bronchus": _bronchus_points,
    "hilum": _hilum_points,
    "pleura": _pleura_points,
    "fissure": _fissure_points,
    "diaphragm": _diaphragm_points,
    "lung": _lung_points,
}
MARK_PLACES: tuple[MarkPlace, ...] = (*get_args(LookalikeKind), *get_args(AnatomyPlace))
