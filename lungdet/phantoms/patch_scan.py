"""Scan a painted patch with a protocol drawn anew each time: kernel, dose and slice thickness."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, get_args

import numpy as np

from .scanner import NOISE_GAIN, NOISE_HU, REFERENCE_THICKNESS_MM, Dose, Image, Kernel, Scanner, noise_gain
from .thorax import Array

Name = TypeVar("Name", bound=str)

HU_RANGE = (-1024, 3071)
USUAL_KERNEL: Kernel = "standard"
USUAL_DOSE: Dose = "standard"
USUAL_SHARE = 0.5  # of the protocols; the others share the rest
NOISELESS_SHARE = 0.05
DOSE_SPREAD = 0.25  # of the log of the noise about that of its dose
THICK_MM = (1.5, 5.0)
STEP_FRACTION = (0.6, 1.0)  # of the thickness: thick slices often overlap
PLANE_MARGIN_MM = 5.0  # the widest blur in plane reaches no further


@dataclass(frozen=True)
class Protocol:
    """How a patch is scanned.

    Attributes:
        kernel: reconstruction kernel.
        dose: how much noise.
        noise_factor: noise over that of the dose.
        thickness_mm: over which a slice is the mean; None scans at the voxels of the patch, as thin as they are.
        step_mm: from slice to slice; of no use with thin ones.
        phase: place of the first slice as a part of a step.
    """

    kernel: Kernel = "standard"
    dose: Dose = "standard"
    noise_factor: float = 1.0
    thickness_mm: float | None = None
    step_mm: float = 1.4
    phase: float = 0.0

    @property
    def margin_mm(self) -> float:
        """How far beyond a patch, along z, it must be painted."""
        return 0.0 if self.thickness_mm is None else self.step_mm + self.thickness_mm / 2


def draw_protocol(rng: np.random.Generator, thick_ratio: float = 0.5) -> Protocol:
    """Draw a protocol.

    Args:
        rng: source of chance.
        thick_ratio: part of the protocols with thick slices: :data:`THICK_MM`, log-uniform.
    """
    kernels: tuple[Kernel, ...] = get_args(Kernel)
    kernel = _pick_usual(rng, kernels, USUAL_KERNEL)
    noisy: tuple[Dose, ...] = tuple(dose for dose in get_args(Dose) if NOISE_HU[dose])
    dose: Dose = "none" if rng.random() < NOISELESS_SHARE else _pick_usual(rng, noisy, USUAL_DOSE)
    factor = float(np.exp(rng.uniform(-DOSE_SPREAD, DOSE_SPREAD)))
    if rng.random() >= thick_ratio:
        return Protocol(kernel, dose, factor)
    thickness = float(np.exp(rng.uniform(*np.log(THICK_MM))))
    return Protocol(kernel, dose, factor, thickness, thickness * float(rng.uniform(*STEP_FRACTION)), rng.random())


def scan_patch(
    rng: np.random.Generator, painted: Image, axes: tuple[Array, Array, Array], planes: slice, protocol: Protocol
) -> Image:
    """Scan a patch; thick slices are brought back to its own by linear interpolation, as a whole scan would be.

    Args:
        rng: source of the noise.
        painted: ``(Z, Y, X)`` HU, with :attr:`Protocol.margin_mm` more on both sides along z.
        axes: its voxel centres x, y, z, patient mm.
        planes: which of its slices are the patch.
        protocol: how.

    Returns:
        ``(planes, Y, X)`` HU.
    """
    x, y, z = axes
    if protocol.thickness_mm is None:
        measured = _scanner(rng, x, y, protocol, float(z[1] - z[0])).measure(painted[planes], z[planes])
        return np.rint(np.clip(measured, *HU_RANGE))
    heights = _slice_heights(z[planes], protocol)
    mean = _apply(_slab_weights(heights, z, protocol.thickness_mm), painted)
    measured = _scanner(rng, x, y, protocol, protocol.thickness_mm).measure(mean, heights)
    return _apply(_linear_weights(z[planes], heights), np.rint(np.clip(measured, *HU_RANGE)))


def _slice_heights(z: Array, protocol: Protocol) -> Array:
    """Middles of the thick slices that hold ``z`` between the first and the last of them."""
    first = z[0] - protocol.phase * protocol.step_mm
    count = int(np.ceil((z[-1] - first) / protocol.step_mm)) + 1
    heights: Array = first + np.arange(count) * protocol.step_mm
    return heights


def _slab_weights(heights: Array, z: Array, thickness_mm: float) -> Image:
    """Mean over slabs about ``heights`` of planes that each stand for one step about ``z``: ``(heights, z)``."""
    step = z[1] - z[0]
    high = np.minimum(heights[:, None] + thickness_mm / 2, z + step / 2)
    low = np.maximum(heights[:, None] - thickness_mm / 2, z - step / 2)
    share = np.maximum(high - low, 0)
    return (share / share.sum(axis=1, keepdims=True)).astype(np.float32)


def _linear_weights(z: Array, heights: Array) -> Image:
    """Linear interpolation from evenly spaced ``heights`` to ``z``: ``(z, heights)``."""
    places = (z - heights[0]) / (heights[1] - heights[0])
    return np.maximum(1 - np.abs(places[:, None] - np.arange(len(heights))), 0).astype(np.float32)


def _apply(weights: Image, planes: Image) -> Image:
    mixed: Image = (weights @ planes.reshape(len(planes), -1)).reshape(len(weights), *planes.shape[1:])
    return mixed


def _scanner(rng: np.random.Generator, x: Array, y: Array, protocol: Protocol, thickness_mm: float) -> Scanner:
    """Take a ready scanner with its store of noise, and set what changes from patch to patch."""
    pixel = (round(float(x[1] - x[0]), 6), round(float(y[1] - y[0]), 6))
    scanner = copy(_ready_scanner(protocol.kernel, pixel, (len(y), len(x))))
    scanner.rng, scanner.gain = rng, noise_gain(x, y).astype(np.float32)
    thin = float(np.sqrt(REFERENCE_THICKNESS_MM / thickness_mm))
    scanner.sigma_hu = NOISE_HU[protocol.dose] * NOISE_GAIN[protocol.kernel] * thin * protocol.noise_factor
    return scanner


@lru_cache(maxsize=8)
def _ready_scanner(kernel: Kernel, pixel_mm: tuple[float, float], size: tuple[int, int]) -> Scanner:
    """Make the store of noise once; windows into it are shifted, mirrored and mixed anew for every slice."""
    any_dose: Dose = "standard"
    return Scanner(np.random.default_rng(0), pixel_mm, np.ones(size), kernel, any_dose, REFERENCE_THICKNESS_MM)


def _pick_usual(rng: np.random.Generator, names: tuple[Name, ...], usual: Name) -> Name:
    """Pick the usual one in half of the cases, else any of the others."""
    others = [name for name in names if name != usual]
    return usual if rng.random() < USUAL_SHARE else others[int(rng.integers(len(others)))]
