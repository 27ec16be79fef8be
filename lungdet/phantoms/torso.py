"""A synthetic trunk from jaw to thigh, painted slice by slice: any slice of any patient in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .capsules import Capsules, join, tube
from .torso_bones import arm_path, cartilages, long_bones, vertebrae
from .torso_build import Build, draw_build
from .torso_frame import BodyFrame, Part, draw_frame
from .torso_grain import draw_grain
from .torso_organs import draw_organs
from .torso_paint import AIR_HU, CROTCH_MM, Anatomy, TorsoPainter
from .torso_places import Place, draw_place
from .torso_profile import Array, Profile, draw_profile
from .torso_solids import Solid
from .torso_vessels import draw_tubes

TORSO_STREAM = 601
ARM_RADII_MM = (56.0, 54.0, 50.0, 46.0, 40.0, 32.0, 26.0)


@dataclass(frozen=True)
class Torso:
    """One patient's trunk.

    Attributes:
        seed: it was drawn from.
        frame: from the standard body to LPS mm.
        anatomy: in the standard body.
    """

    seed: int
    frame: BodyFrame
    anatomy: Anatomy

    @property
    def build(self) -> Build:
        """The patient's choices: sex, fat, arms, contrast phase."""
        return self.anatomy.build

    @cached_property
    def landmarks_mm(self) -> dict[str, float]:
        """LPS z of landmarks, from the jaw down."""
        return self.frame.landmarks_mm

    @property
    def z_range_mm(self) -> tuple[float, float]:
        """LPS z of the lowest and the highest slice that is worth painting: u = 1 and u = 0."""
        return float(self.height(1.0)), float(self.height(0.0))

    def coordinate(self, z_mm: Any) -> Array:
        """Body coordinate u of LPS z: 0 at the jaw, 1 in the thigh; arrays or numbers, linear beyond."""
        return self.frame.coordinate(z_mm)

    def height(self, u: Any) -> Array:
        """LPS z of body coordinates; undoes :meth:`coordinate`."""
        return self.frame.height(u)

    def part(self, z_mm: float) -> Part:
        """``chest``, ``abdomen`` or ``pelvis``."""
        return self.frame.part(z_mm)

    def center_mm(self, z_mm: float) -> tuple[float, float]:
        """LPS x and y of the trunk's middle line at a height."""
        return self.frame.center_mm(z_mm)

    def body_box(self, z_mm: float) -> tuple[float, float, float, float]:
        """Box ``(x0, y0, x1, y1)`` around the skin of trunk or thighs, LPS mm; x1 left, y1 back.

        Arms are left out, and so are the shoulders that raised arms lift beside and behind the neck (``u`` below 0.2):
        these, :func:`lungdet.geometry.body_mask.body_mask` takes for trunk. So a relative x from the mask differs there
        from one from this box, by 0.03 at ``u`` 0.15 and by 0.1 to 0.2 at the neck. The fields of view and tables of
        synthetic scans, and the places written with them, follow this box.
        """
        z = float(self.frame.to_standard(z_mm))
        boxes = [self.anatomy.profile.skin_box(z)] if z > CROTCH_MM else []
        for solid in (*self.anatomy.beside, *self.anatomy.surface):
            section = solid.section(z)
            if section is not None and solid.name in ("breast", "thigh"):
                x, y, a, b = section
                boxes.append((x - a, y - b, x + a, y + b))
        low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        center, scale = np.array(self.center_mm(z_mm)), np.array(self.frame.scale)
        corner, end = center + scale * low, center + scale * high
        return float(corner[0]), float(corner[1]), float(end[0]), float(end[1])

    def paint(self, z_mm: Array, x_mm: Array, y_mm: Array) -> NDArray[np.float32]:
        """Paint slices without noise.

        Args:
            z_mm: ``(N,)`` LPS heights, in any order.
            x_mm: ``(X,)`` LPS pixel centres, evenly rising: to the patient's left.
            y_mm: ``(Y,)`` likewise: to the back.

        Returns:
            ``(N, Y, X)`` float32 HU.
        """
        painter = TorsoPainter(self.anatomy)
        out = np.empty((len(z_mm), len(y_mm), len(x_mm)), dtype=np.float32)
        for n, z in enumerate(np.asarray(z_mm, dtype=float)):
            x, y = self.center_mm(float(z))
            level = float(self.frame.to_standard(z))
            out[n] = painter.paint(level, (x_mm - x) / self.frame.scale[0], (y_mm - y) / self.frame.scale[1])
        return out

    def draw_place(self, rng: np.random.Generator, lesion_type: int) -> Place:
        """Draw where a lesion of a DeepLesion type may grow; raises ValueError for a type other than 1 to 8."""
        painter = TorsoPainter(self.anatomy)

        def probe(point: Array) -> float:
            near = np.arange(-4.0, 5.0, 2.0)
            return float(painter.paint(float(point[2]), point[0] + near, point[1] + near).mean())

        return draw_place(rng, self.frame, self.anatomy, lesion_type, probe)


def draw_torso(seed: int) -> Torso:
    """Draw one patient's trunk: same seed, same patient.

    Args:
        seed: not negative.

    Returns:
        The trunk; drawing takes some 50 ms, nothing is painted yet.

    Raises:
        ValueError: negative seed.

    Example:
        >>> torso = draw_torso(3)
        >>> torso.part(torso.landmarks_mm["carina"]), torso.part(torso.landmarks_mm["femoral_head"])
        ('chest', 'pelvis')
    """
    if seed < 0:
        raise ValueError(f"wanted a seed >= 0, got {seed}")
    rng = np.random.default_rng([seed, TORSO_STREAM])
    build = draw_build(rng)
    frame = draw_frame(rng, build.size)
    profile = draw_profile(rng, build)
    below, above = draw_organs(rng, build, profile)
    arms, humerus = _draw_arms(rng, build, profile)
    anatomy = Anatomy(
        build=build,
        profile=profile,
        beside=[*_breasts(rng, build, profile), *_yoke(rng, build)],
        surface=[*_hollows(build, profile), *_thighs(build, profile)],
        below=below,
        above=above,
        spine=vertebrae(build, profile),
        bones=join([long_bones(build, profile), humerus]),
        cartilages=cartilages(profile),
        arms=arms,
        tubes=draw_tubes(rng, build, profile),
        grain=draw_grain(rng),
        planes=draw_grain(rng, 45.0, 140.0, 12),
    )
    return Torso(seed, frame, anatomy)


def _draw_arms(rng: np.random.Generator, build: Build, profile: Profile) -> tuple[Capsules, Capsules]:
    """Both arms' skin and bones; a stump of bone in the shoulder where the arms are not shown."""
    left = arm_path(build, profile)
    if not len(left):
        joint = np.array([(148.0, 14.0, 530.0), (158.0, 14.0, 525.0)])
        bones = [tube(joint * (side, 1, 1), [20, 20]) for side in (-1, 1)]
        return join([]), join(bones)
    skin = np.array(ARM_RADII_MM[: len(left)]) * (0.9 + 0.45 * build.fat) * float(np.exp(rng.normal(0.06, 0.12)))
    bone = np.array([21.0, *[11.5] * (len(left) - 1)])
    arms, bones = [], []
    for side in (-1, 1):
        own = left.copy()
        own[1:] += rng.normal(0, (6.0, 14.0, 8.0))  # no two arms lie alike
        bones.append(tube(own * (side, 1, 1), bone))
        own[0, 2] -= 26.0 * (build.arms == "down")  # the skin goes over the shoulder there
        arms.append(tube(own * (side, 1, 1), skin))
    return join(arms), join(bones)


def _breasts(rng: np.random.Generator, build: Build, profile: Profile) -> list[Solid]:
    """Breasts of a woman that lies on her back: fat with glands in it."""
    if not build.female:
        return []
    size = float(rng.uniform(0.7, 1.15)) * (0.8 + 0.5 * build.fat)
    front, solids = profile.skin_at(420.0).front, []
    dense = float(rng.uniform(-70, 25))
    for side in (-1, 1):
        at = (side * 84.0, 22 - front, 425.0 + float(rng.normal(0, 4)))
        radii = (66 * size, 46 * size, 64 * size)
        solids.append(Solid("breast", at, radii, build.tissue_hu["fat"], grain_hu=8, rim_mm=1.5, angle_deg=side * 12))
        gland = (at[0], at[1] - 12 * size, at[2])
        inner = (38 * size, 24 * size, 38 * size)
        solids.append(Solid("gland", gland, inner, dense, grain_hu=35, wobble_mm=6))
    return solids


def _yoke(rng: np.random.Generator, build: Build) -> list[Solid]:
    """Shoulders that raised arms lift behind the neck."""
    if build.arms != "up":
        return []
    hu, solids = build.tissue_hu, []
    thick, tall, top = float(rng.uniform(0.7, 1.9)), float(rng.uniform(55, 85)), float(rng.uniform(562, 588))
    for side in (-1, 1):
        at = (side * float(rng.normal(112.0, 8.0)), float(rng.normal(32.0, 6.0)), top + float(rng.normal(0, 6)))
        look: dict[str, Any] = {"lean": (side * float(rng.uniform(0.2, 0.55)), -0.1), "angle_deg": -side * 12.0}
        skin = (82.0, 27 * thick + 6 + 10 * build.fat, tall + 6 + 10 * build.fat)
        solids.append(Solid("yoke", at, skin, hu["fat"], rim_mm=1.5, grain_hu=8, **look))
        solids.append(Solid("yoke muscle", at, (76.0, 26 * thick, tall), hu["muscle"], wobble_mm=5, **look))
        for n, turn in enumerate((15.0, -35.0)):
            seam = (at[0] + side * 14 * n, at[1] + 5 - 14 * n, at[2])
            solids.append(Solid("seam", seam, (46, 2.4, tall), hu["fat"], lean=look["lean"], angle_deg=side * turn,
                                wobble_mm=6, phase=float(n)))  # fmt: skip
    return solids


def _hollows(build: Build, profile: Profile) -> list[Solid]:
    """Fat in the armpits and above the collar bones, and the cleft between the buttocks."""
    fat = build.tissue_hu["fat"] + 10
    wide = profile.cavity_at(490.0).half_width / 120
    solids = [
        Solid("cleft", (0, profile.skin_at(10.0).back + 4, 5.0), (2.5, 30 + 20 * build.fat, 62), AIR_HU, grain_hu=0)
    ]
    for side in (-1, 1):
        for x, y, z, radii, turn in (
            (138, -8, 496, (17, 36, 44), -14),
            (126, 34, 492, (8, 30, 46), 22),
            (60, -6, 553, (28, 20, 20), 0),
            (96, 30, 545, (36, 7, 18), 12),
            (112, -44, 500, (30, 4, 34), 24),
        ):
            at = (side * x * wide, float(y), float(z))
            turned = float(side * turn)
            solids.append(Solid("hollow", at, radii, fat, angle_deg=turned, wobble_mm=4, phase=x, grain_hu=14))
    return solids


def _thighs(build: Build, profile: Profile) -> list[Solid]:
    """Both thighs from the crotch down."""
    hu, solids = build.tissue_hu, []
    hip = profile.muscle_at(20.0).half_width / 165
    fat = 4 + 20 * build.fat * (1.25 if build.female else 0.8)
    for side in (-1, 1):
        at = (side * (84.0 * hip + 0.5 * fat), 10.0, -190.0)
        look: dict[str, Any] = {"power": 4, "lean": (0.0, -0.03)}
        solids.append(Solid("thigh", at, (72 * hip + fat, 80 + fat, 196), hu["fat"], rim_mm=1.5, **look))
        solids.append(Solid("thigh muscle", at, (72 * hip, 78, 194), hu["muscle"], grain_hu=8, wobble_mm=5, **look))
        for turn, x, y in ((20, 20, -20), (70, -14, 16), (-30, 6, 30)):
            seam = (at[0] + side * x, at[1] + y, -190.0)
            solids.append(Solid("seam", seam, (34, 2.2, 180), hu["fat"], angle_deg=side * turn, wobble_mm=4))
    return solids
