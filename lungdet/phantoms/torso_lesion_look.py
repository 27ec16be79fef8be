"""What lesions of the eight types look like: density, grain, margin, core and shape, as data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Span = tuple[float, float]
NONE: Span = (0.0, 0.0)


@dataclass(frozen=True)
class LesionLook:
    """One way in which a lesion of a type may look; each pair is the range of a uniform draw.

    Attributes:
        name: in words.
        weight: how often, against the other looks of the type.
        hu: density; what it adds to the tissue around it where ``relative``.
        relative: whether ``hu`` counts from the tissue around it.
        grain_hu: height of its texture.
        edge_mm: width of its margin.
        lumps: how many bulges.
        lump: height of a bulge as a part of the radius.
        stretch: spread of the logarithm of the half axes.
        core: size of the inner part as a part of the radius; 0 for none.
        core_hu: density of the inner part.
        rim_hu: what a ring under the surface adds.
        keeps_brighter: brighter structures show through, as vessels do in ground glass.
    """

    name: str
    weight: float
    hu: Span
    relative: bool = False
    grain_hu: Span = (3.0, 12.0)
    edge_mm: Span = (0.8, 2.0)
    lumps: tuple[int, int] = (2, 6)
    lump: Span = (0.05, 0.25)
    stretch: float = 0.16
    core: Span = NONE
    core_hu: Span = NONE
    rim_hu: Span = NONE
    keeps_brighter: bool = False


@dataclass(frozen=True)
class LesionSize:
    """Log-normal sizes of a type.

    Attributes:
        median_mm: of the long axis.
        spread: standard deviation of its logarithm.
    """

    median_mm: float
    spread: float = 0.5


# Medians and spreads of the long axis as the 2,555 rows at hand of DL_info.csv have them.
SIZES: dict[int, LesionSize] = {
    1: LesionSize(20.0, 0.45), 2: LesionSize(21.6, 0.55), 3: LesionSize(18.0, 0.5), 4: LesionSize(23.0, 0.6),
    5: LesionSize(12.5, 0.6), 6: LesionSize(20.0, 0.5), 7: LesionSize(21.5, 0.45), 8: LesionSize(24.5, 0.55),
}  # fmt: skip

LOOKS: dict[int, tuple[LesionLook, ...]] = {
    1: (
        LesionLook("lytic", 0.5, (25, 75), edge_mm=(0.8, 1.8), grain_hu=(5, 20), rim_hu=(0, 60)),
        LesionLook("sclerotic", 0.35, (650, 1100), edge_mm=(1.5, 3.5), grain_hu=(40, 140), lumps=(3, 8)),
        LesionLook("mixed", 0.15, (60, 160), edge_mm=(1, 2.5), grain_hu=(60, 160), core=(0.3, 0.5), core_hu=(500, 800)),
    ),
    2: (
        LesionLook("node", 0.55, (35, 95), stretch=0.26, lumps=(0, 3)),
        LesionLook("mass", 0.3, (40, 85), lumps=(4, 9), grain_hu=(8, 22), core=(0.3, 0.6), core_hu=(15, 35)),
        LesionLook("collection", 0.15, (0, 20), edge_mm=(0.8, 1.4), grain_hu=(1, 4), rim_hu=(20, 60)),
    ),
    3: (
        LesionLook("node", 0.7, (30, 85), stretch=0.24, lumps=(0, 3)),
        LesionLook("necrotic node", 0.2, (50, 95), core=(0.5, 0.75), core_hu=(10, 30)),
        LesionLook("calcified node", 0.1, (50, 90), core=(0.3, 0.55), core_hu=(250, 700)),
    ),
    4: (
        LesionLook("metastasis", 0.55, (-65, -30), relative=True, edge_mm=(2.0, 5.0), grain_hu=(4, 14), rim_hu=(0, 30)),
        LesionLook("cyst", 0.25, (-2, 15), edge_mm=(0.7, 1.2), grain_hu=(0, 3), lumps=(0, 2), stretch=0.1),
        LesionLook("bright", 0.2, (35, 80), relative=True, edge_mm=(1.0, 2.5), core=(0.2, 0.45), core_hu=(60, 90)),
    ),
    5: (
        LesionLook("solid", 0.6, (-20, 70), lumps=(3, 9), lump=(0.06, 0.3), edge_mm=(0.7, 1.5)),
        LesionLook("ground glass", 0.15, (-660, -480), edge_mm=(2.0, 4.0), grain_hu=(20, 60), keeps_brighter=True),
        LesionLook(
            "part solid", 0.15, (-600, -420), edge_mm=(1.5, 3.0), grain_hu=(20, 50),
            core=(0.4, 0.65), core_hu=(-20, 50), keeps_brighter=True,
        ),
        LesionLook("cavity", 0.1, (0, 60), lumps=(3, 7), core=(0.45, 0.7), core_hu=(-950, -800)),
    ),
    6: (
        LesionLook("cyst", 0.55, (-2, 18), edge_mm=(0.7, 1.2), grain_hu=(0, 3), lumps=(0, 2), stretch=0.08),
        LesionLook("mass", 0.35, (60, 120), lumps=(2, 6), grain_hu=(12, 30), core=(0.25, 0.55), core_hu=(20, 45)),
        LesionLook("fatty mass", 0.1, (-70, -20), grain_hu=(20, 45), edge_mm=(0.8, 1.6)),
    ),
    7: (
        LesionLook("nodule", 0.75, (25, 80), lumps=(2, 7), grain_hu=(4, 14), stretch=0.22),
        LesionLook("necrotic mass", 0.25, (45, 90), lumps=(3, 7), core=(0.4, 0.65), core_hu=(10, 30), rim_hu=(0, 30)),
    ),
    8: (
        LesionLook("node", 0.5, (35, 95), stretch=0.26, lumps=(0, 3)),
        LesionLook("cystic", 0.25, (0, 20), edge_mm=(0.7, 1.3), grain_hu=(0, 4), rim_hu=(20, 60), lumps=(0, 4)),
        LesionLook("mass", 0.25, (40, 95), lumps=(4, 9), grain_hu=(8, 22), core=(0.3, 0.55), core_hu=(10, 35)),
    ),
}  # fmt: skip


def draw_look(rng: np.random.Generator, lesion_type: int) -> LesionLook:
    """Draw one of the looks of a type, a key of :data:`LOOKS`, by weight."""
    looks = LOOKS[lesion_type]
    weights = np.array([look.weight for look in looks])
    return looks[int(rng.choice(len(looks), p=weights / weights.sum()))]


def draw_within(rng: np.random.Generator, span: Span) -> float:
    """Draw a number within a range, both ends of which may be equal."""
    return float(rng.uniform(*span))
