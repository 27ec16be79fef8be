"""Organs of a trunk as a table of solids in standard mm, drawn anew for each patient."""

from __future__ import annotations

from typing import Any

import numpy as np

from .torso_build import Build
from .torso_profile import Array, Profile
from .torso_solids import Solid


class OrganTable:
    """Collects solids, each strayed and stretched as this patient's cavity is.

    Args:
        rng: source.
        profile: of the patient.
    """

    def __init__(self, rng: np.random.Generator, profile: Profile) -> None:
        self.rng, self.profile, self.solids = rng, profile, list[Solid]()

    def add(
        self,
        name: str,
        center: tuple[float, ...],
        radii: tuple[float, ...],
        hu: float,
        stray_mm: float = 3.0,
        swell: float = 0.06,
        **look: Any,
    ) -> Solid:
        """Add one solid and return it as drawn."""
        x, y, z = (float(v) for v in self.profile.stretched(np.array(center) + self.rng.normal(0, stray_mm, 3)))
        size = np.exp(self.rng.normal(0, swell))
        drawn = tuple(float(r * size * np.exp(self.rng.normal(0, 0.4 * swell))) for r in radii)
        phase = float(self.rng.uniform(0, 6.28))
        solid = Solid(name, (x, y, z), (drawn[0], drawn[1], drawn[2]), hu, phase=phase, **look)
        self.solids.append(solid)
        return solid


def draw_organs(rng: np.random.Generator, build: Build, profile: Profile) -> tuple[list[Solid], list[Solid]]:
    """Draw a patient's organs.

    Returns:
        Those painted before the lungs (abdomen and pelvis), and those painted after them (mediastinum and neck).
    """
    below, above = OrganTable(rng, profile), OrganTable(rng, profile)
    _upper_abdomen(below, build)
    _bowel(below, build, rng)
    _pelvis(below, build)
    _mediastinum(above, build)
    _neck(above, build)
    return below.solids, above.solids


def _upper_abdomen(table: OrganTable, build: Build) -> None:
    """Liver, gall bladder, spleen, stomach, pancreas, kidneys, adrenals."""
    hu = build.tissue_hu
    inside: dict[str, Any] = {"inside": True}
    fluid = 260.0 if build.oral else 15.0
    cortex: dict[str, Any] = {"rim_mm": 7.0, "rim_hu": hu["cortex"], "grain_hu": 5.0, "wobble_mm": 1.5}
    table.add("spleen", (90, 36, 304), (28, 44, 46), hu["spleen"], 4, 0.14, angle_deg=24, wobble_mm=2, **inside)
    table.add("liver", (-60, 0, 318), (84, 98, 74), hu["liver"], 3, 0.05, power=4, angle_deg=12, wobble_mm=3, **inside)
    table.add("liver", (6, -48, 326), (62, 30, 38), hu["liver"], 4, 0.08, angle_deg=-8, wobble_mm=3, **inside)
    table.add("liver", (-78, 10, 250), (36, 48, 42), hu["liver"], 4, 0.1, wobble_mm=3, **inside)
    table.add("fissure", (-22, -50, 292), (16, 28, 26), -60, 3, 0.2, wobble_mm=3)
    table.add("hilum", (-34, -14, 278), (20, 20, 16), -50, 2, 0.1, wobble_mm=3)
    table.add("gallbladder", (-50, -46, 266), (15, 20, 24), 10, 4, 0.15, grain_hu=2, rim_mm=1.5, rim_hu=45)
    table.add("stomach", (54, -32, 318), (42, 44, 42), fluid, 4, 0.12, wobble_mm=4, rim_mm=4, rim_hu=hu["bowel"],
              gas=float(table.rng.uniform(-0.7, 0.1)), **inside)  # fmt: skip
    table.add("stomach", (26, -56, 272), (46, 22, 24), fluid, 4, 0.12, wobble_mm=3, rim_mm=4, rim_hu=hu["bowel"],
              gas=float(table.rng.uniform(-0.9, 0.3)), angle_deg=-15, **inside)  # fmt: skip
    for center, radii, turn in (((-22, -22, 252), (18, 14, 20), 0), ((10, -20, 264), (24, 9, 13), 12),
                                ((48, 0, 278), (30, 9, 11), 32)):  # fmt: skip
        table.add("pancreas", center, radii, hu["core"] * 0.5 + 30, 3, angle_deg=turn, wobble_mm=3, grain_hu=14)
    table.add("duodenum", (-44, -8, 246), (13, 13, 30), fluid, 3, rim_mm=3, rim_hu=hu["bowel"], gas=-0.5)
    for side in (-1, 1):
        middle = (side * 60.0, 32.0, 242.0 + 4 * side)
        lean = (-side * 0.16, 0.12)
        tilt = float(side * 32 + table.rng.normal(0, 8))
        kidney = table.add("kidney", middle, (25, 31, 54), hu["core"], 3, 0.07, angle_deg=tilt, lean=lean, **cortex)
        x, y, z = kidney.center
        table.add("sinus", (x - side * 9, y - 4, z), (11, 13, 26), -60, 1, 0.1, angle_deg=tilt, lean=lean, grain_hu=30,
                  wobble_mm=3)  # fmt: skip
        table.add("adrenal", (side * 34.0, 26.0, 296.0), (4, 14, 12), 40, 2, angle_deg=side * 25)


def _bowel(table: OrganTable, build: Build, rng: np.random.Generator) -> None:
    """Colon as a chain of pouches along its course, and loops of small bowel in the middle."""
    wall = build.tissue_hu["bowel"]
    course = np.array([(-90, 8, 130), (-92, 16, 165), (-92, 18, 205), (-84, -6, 234), (-60, -58, 222), (-20, -66, 208),
                       (25, -66, 212), (66, -54, 240), (92, 4, 284), (96, 28, 250), (98, 30, 205), (96, 24, 160),
                       (84, 0, 120), (56, -10, 98), (22, 10, 88), (8, 40, 78), (0, 54, 58)], dtype=float)  # fmt: skip
    at = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(course, axis=0), axis=1))])
    for spot in np.arange(0, at[-1], 17.0):
        center = tuple(float(np.interp(spot, at, course[:, n])) for n in range(3))
        radius = float(rng.uniform(14, 22)) * (1.15 if spot < 120 else (0.8 if spot > 560 else 1.0))
        gas = float(rng.choice((-1.0, rng.uniform(-0.6, 0.9)), p=(0.4, 0.6)))
        stool: dict[str, Any] = {"gas": gas, "rim_mm": 2.5, "rim_hu": wall, "grain_hu": 28.0, "wobble_mm": 2.5}
        table.add(
            "colon", center, (radius, radius, radius * 1.15), 30 + 180 * build.oral * rng.random(), 2, 0.1, **stool
        )
    for _ in range(int(rng.integers(60, 86))):
        low = float(rng.uniform(62, 245))
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
        wide = 74 if low > 110 else 42
        center = (reach * wide * np.cos(angle), -26 + reach * 34 * np.sin(angle) + (0.1 * (low - 150)) * -0.6, low)
        radii = (float(rng.uniform(11, 22)), float(rng.uniform(10, 15)), float(rng.uniform(12, 20)))
        inner = 220.0 * rng.random() if build.oral else float(rng.uniform(8, 40))
        gas = float(rng.uniform(-0.5, 0.4)) if rng.random() < 0.18 else -1.0
        look: dict[str, Any] = {
            "gas": gas,
            "rim_mm": 2.5,
            "rim_hu": wall,
            "wobble_mm": 3.0,
            "angle_deg": float(rng.uniform(0, 180)),
        }
        table.add("bowel", center, radii, inner, 0, 0.05, inside=True, **look)


def _pelvis(table: OrganTable, build: Build) -> None:
    """Bladder, womb or prostate, rectum."""
    full = float(table.rng.uniform(0.65, 1.15))
    urine = float(table.rng.normal(6, 3))
    size = (46 * full, 34 * full, 34 * full)
    table.add("bladder", (0, -24, 22 + 26 * full), size, urine, 3, grain_hu=2, rim_mm=3, rim_hu=35, wobble_mm=2)
    if build.female:
        table.add(
            "uterus", (0, 18, 58), (26, 18, 26), build.tissue_hu["bowel"] + 10, 5, 0.15, wobble_mm=2, angle_deg=10
        )
        for side in (-1, 1):
            table.add("ovary", (side * 42.0, 12.0, 66.0), (13, 11, 13), 30, 4, 0.15)
    else:
        table.add("prostate", (0, 0, 8), (23, 18, 18), build.tissue_hu["muscle"] + 5, 2, 0.12)
        table.add("prostate", (0, 16, 32), (28, 7, 9), 30, 2, 0.1)
    gas = float(table.rng.uniform(-0.8, 0.3))
    for z, y in ((60, 50), (40, 52), (20, 50), (-2, 44)):
        look: dict[str, Any] = {"gas": gas, "rim_mm": 4.0, "rim_hu": 45.0, "grain_hu": 25.0}
        table.add("rectum", (0, y, z), (17, 15, 18), 20, 2, 0.1, **look)
    for side in (-1, 1):
        table.add("levator", (side * 52.0, 18.0, 18.0), (7, 44, 36), build.tissue_hu["muscle"], 1, angle_deg=-side * 10)


def _mediastinum(table: OrganTable, build: Build) -> None:
    """Fat, heart with its chambers."""
    hu = build.tissue_hu
    fat: dict[str, Any] = {"grain_hu": 10.0, "wobble_mm": 3.0, "inside": True}
    table.add("mediastinum", (0, 4, 460), (23, 76, 118), hu["fat"] + 12, 2, 0.05, power=4, **fat)
    table.add("mediastinum", (4, -8, 442), (46, 42, 52), hu["fat"] + 10, 2, 0.05, power=4, **fat)
    table.add("mediastinum", (18, -24, 400), (66, 60, 52), hu["fat"] + 5, 2, 0.04, angle_deg=-30, **fat)
    size = float(np.exp(table.rng.normal(0, 0.07)))
    shift = table.rng.normal(0, 2.5, 3)

    def chamber(name: str, center: tuple[float, ...], radii: tuple[float, ...], value: float, turn: float) -> None:
        place: Array = np.array(center) + shift
        spread = tuple(float(r) * size for r in radii)
        table.add(name, tuple(place), spread, value, 1, 0.02, angle_deg=turn, grain_hu=3, wobble_mm=2)

    chamber("heart", (20, -26, 396), (58, 46, 46), hu["myocardium"], -32)
    chamber("left ventricle", (42, -22, 390), (33, 19, 32), hu["artery"], 38)
    chamber("right ventricle", (12, -50, 394), (34, 14, 32), hu["pulmonary"], 28)
    chamber("right atrium", (-24, -22, 402), (20, 24, 30), 0.5 * (hu["pulmonary"] + hu["vein"]), 20)
    chamber("left atrium", (8, 8, 416), (34, 18, 21), hu["artery"], 0)


def _neck(table: OrganTable, build: Build) -> None:
    """Fat between the neck's tubes, thyroid, larynx, glands under the jaw."""
    hu = build.tissue_hu
    table.add("neck fat", (0, -10, 610), (44, 26, 62), hu["fat"] + 20, 1, 0.04, power=4, grain_hu=12, wobble_mm=3)
    for side in (-1, 1):
        table.add("thyroid", (side * 17.0, -18.0, 572.0), (9, 13, 22), 95 + 0.35 * hu["vein"], 2, 0.15)
        table.add("gland", (side * 36.0, -32.0, 634.0), (13, 17, 15), 35, 2, 0.12, wobble_mm=2)
    table.add("tongue", (0, -40, 655), (30, 32, 22), 55, 2)
    table.add("larynx", (0, -24, 600), (19, 19, 18), 70, 1, rim_mm=3, rim_hu=150, grain_hu=30)
