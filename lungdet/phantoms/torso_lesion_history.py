"""Draw the lesions of a patient: where they lie, and how they go from study to study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .torso_lesion import LesionChange, LesionState, TorsoLesion, draw_state
from .torso_lesion_look import LOOKS, SIZES, LesionLook, draw_look

if TYPE_CHECKING:
    from .torso import Torso

Array = NDArray[Any]

ATTEMPTS = 40
APART_MM = 4.0  # between the surfaces of two lesions
LEAST_LONG_MM, MOST_LONG_MM = 5.0, 90.0
ROOM = 0.92  # part of the room of a place that the largest state of a lesion may fill
ROOM_IN_BONE = 1.7  # a lesion of bone may break out of it
CONTRAST_HU = (24.0, 42.0)  # against the tissue around, at least: nobody marks what cannot be seen
RING = (1.1, 1.8)  # around a lesion, in parts of its radius
BONE = 1
CHANGES: dict[LesionChange, float] = {"stable": 0.35, "grows": 0.28, "shrinks": 0.19, "vanishes": 0.09, "appears": 0.09}
STEP = (0.08, 0.4)  # of the logarithm of the size from study to study
WOBBLE = 0.03  # of the logarithm of the size, whatever the change
SHIFT_MM = (0.8, 0.8, 1.5)  # deviation of its place from study to study
SAME_TYPE = 0.45  # chance that a lesion is of the type of one before


def draw_lesions(
    rng: np.random.Generator,
    torso: Torso,
    patient: str,
    studies: int,
    count: int,
    types: Sequence[int] = tuple(LOOKS),
) -> tuple[TorsoLesion, ...]:
    """Draw the lesions of a patient; those that find no place are left out.

    Args:
        rng: source of chance.
        torso: the patient's body.
        patient: begins the identities: ``000001`` gives ``000001-01``.
        studies: how many studies there are.
        count: how many lesions, over all studies.
        types: to draw from; a lesion is often of the type of one before, as metastases are.
    """
    lesions: list[TorsoLesion] = []
    for number in range(1, count + 1):
        again = bool(lesions) and rng.random() < SAME_TYPE
        lesion_type = int(rng.choice([lesion.lesion_type for lesion in lesions] if again else list(types)))
        for _ in range(ATTEMPTS):
            lesion = _draw_lesion(rng, torso, f"{patient}-{number:02d}", lesion_type, studies)
            if lesion is not None and all(_apart(lesion, other) for other in lesions):
                lesions.append(lesion)
                break
    return tuple(lesions)


def _draw_lesion(
    rng: np.random.Generator, torso: Torso, identity: str, lesion_type: int, studies: int
) -> TorsoLesion | None:
    """Draw one lesion; None where its place is too small for it."""
    place = torso.draw_place(rng, lesion_type)
    room_mm = float(place.max_radius_mm)
    change, scale = draw_scales(rng, studies)
    size = SIZES[lesion_type]
    long_mm = float(np.clip(rng.lognormal(np.log(size.median_mm), size.spread), LEAST_LONG_MM, MOST_LONG_MM))
    look, contrast = draw_look(rng, lesion_type), float(rng.uniform(*CONTRAST_HU))
    unit = draw_state(rng, identity, lesion_type, look, float(place.hu))
    reach = unit.shape.reach_mm - 0.5  # for a radius of 1 mm
    room = room_mm * (ROOM_IN_BONE if lesion_type == BONE else ROOM)
    radius = min(long_mm / 2 / reach, room / (reach * max(scale)))
    if 2 * radius * reach * min(s for s in scale if s) < LEAST_LONG_MM * 0.8:
        return None
    center = np.asarray(place.center_mm, dtype=float)
    shape = replace(unit.shape, center=center, half_axes=unit.shape.half_axes * radius)
    around = _around_hu(torso, center, radius)
    first = replace(_sized(unit, look, radius), shape=shape, hu=seen_against(around, unit.hu, contrast))
    shift = rng.normal(0, SHIFT_MM, (studies, 3)) * min(1.0, room_mm / 15)
    return TorsoLesion(identity, change, look.name, first, scale, shift)


def _sized(unit: LesionState, look: LesionLook, radius_mm: float) -> LesionState:
    """Give a lesion its radius, and no margin that is wider than half of it."""
    return replace(unit, radius_mm=radius_mm, edge_mm=min(unit.edge_mm, max(0.5 * radius_mm, look.edge_mm[0])))


def draw_scales(rng: np.random.Generator, studies: int) -> tuple[LesionChange, tuple[float, ...]]:
    """Draw how a lesion goes, and its size at each study against the first; 0 where it is not there.

    With one study it is there, and stable.
    """
    change: LesionChange = "stable"
    if studies > 1:
        change = list(CHANGES)[int(rng.choice(len(CHANGES), p=list(CHANGES.values())))]
    steps = rng.uniform(*STEP, studies)
    sign = {"stable": 0.0, "grows": 1.0, "shrinks": -1.0, "vanishes": -0.8, "appears": 0.7}[change]
    steps[0] = 0.0
    scale = np.exp(np.clip(np.cumsum(sign * steps), -1.1, 1.1) + rng.normal(0, WOBBLE, studies))
    turn = int(rng.integers(1, studies)) if studies > 1 else 1
    if change == "vanishes":
        scale[turn:] = 0.0
    if change == "appears":
        scale[:turn] = 0.0
    return change, tuple(float(value) for value in scale)


def _around_hu(torso: Torso, center: Array, radius_mm: float) -> float:
    """Median density in a ring around a place, in its slice."""
    grid = np.linspace(-RING[1], RING[1], 15)
    away = np.hypot(grid[None, :], grid[:, None])
    steps = grid * radius_mm
    hu = torso.paint(center[2:], center[0] + steps, center[1] + steps)[0]
    return float(np.median(hu[(away > RING[0]) & (away <= RING[1])]))


def seen_against(around_hu: float, hu: float, contrast_hu: float) -> float:
    """Take a density that is too near to that of the tissue around away from it.

    Example:
        >>> seen_against(50.0, 60.0, 25.0), seen_against(50.0, 45.0, 25.0), seen_against(-90.0, 45.0, 25.0)
        (75.0, 25.0, 45.0)
    """
    if abs(hu - around_hu) >= contrast_hu:
        return hu
    return around_hu + contrast_hu if hu >= around_hu else around_hu - contrast_hu


def _apart(one: TorsoLesion, other: TorsoLesion) -> bool:
    """Tell whether two lesions keep apart in every study."""
    distance = float(np.linalg.norm(one.first.center_mm - other.first.center_mm))
    reach = sum(lesion.first.shape.reach_mm * max(lesion.scale) for lesion in (one, other))
    return distance > reach + APART_MM
