"""A synthetic chest CT whose nodules are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..records import CTVolume, SeriesInfo
from .nodule import PhantomNodule

Kernel = Literal["soft", "standard", "lung"]
Dose = Literal["none", "standard", "low", "ultra_low"]


@dataclass(frozen=True)
class ChestPhantom:
    """A synthetic CT and the truth about it.

    Attributes:
        volume: HU, int16, with its affine.
        nodules: every nodule in the volume, each one visible.
    """

    volume: CTVolume
    nodules: tuple[PhantomNodule, ...]


def make_chest(
    seed: int,
    *,
    spacing_mm: tuple[float, float, float] = (1.4, 1.4, 1.4),
    shape: tuple[int, int, int] = (256, 256, 200),
    nodules: int | None = None,
    kernel: Kernel = "standard",
    dose: Dose = "standard",
    thickness_mm: float | None = None,
    padding_hu: int | None = None,
) -> ChestPhantom:
    """Make a chest CT from a seed."""
    rng = np.random.default_rng(seed)
    origin = np.array([-8.3, -142.7, -1180.0])
    x, y, z = ((np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing_mm, strict=True))
    zz, yy, xx = z[:, None, None], y[None, :, None], x[None, None, :]
    hu = np.where((xx / 160) ** 2 + (yy / 110) ** 2 < 1, 40, -1000).astype(np.float32) + 0 * zz
    for side in (-1, 1):
        hu[((xx - 70 * side) / 55) ** 2 + (yy / 85) ** 2 + (zz / 110) ** 2 < 1] = -850
    truth = []
    for index in range(3 if nodules is None else nodules):
        side = 1 if index % 2 else -1
        c = np.array([70 * side, rng.uniform(-50, 50), rng.uniform(-60, 60)])
        r = float(np.clip(rng.lognormal(np.log(4.5), 0.35), 2.5, 12))
        hu[(xx - c[0]) ** 2 + (yy - c[1]) ** 2 + (zz - c[2]) ** 2 < r * r] = 40
        w = c + origin
        truth.append(PhantomNodule(tuple(w), (*(w - r), *(w + r)), 2 * r, "solid", "isolated", 890.0, 1.0))
    hu += rng.standard_normal(hu.shape, dtype=np.float32) * 20
    if padding_hu is not None:
        hu = np.where(np.hypot(xx, yy) > x[-1], padding_hu, hu)
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = origin + [x[0], y[0], z[0]]
    info = SeriesInfo(
        f"phantom-{seed}", description="Synthetic chest", kernel=kernel, thickness_mm=thickness_mm or spacing_mm[2]
    )
    return ChestPhantom(CTVolume(np.rint(hu).astype(np.int16).T, affine, info), tuple(truth))
