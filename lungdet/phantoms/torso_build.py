"""What kind of patient a trunk belongs to: sex, size, fat, arms, contrast phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Arms = Literal["up", "down", "none"]
Phase = Literal["none", "arterial", "venous", "pulmonary"]

# HU of artery, vein, pulmonary artery, liver, spleen, kidney cortex, kidney core, bowel wall, heart muscle
PHASES: dict[Phase, tuple[float, ...]] = {
    "none": (42, 40, 42, 58, 48, 33, 30, 36, 42),
    "arterial": (310, 110, 200, 68, 115, 180, 60, 75, 105),
    "venous": (155, 150, 145, 108, 118, 175, 150, 70, 100),
    "pulmonary": (190, 90, 360, 60, 70, 110, 45, 50, 85),
}
BLOOD = ("artery", "vein", "pulmonary", "liver", "spleen", "cortex", "core", "bowel", "myocardium")


@dataclass(frozen=True)
class Build:
    """One patient's choices.

    Attributes:
        female: sex.
        size: of the skeleton, 1 for the standard body.
        fat: 0 lean to 1 obese.
        belly: how far fat inside pushes the front of the abdomen out, 1 for none.
        chest: width and depth of the rib cage, 1 for the standard body.
        arms: above the head, at the sides, or outside the field of view.
        phase: of the contrast medium.
        tissue_hu: HU by name: muscle, fat, lung, and those of :data:`BLOOD`.
        oral: contrast medium or water in stomach and bowel.
        bone: density, 1 for the standard body.
    """

    female: bool
    size: float
    fat: float
    belly: float
    chest: tuple[float, float]
    arms: Arms
    phase: Phase
    tissue_hu: dict[str, float]
    oral: bool
    bone: float


def draw_build(rng: np.random.Generator) -> Build:
    """Draw one patient's choices."""
    female = bool(rng.random() < 0.45)
    fat = float(rng.beta(1.7, 2.6))
    phases: tuple[Phase, ...] = ("none", "arterial", "venous", "pulmonary")
    places: tuple[Arms, ...] = ("up", "down", "none")
    phase = phases[int(rng.choice(4, p=(0.3, 0.15, 0.45, 0.1)))]
    arms = places[int(rng.choice(3, p=(0.72, 0.16, 0.12)))]
    return Build(
        female=female,
        size=float(np.clip(rng.normal(0.95 if female else 1.02, 0.04), 0.84, 1.14)),
        fat=fat,
        belly=1 + float(np.clip(0.45 * fat + rng.normal(0, 0.06), 0, 0.5)) * (0.8 if female else 1.0),
        chest=(float(rng.normal(1.0, 0.03)), float(np.clip(rng.normal(1.06, 0.09), 0.85, 1.3))),
        arms=arms,
        phase=phase,
        tissue_hu=_draw_tissues(rng, phase, fat),
        oral=bool(rng.random() < 0.25),
        bone=float(np.clip(rng.normal(1.0, 0.18), 0.5, 1.4)),
    )


def _draw_tissues(rng: np.random.Generator, phase: Phase, fat: float) -> dict[str, float]:
    """HU by name, each a little different from patient to patient."""
    rested = PHASES["none"]
    strength = float(np.clip(rng.normal(1.0, 0.15), 0.6, 1.4))
    tissue = {
        name: base + strength * (value - base) + float(rng.normal(0, 4))
        for name, value, base in zip(BLOOD, PHASES[phase], rested, strict=True)
    }
    tissue["liver"] -= float(rng.exponential(8)) * (1 + 2 * fat)  # fatty livers are darker
    tissue["muscle"] = float(rng.normal(52, 6)) + (8 if phase == "venous" else 0)
    tissue["fat"] = float(rng.normal(-104, 5))
    tissue["lung"] = float(np.clip(rng.normal(-855, 30), -920, -760))
    return tissue
