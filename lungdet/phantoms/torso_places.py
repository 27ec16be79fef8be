"""Where in a trunk a lesion of each DeepLesion type may grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .torso_frame import BodyFrame
from .torso_profile import Array
from .torso_solids import Solid

if TYPE_CHECKING:
    from .torso_paint import Anatomy


@dataclass(frozen=True)
class Place:
    """A place for a lesion.

    Attributes:
        center_mm: ``(3,)`` LPS.
        max_radius_mm: a ball of this radius stays within the organ, or as near to it as such lesions do.
        organ: it lies in or at.
        hu: of the tissue around.
    """

    center_mm: Array
    max_radius_mm: float
    organ: str
    hu: float


SOLID_ORGANS = {4: ("liver",), 6: ("kidney",)}
# Standard (x, y, z) around which, half spans, organ, largest radius
NODES = {
    3: (((-14, 2, 478), (8, 8, 20), "paratracheal", 18), ((2, 12, 448), (12, 6, 10), "subcarinal", 18),
        ((-36, 6, 452), (5, 8, 12), "hilum", 16), ((38, 8, 452), (5, 8, 12), "hilum", 16),
        ((4, -48, 470), (14, 8, 22), "prevascular", 20)),
    2: (((22, 4, 215), (8, 6, 40), "paraaortic", 20), ((-6, -34, 215), (24, 10, 35), "mesentery", 24),
        ((34, 24, 296), (4, 5, 8), "adrenal", 20), ((-34, 24, 296), (4, 5, 8), "adrenal", 20),
        ((4, -20, 258), (20, 6, 8), "pancreas", 20), ((84, 36, 298), (9, 13, 14), "spleen", 18)),
    8: (((66, -16, 60), (8, 10, 18), "iliac", 18), ((-66, -16, 60), (8, 10, 18), "iliac", 18),
        ((40, 24, 66), (8, 10, 14), "adnexa", 24), ((-40, 24, 66), (8, 10, 14), "adnexa", 24),
        ((0, 34, 48), (14, 6, 12), "presacral", 18), ((84, -62, -6), (8, 6, 16), "groin", 14),
        ((-84, -62, -6), (8, 6, 16), "groin", 14)),
}  # fmt: skip
MOST_DRAWS = 30
SOFT_TISSUE = (-150.0, 110.0)
# Mean HU that the picture must show about a place, where it is not soft tissue or the organ's own HU.
TISSUES = {
    "vertebra": (90.0, 500.0), "sacrum": (70.0, 500.0), "ilium": (90.0, 600.0), "rib": (90.0, 600.0),
    "kidney": (0.0, 260.0), "hilum": (-150.0, 420.0),
}  # fmt: skip
BONES = ("vertebra", "sacrum", "ilium", "rib")


def draw_place(
    rng: np.random.Generator, frame: BodyFrame, anatomy: Anatomy, lesion_type: int, probe: Callable[[Array], float]
) -> Place:
    """Draw a place for a lesion, and draw again while the picture there shows another tissue.

    Args:
        rng: source.
        frame: of the patient.
        anatomy: of the patient.
        lesion_type: 1 bone, 2 abdomen, 3 mediastinum, 4 liver, 5 lung, 6 kidney, 7 soft tissue, 8 pelvis.
        probe: mean HU about a standard point.

    Raises:
        ValueError: another type.
    """
    draws = {1: _in_bone, 4: _in_organ, 5: _in_lung, 6: _in_organ, 7: _in_wall}
    if lesion_type not in draws and lesion_type not in NODES:
        raise ValueError(f"lesion_type must be 1 to 8, got {lesion_type}")
    for _ in range(MOST_DRAWS):
        standard, reach, organ, hu = draws.get(lesion_type, _at_node)(rng, anatomy, lesion_type)
        low, high = TISSUES.get(organ, SOFT_TISSUE)
        if organ in anatomy.build.tissue_hu:
            low, high = hu - 45, hu + 45
        if low <= probe(standard) <= high:
            break
    return Place(frame.point_mm(standard), float(reach * min(frame.scale)), organ, float(hu))


Drawn = tuple[Array, float, str, float]


def _at_node(rng: np.random.Generator, anatomy: Anatomy, kind: int) -> Drawn:
    """Beside vessels, where lymph nodes and the small organs lie."""
    table = NODES[kind]
    center, span, organ, reach = table[int(rng.integers(len(table)))]
    place = np.array(center) + rng.uniform(-1, 1, 3) * span
    hu = anatomy.build.tissue_hu["spleen" if organ == "spleen" else "fat"]
    return place, reach, organ, hu


def _in_solid(rng: np.random.Generator, solid: Solid, margin: float) -> Array:
    """A point in a solid, off its border by a share of its radii."""
    while True:
        spot = rng.uniform(-1, 1, 3)
        if (spot**2).sum() < 1:
            break
    offset = spot * np.array(solid.radii) * (1 - margin)
    turn = np.deg2rad(solid.angle_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    x, y = offset[0] * cos - offset[1] * sin, offset[0] * sin + offset[1] * cos
    moved: Array = np.array(solid.center) + (x + solid.lean[0] * offset[2], y + solid.lean[1] * offset[2], offset[2])
    return moved


def _in_organ(rng: np.random.Generator, anatomy: Anatomy, kind: int) -> Drawn:
    """In the liver, below the diaphragm and within the cavity; or in a kidney, often at its border."""
    name = SOLID_ORGANS[kind][0]
    solids = [solid for solid in anatomy.below if solid.name == name]
    if kind == 6:
        solid = solids[int(rng.integers(len(solids)))]
        return _in_solid(rng, solid, 0.3), 20.0, name, solid.hu
    for _ in range(200):
        solid = solids[0] if rng.random() < 0.8 else solids[1]
        place = _in_solid(rng, solid, 0.2)
        wall = anatomy.profile.cavity_at(float(place[2]))
        level = np.hypot(place[0] / (wall.half_width - 12), (place[1] - wall.center_y) / (wall.half_depth - 12))
        if level < 1 and place[2] < 345 - 0.006 * ((place[0] + 60) ** 2 + place[1] ** 2) and place[0] < 45:
            break
    return place, 26.0, name, solids[0].hu


def _in_lung(rng: np.random.Generator, anatomy: Anatomy, kind: int) -> Drawn:
    """In a lung, off the mediastinum and above the diaphragm."""
    while True:
        z, side = float(rng.uniform(330, 535)), int(rng.choice((-1, 1)))
        wall = anatomy.profile.cavity_at(z)
        x, y = side * rng.uniform(48, 125), rng.uniform(-85, 85)
        level = np.hypot(x / wall.half_width, (y - wall.center_y) / max(wall.half_depth, 1))
        if z < 410 and (side > 0 or y < 0) and abs(x) < 82:
            continue  # the heart
        if level < 0.92 and z > 380 - 0.006 * (max(abs(x) - 55, 0) ** 2 + (y + 12) ** 2):
            break
    return np.array([x, y, z]), 22.0, "lung", anatomy.build.tissue_hu["lung"]


def _in_bone(rng: np.random.Generator, anatomy: Anatomy, kind: int) -> Drawn:
    """In a vertebra, the sacrum, the hip bone or a rib."""
    organ = str(rng.choice(BONES, p=(0.45, 0.1, 0.25, 0.2)))
    if organ in ("vertebra", "sacrum"):
        solids = [s for s in anatomy.spine if s.name == organ and 0 < s.center[2] < 540]
        solid = solids[int(rng.integers(len(solids)))]
        return _in_solid(rng, solid, 0.35), float(min(solid.radii)) * 1.1, organ, solid.hu
    bones = anatomy.bones
    middle = 0.5 * (bones.start + bones.end)
    if organ == "ilium":
        near = (middle[:, 2] > 40) & (middle[:, 2] < 150) & (np.abs(middle[:, 0]) > 55) & (np.abs(middle[:, 0]) < 130)
        near &= middle[:, 1] > -30
    else:
        near = (middle[:, 2] > 300) & (middle[:, 2] < 500) & (np.abs(middle[:, 0]) > 60) & (bones.start_radius < 6.5)
    near &= middle[:, 2] < 505
    index = int(rng.choice(np.flatnonzero(near)))
    return middle[index], 14.0, organ, 150.0


def _in_wall(rng: np.random.Generator, anatomy: Anatomy, kind: int) -> Drawn:
    """In the fat under the skin or in the muscles, at any height of the trunk."""
    z = float(rng.uniform(20, 500))
    angle = rng.uniform(0, 2 * np.pi)
    skin, muscle = anatomy.profile.skin_at(z), anatomy.profile.muscle_at(z)
    deep = rng.random() < 0.45
    share = 0.9 if deep else 0.5 * (1 + muscle.half_width / skin.half_width)
    outer = muscle if deep else skin
    place = np.array(
        [share * outer.half_width * np.cos(angle), outer.center_y + share * outer.half_depth * np.sin(angle), z]
    )
    hu = anatomy.build.tissue_hu["muscle" if deep else "fat"]
    return place, 18.0, "muscle" if deep else "subcutaneous", hu
