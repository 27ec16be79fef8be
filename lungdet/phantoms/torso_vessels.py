"""Tubes of a trunk: great vessels, airways, gullet, muscles that run along it, and the vessels in the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .capsules import Capsules, join, tube
from .torso_build import Build
from .torso_profile import Array, Profile

# (x, y, z, radius) in standard mm, from the heart outwards.
AORTA = (
    (6, -12, 415, 14), (-8, -26, 445, 15), (-12, -30, 470, 15), (-4, -18, 491, 14), (10, 6, 497, 13),
    (21, 28, 488, 12.5), (25, 42, 468, 12.5), (24, 44, 430, 12), (19, 42, 390, 12),
    (10, 32, 350, 11.5), (4, 19, 310, 11), (3, 4, 270, 10),
    (4, -1, 220, 9.5), (4, -4, 170, 9), (3, -3, 152, 9),
)  # fmt: skip
ARCH_BRANCHES = (
    ((-10, -16, 497, 6), (-20, -14, 520, 6), (-30, -12, 545, 5.5), (-60, -8, 548, 5), (-115, 0, 528, 4)),
    ((-26, -12, 535, 4), (-28, -8, 570, 4), (-30, -8, 620, 4), (-32, -2, 700, 3.5)),
    ((2, -8, 500, 4.5), (10, -8, 525, 4), (24, -8, 560, 4), (30, -8, 620, 4), (32, -2, 700, 3.5)),
    ((14, 8, 500, 5), (26, 6, 530, 5), (58, -4, 548, 5), (115, 0, 528, 4)),
)
VISCERAL = (
    ((3, -6, 278, 4.5), (2, -22, 274, 4), (-20, -30, 272, 3), (-45, -24, 282, 2.5)),
    ((2, -24, 274, 3), (30, -4, 282, 3), (65, 18, 296, 3), (84, 26, 305, 2.5)),
    ((4, -8, 262, 4), (4, -20, 250, 4), (2, -30, 215, 3.5), (-10, -34, 180, 2.5)),
    ((3, -2, 250, 3.5), (35, 22, 246, 3), (50, 26, 245, 3)), ((3, -2, 250, 3.5), (-35, 22, 246, 3), (-50, 26, 242, 3)),
)  # fmt: skip
LEG_ARTERY = ((4, -3, 154, 6.5), (26, 4, 125, 6), (42, 4, 100, 5.5), (60, -24, 66, 5), (76, -56, 34, 5),
              (84, -62, 0, 5), (90, -50, -60, 4.5), (92, -36, -170, 4.5))  # fmt: skip
PELVIC_ARTERY = ((40, 4, 105, 4), (46, 36, 80, 4), (52, 44, 50, 3))
CAVA = ((-19, 0, 152, 10), (-20, 0, 200, 10.5), (-21, 2, 260, 11.5), (-22, 0, 310, 12), (-26, -4, 350, 13.5),
        (-28, -8, 385, 13))  # fmt: skip
UPPER_CAVA = ((-26, -12, 415, 11), (-30, -16, 450, 9.5), (-30, -20, 490, 9), (-26, -26, 510, 8), (-38, -26, 530, 7),
              (-42, -14, 560, 6), (-40, -12, 620, 6), (-40, -2, 700, 5))  # fmt: skip
LEFT_BRACHIAL = ((-24, -28, 500, 7), (4, -34, 508, 6.5), (36, -30, 524, 7), (42, -14, 560, 6), (40, -12, 620, 6),
                 (40, -2, 700, 5))  # fmt: skip
AZYGOS = ((-8, 40, 300, 3), (-8, 44, 400, 3.5), (-10, 42, 462, 4.5), (-20, 22, 478, 4.5), (-28, -8, 474, 4.5))
PORTAL = ((-8, -20, 250, 6), (-14, -20, 270, 6.5), (-34, -18, 292, 6), (-52, -12, 306, 5), (-75, -5, 315, 3.5))
SPLENIC_VEIN = ((-10, -18, 264, 4.5), (20, -10, 274, 4.5), (55, 14, 290, 4.5), (82, 26, 304, 4))
MESENTERIC_VEIN = ((-8, -22, 258, 5.5), (-6, -30, 220, 5), (-14, -34, 180, 3.5))
LIVER_VEINS = (((-22, -4, 358, 5), (-55, 0, 350, 4), (-85, 5, 335, 2.5)), ((-22, -8, 358, 5), (-50, -36, 345, 3.5)),
               ((-20, -12, 358, 4), (-4, -36, 345, 3)))  # fmt: skip
KIDNEY_VEINS = (((-20, 1, 244, 5), (-50, 22, 242, 4)), ((-20, 1, 250, 5), (6, -12, 252, 4.5), (50, 20, 246, 4)))
LEG_VEIN = ((-19, 0, 154, 7.5), (18, 12, 122, 7), (44, 14, 95, 6.5), (62, -12, 64, 6.5), (72, -48, 34, 6.5),
            (76, -56, 0, 6.5), (84, -46, -60, 6), (88, -30, -170, 5.5))  # fmt: skip
TRUNK = ((16, -40, 418, 13), (18, -36, 440, 13.5), (14, -18, 455, 12))
LUNG_ARTERIES = (((14, -20, 454, 11), (-8, -8, 452, 10.5), (-30, -2, 450, 9.5), (-46, 6, 440, 8), (-54, 14, 420, 6.5)),
                 ((14, -16, 456, 11), (30, 4, 460, 10), (46, 14, 452, 8), (54, 20, 428, 6.5)))  # fmt: skip
LUNG_VEINS = (((-18, 6, 428, 7), (-40, 0, 432, 6)), ((-16, 14, 412, 7), (-44, 24, 400, 6)),
              ((24, 4, 434, 7), (46, -4, 440, 6)), ((26, 16, 415, 7), (50, 26, 402, 6)))  # fmt: skip
WINDPIPE = (
    (0, -22, 700, 9),
    (0, -24, 625, 8),
    (0, -22, 590, 8.5),
    (-1, -12, 550, 9),
    (-2, 4, 510, 9),
    (0, 14, 474, 9.5),
)
BRONCHI = (
    ((0, 14, 474, 8), (-20, 16, 456, 7.5), (-36, 14, 444, 6.5), (-50, 22, 420, 4.5), (-58, 28, 396, 3)),
    ((0, 14, 474, 7.5), (22, 18, 454, 6.5), (42, 20, 440, 6), (54, 28, 416, 4), (60, 34, 392, 3)),
    ((-34, 14, 448, 4.5), (-48, 10, 464, 4), (-58, 8, 478, 2.5)), ((44, 18, 444, 4), (56, 6, 462, 2.5)),
)  # fmt: skip
GULLET = ((0, 0, 600, 7), (4, 10, 560, 7.5), (6, 28, 510, 8), (6, 34, 470, 8), (6, 32, 420, 8), (14, 18, 375, 8.5),
          (24, 4, 345, 9))  # fmt: skip
PSOAS = ((32, 38, 275, 8), (36, 30, 240, 15), (42, 24, 190, 20), (52, 16, 140, 23), (66, 2, 100, 22), (80, -24, 60, 17),
         (94, -28, 20, 13), (112, 2, -15, 9))  # fmt: skip
ILIACUS = ((112, 2, 140, 10), (104, -8, 105, 16), (94, -24, 70, 16), (92, -32, 40, 14))
NECK_MUSCLES = (((34, -20, 520, 9), (44, -8, 570, 10), (52, 18, 620, 11), (54, 36, 680, 11)),)
PIRIFORM = ((30, 66, 62, 9), (60, 60, 48, 11), (100, 44, 30, 8))


@dataclass(frozen=True)
class Tubes:
    """Sets of capsules of one patient in standard mm, painted in this order.

    Attributes:
        muscle, vein, artery, pulmonary, gullet: as named.
        airway: lumens; their walls are drawn around them.
        lung: vessels in the lungs.
    """

    muscle: Capsules
    vein: Capsules
    artery: Capsules
    pulmonary: Capsules
    gullet: Capsules
    airway: Capsules
    lung: Capsules


def draw_tubes(rng: np.random.Generator, build: Build, profile: Profile) -> Tubes:
    """Draw a patient's tubes: courses stray by a few mm, widths by a tenth."""
    girth = float(np.exp(rng.normal(0, 0.1)))
    thin = 0.9 if build.female else 1.0

    def drawn(path: tuple[tuple[float, ...], ...], stray_mm: float, widen: float = 1.0) -> Capsules:
        knots = np.array(path, dtype=float)
        shift = rng.normal(0, stray_mm, (len(knots), 3)) * (1, 1, 0.5)
        return tube(profile.stretched(knots[:, :3] + shift), knots[:, 3] * widen)

    def both(path: tuple[tuple[float, ...], ...], stray_mm: float, widen: float) -> list[Capsules]:
        knots = np.array(path, dtype=float)
        other = tuple(map(tuple, knots * (-1, 1, 1, 1)))
        return [drawn(path, stray_mm, widen), drawn(other, stray_mm, widen)]

    muscle = [part for path in (PSOAS, ILIACUS, *NECK_MUSCLES, PIRIFORM) for part in both(path, 1.0, girth * thin)]
    artery = [drawn(path, 1.2, girth) for path in (AORTA, *ARCH_BRANCHES, *VISCERAL)]
    artery += [part for path in (LEG_ARTERY, PELVIC_ARTERY) for part in both(path, 1.5, girth)]
    veins = (
        CAVA,
        UPPER_CAVA,
        LEFT_BRACHIAL,
        AZYGOS,
        PORTAL,
        SPLENIC_VEIN,
        MESENTERIC_VEIN,
        *LIVER_VEINS,
        *KIDNEY_VEINS,
    )
    other_leg = ((-19, 0, 154, 7.5), *((-x, y, z, r) for x, y, z, r in LEG_VEIN[2:]))
    vein = [drawn(path, 1.5, girth) for path in (*veins, LEG_VEIN, other_leg)]
    lung_veins = [drawn(path, 1.0) for path in LUNG_VEINS]
    return Tubes(
        join(muscle),
        join(vein),
        join(artery),
        join([drawn(path, 1.0, girth) for path in (TRUNK, *LUNG_ARTERIES)] + lung_veins),
        drawn(GULLET, 1.5),
        join([drawn(path, 0.7, thin) for path in (WINDPIPE, *BRONCHI)]),
        lung_tree(rng, profile),
    )


def lung_tree(rng: np.random.Generator, profile: Profile, tips: int = 620) -> Capsules:
    """Grow vessels from both hila: each of many tips joins the nearest knot that is nearer to the hilum."""
    parts = []
    for side in (-1, 1):
        hilum = profile.stretched(np.array([side * 42.0, 12.0, 446.0]))
        targets = _lung_points(rng, profile, side, tips)
        order = np.argsort(np.linalg.norm(targets - hilum, axis=1))
        knots = np.concatenate([hilum[None], targets[order]])
        away = np.linalg.norm(knots - hilum, axis=1)
        parents = np.zeros(len(knots), dtype=int)
        for n in range(1, len(knots)):
            cost = np.linalg.norm(knots[:n] - knots[n], axis=1) + 0.55 * away[:n]
            parents[n] = int(np.argmin(cost))
        flow = np.ones(len(knots))
        for n in range(len(knots) - 1, 0, -1):
            flow[parents[n]] += flow[n]
        radius = np.clip(0.85 * flow**0.36, 0.9, 5.5)
        child = np.arange(1, len(knots))
        parts.append(Capsules(knots[parents[child]], knots[child], radius[child] * 1.08, radius[child]))
    return join(parts)


def _lung_points(rng: np.random.Generator, profile: Profile, side: int, count: int) -> Array:
    """``(count, 3)`` points spread over one lung, a little inside its border."""
    kept: list[Array] = []
    while sum(map(len, kept)) < count:
        z = rng.uniform(285, 548, 4 * count)
        walls = profile.cavity[np.round(z).astype(int) + 160] * 0.93
        x = side * rng.uniform(14, 130, 4 * count)
        y = rng.uniform(-90, 90, 4 * count)
        depth = np.where(y < 0, walls[:, 1], walls[:, 2])
        inside = (x / np.maximum(walls[:, 0], 1)) ** 2 + (y / np.maximum(depth, 1)) ** 2 < 1
        inside &= z > 372 - np.clip(np.abs(x) - 55, 0, None) * 0.7 - np.clip(y, 0, None) * 0.5
        kept.append(np.stack([x, y, z], axis=1)[inside])
    return np.concatenate(kept)[:count]
