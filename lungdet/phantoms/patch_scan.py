"""Scan a painted patch with a protocol drawn anew each time: kernel, dose and slice thickness."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, get_args

import numpy as np

from .chest import HU_RANGE
from .scanner import NOISE_GAIN, NOISE_HU, REFERENCE_THICKNESS_MM, Dose, Image, Kernel, Scanner, noise_gain
from .thorax import Array

Name = TypeVar("Name", bound=str)

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


class PatchScanner:
    """Scans a painted patch; thick slices are brought back to its grid by linear interpolation, as a whole scan's are.

    Args:
        rng: source of the noise.
        axes: voxel centres x, y, z of what is painted, patient mm.
        planes: which slices along z are the patch; :attr:`Protocol.margin_mm` more are painted on both sides.
        protocol: how to scan.
    """

    def __init__(
        self, rng: np.random.Generator, axes: tuple[Array, Array, Array], planes: slice, protocol: Protocol
    ) -> None:
        x, y, z = axes
        self.heights, self.planes, self.thick = z[planes], planes, protocol.thickness_mm is not None
        if protocol.thickness_mm is not None:
            self.heights = _slice_heights(z[planes], protocol)
            self.mean = _slab_weights(self.heights, z, protocol.thickness_mm)
            self.back = _linear_weights(z[planes], self.heights)
        thickness = float(z[1] - z[0]) if protocol.thickness_mm is None else protocol.thickness_mm
        self.scanner = _scanner(rng, x, y, protocol, thickness)

    def scan(self, painted: Image) -> Image:
        """Scan ``(Z, Y, X)`` HU; the result has the patch's planes."""
        measured = self.scanner.measure(self._slices(painted), self.heights)
        slices = np.rint(np.clip(measured, *HU_RANGE))
        return _apply(self.back, slices) if self.thick else slices

    def peak_hu(self, added: Image) -> float:
        """Highest of what reaches the slices of ``added`` HU, ``(Z, any, any)``; noise aside, and on no other grid."""
        return float(self.scanner.blur(self._slices(added)).max()) if added.size else 0.0

    def _slices(self, painted: Image) -> Image:
        return _apply(self.mean, painted) if self.thick else painted[self.planes]


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
