"""The skeleton of a trunk: vertebrae as solids, all long and flat bones as fans of capsules."""

from __future__ import annotations

from typing import Any

import numpy as np

from .capsules import Capsules, join, tube
from .torso_build import Build
from .torso_profile import Array, Profile
from .torso_solids import Solid

SPINE_ROWS = (  # standard height, y of the vertebral bodies' middle, half width, half depth
    (-40, 66, 9, 6), (10, 72, 14, 8), (40, 82, 24, 12), (70, 76, 38, 17), (95, 52, 42, 20), (110, 34, 27, 19),
    (160, 26, 27, 18), (230, 29, 25, 17), (290, 40, 22, 17), (380, 58, 18, 16), (450, 62, 16, 14), (520, 46, 15, 11),
    (560, 26, 15, 9), (600, 14, 13, 9), (650, 12, 12, 9), (720, 12, 12, 9),
)  # fmt: skip
# Upper ends of vertebrae from C2 to L5 and of the sacral segments, standard mm.
VERTEBRA_TOPS = (
    *(658.0 - 17.0 * n for n in range(7)), *(539.0 - 20.8 * n for n in range(12)),
    *(289.0 - 36.6 * n for n in range(5)),
)  # fmt: skip
SPINE_END_MM = 106.0
RIB_COUNT = 12
MIRROR = np.array([-1.0, 1.0, 1.0])


def spine_at(z: float, profile: Profile) -> tuple[float, float, float]:
    """The spine's y, half width and half depth at a standard height."""
    table = np.array(SPINE_ROWS)
    y, width, depth = (float(np.interp(z, table[:, 0], table[:, n])) for n in (1, 2, 3))
    return float(profile.stretched(np.array([0.0, y, z]))[1]), width, depth


def vertebrae(build: Build, profile: Profile) -> list[Solid]:
    """Vertebral bodies, discs, arches and processes, and the canal."""
    solids: list[Solid] = []
    marrow = 90 + 110 * build.bone
    for top, bottom in zip(VERTEBRA_TOPS, (*VERTEBRA_TOPS[1:], SPINE_END_MM), strict=True):
        gap = 0.2 * (top - bottom)
        middle, half = (top + bottom) / 2, (top - bottom) / 2
        y, width, depth = spine_at(middle, profile)
        back = y + depth
        lumbar = top < 291
        arch = 0.55 * width
        bone: dict[str, Any] = {"grain_hu": 25.0, "rim_mm": 1.8, "rim_hu": 330 * build.bone + 120}
        disc = Solid("disc", (0, y, bottom), (width + 1, depth + 1, gap * 1.2), 78, 4)
        body = Solid("vertebra", (0, y, middle + gap / 2), (width, depth, half - gap / 2), marrow, 4, **bone)
        solids += [disc, body]
        dense: dict[str, Any] = {"grain_hu": 30.0, "rim_mm": 1.5, "rim_hu": 300 * build.bone + 120}
        for side in (-1, 1):
            at = (side * (arch + 2), back + 8, middle + half * 0.3)
            solids.append(Solid("arch", at, (5.5, 9, half * 0.7), 330, angle_deg=side * 20, **dense))
            reach = 26 if lumbar else (19 if top < 541 else 8)
            wing = (side * (arch + reach * 0.8), back + (10 if lumbar else 14), middle)
            turn = side * (-8 if lumbar else -30)
            solids.append(Solid("arch", wing, (reach, 4.5, half * 0.35), 260, angle_deg=-turn, **dense))
        process = Solid("arch", (0, back + 24, middle - half * 0.4), (4.5, 11, half * 0.75), 260, **dense)
        canal = Solid("canal", (0, back + 10, middle), (9.5, 7.5, half * 1.15), 28, grain_hu=3, power=4)
        lamina = Solid("arch", (0, back + 16, middle - half * 0.2), (15, 7, half * 0.6), 350, **dense)
        solids += [lamina, process, canal]
    return solids + _sacrum(build, profile)


def _sacrum(build: Build, profile: Profile) -> list[Solid]:
    """The sacrum and coccyx, a wedge that leans to the back."""
    bone: dict[str, Any] = {"grain_hu": 30.0, "rim_mm": 2.0, "rim_hu": 280 * build.bone + 110}
    marrow = 70 + 90 * build.bone
    solids = []
    for n, z in enumerate((95.0, 76.0, 58.0, 42.0, 26.0, 10.0)):
        y, width, depth = spine_at(z, profile)
        solids.append(Solid("sacrum", (0, y + 6, z), (width + 12, depth + 4, 11), marrow, 4, **bone))
        for side in (-1, 1):
            if n < 4:
                hole = (side * (0.55 * width + 4), y + 4, z)
                solids.append(Solid("foramen", hole, (4.5, 5.0, 6.0), -20, grain_hu=8))
    return solids


def long_bones(build: Build, profile: Profile) -> Capsules:
    """Ribs, breastbone, shoulders, pelvis and thighs, both sides."""
    right = [*_ribs(profile), *_shoulder(build, profile), *_pelvis(profile), *_thigh()]
    middle = [
        tube([(x, 2 - profile.cavity_at(z).front, z) for z in (508, 480, 440, 400, 362)], [5.5, 5.5, 5.5, 5.5, 4])
        for x in (-12.0, -4.0, 4.0, 12.0)
    ]
    jaw = [tube([(-46, 20, 668), (-44, -20, 652), (-28, -58, 640), (0, -70, 637), (28, -58, 640), (44, -20, 652),
                 (46, 20, 668)], [6, 7, 7, 7, 7, 7, 6])]  # fmt: skip
    hyoid = [tube([(-18, -8, 612), (-12, -26, 610), (0, -31, 609), (12, -26, 610), (18, -8, 612)], [2.0] * 5)]
    return join([*right, *(_mirror(part) for part in right), *middle, *jaw, *hyoid])


def cartilages(profile: Profile) -> Capsules:
    """Cartilages from the ribs' front ends to the breastbone."""
    parts = []
    for n in range(1, 10):
        z_end = max(500 - 20 * n, 358)
        start = _rib_points(profile, n)[-1]
        stop = np.array([16.0, -profile.cavity_at(z_end).front, z_end])
        parts.append(tube([start, 0.5 * (start + stop) + (0, -3, -4), stop], [6.0, 5.5, 5.5]))
    return join([*parts, *(_mirror(part) for part in parts)])


def _mirror(part: Capsules) -> Capsules:
    """The other side's."""
    return Capsules(part.start * MIRROR, part.end * MIRROR, part.start_radius, part.end_radius)


def _rib_points(profile: Profile, n: int) -> Array:
    """``(M, 3)`` points along the left rib number ``n + 1``, on the cavity's wall, falling to the front."""
    top = VERTEBRA_TOPS[7 + n] - 6
    turn = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.98, 0.92, 0.82, 0.6, 0.42)[n]
    fall = 34 + 7.5 * min(n, 8)
    points = []
    for share in np.linspace(0, 1, 13):
        angle = np.deg2rad(68 - share * turn * 136)
        z = top - fall * np.sin(share * turn * np.pi / 2) ** 1.3
        wall = profile.cavity_at(max(z, 268.0))
        cos, sin = np.cos(angle), np.sin(angle)
        across = (wall.half_width + 5) * np.sign(cos) * abs(cos) ** 0.8
        back = wall.center_y + (wall.half_depth + 5) * np.sign(sin) * abs(sin) ** 0.8
        taper = 1 + profile.taper(z) * (wall.center_y - back) / wall.half_depth
        points.append((across / taper, back, z))
    y = spine_at(top, profile)[0]
    return np.array([(16.0, y + 16, top + 2), *points])


def _ribs(profile: Profile) -> list[Capsules]:
    """Left ribs."""
    return [tube(_rib_points(profile, n), np.full(14, 5.6 if n else 6.2)) for n in range(RIB_COUNT)]


def _shoulder(build: Build, profile: Profile) -> list[Capsules]:
    """Left collar bone, shoulder blade, and upper arm."""
    wide = profile.muscle_at(525.0).half_width / 178
    up = build.arms != "down"
    joint = np.array([150.0 * wide, 18.0, 558.0 if up else 520.0])
    front = -profile.cavity_at(508.0).front
    collar = tube(
        [(16, front + 2, 510), (60, front - 2, 522), (105, -22, joint[2] - 10), (joint[0] - 8, 4, joint[2] + 4)],
        [7, 6, 5.5, 6],
    )
    high, low = (profile.muscle_at(z).back for z in (528.0, 402.0))
    corner = (
        np.array([80.0, high - 9, 528.0]),
        np.array([92.0 if not up else 112.0, low - (17 if not up else 26), 402.0]),
    )
    rays = []
    for share in np.linspace(0, 1, 13):
        inner = corner[0] + share * (corner[1] - corner[0])
        outer = joint + share * np.array([-12.0, 40.0, -105.0]) + (-12, 12, -4)
        rays.append(tube([inner, 0.5 * (inner + outer) + (4, 8, 0), outer], [4.2, 3.0, 5.0]))
    spine = tube(
        [(86, high - 7, 512), (118, high - 14, joint[2] - 14), (joint[0] + 4, 40, joint[2] + 6)], [4.5, 5, 6.5]
    )
    return [collar, *rays, spine]


def arm_path(build: Build, profile: Profile) -> Array:
    """``(M, 3)`` middle line of the left arm; empty if it is outside the field of view."""
    wide = profile.muscle_at(525.0).half_width / 178
    if build.arms == "none":
        return np.empty((0, 3))
    if build.arms == "up":
        return np.array([(150, 14, 550), (166, 10, 598), (176, 2, 650), (170, -8, 720)]) * (wide, 1, 1)
    side = profile.skin_at(200.0).half_width
    return np.array(
        [(152 * wide, 12, 528), (186 * wide + 8, 20, 460), (max(205 * wide, side + 34), 30, 360),
         (max(205 * wide, side + 42), 30, 240), (side + 48, 8, 160), (side + 52, -20, 60), (side + 52, -24, -20)]
    )  # fmt: skip


def _pelvis(profile: Profile) -> list[Capsules]:
    """Left hip bone: wing, socket, pubis and seat bone."""
    wide = profile.muscle_at(60.0).half_width / 161
    crest = np.array([(44, 88, 108), (62, 84, 135), (92, 62, 153), (120, 26, 160), (134, -8, 153), (138, -34, 140),
                      (130, -52, 108)]) * (wide, 1, 1)  # fmt: skip
    base = np.array(
        [(48, 80, 62), (62, 62, 52), (76, 40, 50), (90, 20, 54), (100, 4, 56), (104, -14, 52), (104, -28, 50)]
    )
    fans = []
    for share in np.linspace(0, 6, 31):
        low, high = (np.array([np.interp(share, range(7), line[:, n]) for n in range(3)]) for line in (base, crest))
        bulge = 0.5 * (low + high) + (6 if share > 2 else 0, 3, 0)
        fans.append(tube([low, bulge, high], [7.5, 3.6, 5.6]))
    seat = tube([(98, 36, 40), (92, 42, 10), (74, 40, -28), (62, 26, -46), (40, -8, -34), (14, -46, -14)],
                [11, 11, 13, 11, 7, 6])  # fmt: skip
    pubis = tube([(84, -28, 38), (56, -48, 18), (26, -60, 8), (8, -60, 0)], [10, 7.5, 8, 9])
    seam = tube([(8, -60, 12), (8, -58, -18)], [8, 7])
    socket = [
        tube([(66, 4, 60), (60, 6, 30), (68, 10, 0)], [8, 7, 8]),
        tube([(78, 32, 52), (80, 36, 22), (84, 36, -4)], [9, 9, 8]),
        tube([(78, -24, 48), (78, -27, 22), (84, -24, 0)], [8, 6, 6]),
        tube([(72, 6, 62), (92, 8, 62), (108, 6, 56)], [9, 11, 9]),
    ]
    return [*fans, seat, pubis, seam, *socket]


def _thigh() -> list[Capsules]:
    """Left thigh bone."""
    head = tube([(91, 5, 25), (93, 5, 22)], [23, 23])
    neck = tube([(92, 5, 22), (112, 8, 8), (130, 12, 0)], [15, 13, 16])
    shaft = tube([(134, 14, 14), (130, 12, -25), (122, 6, -70), (114, 0, -170)], [11, 17, 14, 13.5])
    return [head, neck, shaft]
