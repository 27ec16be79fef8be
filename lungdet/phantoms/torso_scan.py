"""Scan a synthetic trunk: a volume with table, noise, and a field of view that may cut it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lungdet.records import CTVolume, SeriesInfo

from .scanner import Dose, Kernel, Scanner, noise_gain, outside_field
from .torso import Torso, draw_torso
from .torso_profile import Array

SCAN_STREAM = 602
HU_RANGE = (-1024, 3071)
BLOCK_SLICES = 16
STREAK_SHIFT_MM = 430.0  # the scanner's shoulders begin 85 mm above the middle of the chest
BLANKETS, MATTRESSES = 0.35, 0.4  # how often


class Paintable(Protocol):
    """What can be painted into slices: a lesion in one of its states."""

    def paint(self, hu: NDArray[np.float32], z_mm: Array, x_mm: Array, y_mm: Array) -> None:
        """Paint into ``hu``, ``(N, Y, X)``, in place; heights and pixel centres in LPS mm."""


@dataclass(frozen=True)
class TorsoPhantom:
    """A synthetic CT of a trunk and the truth about it.

    Attributes:
        volume: HU, int16, with its affine; slices rise to the head.
        torso: the patient.
        coordinates: ``(Z,)`` body coordinate u of each slice, falling with the slice's index.
    """

    volume: CTVolume
    torso: Torso
    coordinates: Array


def make_torso(
    seed: int,
    *,
    spacing_mm: tuple[float, float, float] = (3.0, 3.0, 5.0),
    size: int | tuple[int, int] = 128,
    z_range_mm: tuple[float, float] | None = None,
    kernel: Kernel = "soft",
    dose: Dose = "standard",
    table: bool = True,
    padding_hu: int | None = None,
    lesions: Sequence[Paintable] = (),
) -> TorsoPhantom:
    """Make a CT of a trunk from a seed: same arguments, same bytes.

    Args:
        seed: not negative; chooses patient, place on the table and noise.
        spacing_mm: voxel size ``(x, y, z)``.
        size: pixels across and back, or ``(X, Y)``.
        z_range_mm: LPS heights of the lowest and highest slice at most; None for the whole trunk, jaw to thigh.
        kernel: of the reconstruction.
        dose: how much noise; ``"none"`` for none.
        table: paint the patient's table, and for some a blanket.
        padding_hu: HU outside the circular field of view; None leaves what is there.
        lesions: painted before noise, in this order.

    Returns:
        The volume, its patient and the body coordinate of each slice.

    Raises:
        ValueError: negative seed, fewer than 2 pixels, spacing that is not positive, or an empty range.

    Example:
        >>> phantom = make_torso(1, size=32, spacing_mm=(14.0, 14.0, 80.0))
        >>> phantom.volume.array.shape[:2], bool((np.diff(phantom.coordinates) < 0).all())
        ((32, 32), True)
    """
    shape = (size, size) if isinstance(size, int) else size
    if min(shape) < 2 or min(spacing_mm) <= 0:
        raise ValueError(f"wanted size >= 2 and spacing_mm > 0, got {size=}, {spacing_mm=}")
    torso = draw_torso(seed)
    low, high = torso.z_range_mm if z_range_mm is None else z_range_mm
    if high < low:
        raise ValueError(f"z_range_mm must be (lowest, highest), got {z_range_mm}")
    rng = np.random.default_rng([seed, SCAN_STREAM])
    z = low + np.arange(int((high - low) / spacing_mm[2] + 1e-6) + 1) * spacing_mm[2]
    x, y = _field(rng, torso, shape, spacing_mm, float(z.mean()))
    hu = _scan(rng, torso, (z, x, y), spacing_mm, (kernel, dose), table, lesions)
    if padding_hu is not None:
        hu[:, outside_field(x, y)] = padding_hu
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = x[0], y[0], z[0]
    info = SeriesInfo(
        source=f"torso-{seed}", description=f"Torso {kernel} {dose}", kernel=kernel, thickness_mm=float(spacing_mm[2])
    )
    return TorsoPhantom(CTVolume(hu.T, affine, info), torso, torso.coordinate(z))


def _field(
    rng: np.random.Generator, torso: Torso, shape: tuple[int, int], spacing_mm: tuple[float, ...], z_mm: float
) -> tuple[Array, Array]:
    """Pixel centres along x and y, about the patient and a little off."""
    x0, y0, x1, y1 = torso.body_box(z_mm)
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + rng.normal(0, (10.0, 14.0))
    x, y = (at + (np.arange(n) - (n - 1) / 2) * step for at, n, step in zip(middle, shape, spacing_mm[:2], strict=True))
    return x, y


def _scan(
    rng: np.random.Generator,
    torso: Torso,
    axes: tuple[Array, Array, Array],
    spacing_mm: tuple[float, float, float],
    look: tuple[Kernel, Dose],
    table: bool,
    lesions: Sequence[Paintable],
) -> NDArray[np.int16]:
    """Paint and measure block by block, ``(Z, Y, X)`` HU."""
    z, x, y = axes
    center = torso.center_mm(float(z.mean()))
    scanner = Scanner(rng, spacing_mm[:2], noise_gain(x - center[0], y - center[1]), *look, spacing_mm[2])
    furniture = Furniture(rng, torso, z, x, y)
    out = np.empty((len(z), len(y), len(x)), dtype=np.int16)
    for first in range(0, len(z), BLOCK_SLICES):
        part = slice(first, first + BLOCK_SLICES)
        hu = torso.paint(z[part], x, y)
        if table:
            furniture.paint(hu, z[part])
        for lesion in lesions:
            lesion.paint(hu, z[part], x, y)
        measured = scanner.measure(hu, torso.frame.to_standard(z[part]) - STREAK_SHIFT_MM)
        out[part] = np.rint(np.clip(measured, *HU_RANGE))
    return out


class Furniture:
    """The table under a patient, and for some a mattress or a blanket.

    Args:
        rng: source.
        torso: who lies on it.
        z, x, y: heights and pixel centres, LPS mm.
    """

    def __init__(self, rng: np.random.Generator, torso: Torso, z: Array, x: Array, y: Array) -> None:
        backs = [torso.body_box(float(height))[3] for height in z[:: max(1, len(z) // 24)]]
        gap = float(rng.choice((rng.uniform(1, 12), rng.uniform(20, 55))))
        off = np.abs(x - torso.frame.origin_mm[0])
        bow = np.minimum(float(rng.choice((0.0, rng.uniform(4e-4, 15e-4)))) * off**2, 60.0)
        pixel, thick, wide = float(y[1] - y[0]), float(rng.uniform(25, 60)), float(rng.uniform(190, 250))
        top = max(backs) + gap
        upper = y[:, None] - (top - bow + bow.min())[None, :]
        under = thick - np.clip(off - float(rng.uniform(90, 180)), 0, None) * float(rng.uniform(0.0, 0.6))
        lower = y[:, None] - (top + np.maximum(under, 4.0 - bow))[None, :]
        within = np.clip((wide - off) / pixel, 0, 1)[None, :]
        shell = 2.5 + pixel / 2
        lines = np.maximum(_band(upper, 0.0, shell, pixel), _band(lower, -shell, 0.0, pixel)) * within
        foam = np.clip(upper / pixel + 0.5, 0, 1) * np.clip(0.5 - lower / pixel, 0, 1) * within
        self.hu = (-1000 + foam * float(rng.uniform(5, 80)) + lines * float(rng.uniform(500, 1250))).astype(np.float32)

        self.torso, self.x, self.y, self.pixel = torso, x, y, pixel
        self.blanket_hu = float(rng.uniform(-850, -500)) if rng.random() < BLANKETS else -1000.0
        self.loose = float(rng.uniform(1.06, 1.16))
        if rng.random() < MATTRESSES:
            soft = np.clip((y[:, None] - max(backs)) / pixel + 0.5, 0, 1) * np.clip(0.5 - upper / pixel, 0, 1) * within
            np.maximum(self.hu, -1000 + soft * float(rng.uniform(15, 150)), out=self.hu, casting="same_kind")

    def paint(self, hu: NDArray[np.float32], z: Array) -> None:
        """Paint into ``(N, Y, X)`` HU at LPS heights ``z``, in place; the patient stays in front."""
        for image, height in zip(hu, z, strict=True):
            behind = self.hu if self.blanket_hu <= -1000 else np.maximum(self.hu, self._blanket(float(height)))
            np.maximum(image, behind, out=image, where=image < -700)

    def _blanket(self, z: float) -> NDArray[np.float32]:
        """A thin sheet over the patient at a height, ``(Y, X)`` HU."""
        x0, y0, x1, y1 = self.torso.body_box(z)
        middle, half = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)
        level = np.hypot((self.x[None, :] - middle[0]) / half[0], (self.y[:, None] - middle[1]) / half[1])
        off = (level - self.loose) * float(np.sqrt(half[0] * half[1]))
        sheet = _band(off, 0.0, 1.5, self.pixel) * (self.y[:, None] < middle[1])
        return (-1000 + sheet * (self.blanket_hu + 1000)).astype(np.float32)


def _band(depth: Array, low: float, high: float, pixel: float) -> Array:
    """Soft share of pixels between two depths."""
    share: Array = np.clip((depth - low) / pixel + 0.5, 0, 1) * np.clip((high - depth) / pixel + 0.5, 0, 1)
    return share
