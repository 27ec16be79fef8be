"""What a scanner does to a picture of a patient: blur, noise, and padding outside the field of view."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Array = NDArray[Any]
Image = NDArray[np.float32]

Kernel = Literal["soft", "standard", "lung"]
Dose = Literal["none", "standard", "low", "ultra_low"]

BLUR_MM: dict[str, float] = {"soft": 0.85, "standard": 0.65, "lung": 0.45}  # sigma of the point spread in plane
NOISE_GAIN: dict[str, float] = {"soft": 0.65, "standard": 1.0, "lung": 2.1}
NOISE_GRAIN_MM: dict[str, float] = {"soft": 0.95, "standard": 0.7, "lung": 0.42}
EDGE_GAIN: dict[str, float] = {"soft": 0.0, "standard": 0.0, "lung": 0.45}  # the lung kernel sharpens edges
NOISE_HU: dict[str, float] = {"none": 0.0, "standard": 16.0, "low": 30.0, "ultra_low": 55.0}  # standard kernel, 1.4 mm
REFERENCE_THICKNESS_MM = 1.4
NOISE_PLANES, NOISE_MARGIN = 12, 48
SHOULDER_Z_MM, SHOULDER_STREAKS = 85.0, 1.1


class Scanner:
    """Turns painted HU into measured HU.

    Args:
        rng: source of the noise.
        spacing_mm: in-plane voxel size.
        gain: ``(Y, X)`` share of the noise at each pixel, see :func:`noise_gain`.
        kernel: reconstruction kernel.
        dose: how much noise; ``none`` for none.
        thickness_mm: thin slices have more noise.

    Raises:
        ValueError: unknown kernel or dose.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        spacing_mm: tuple[float, float],
        gain: Array,
        kernel: Kernel,
        dose: Dose,
        thickness_mm: float,
    ) -> None:
        for name, value, known in (("kernel", kernel, get_args(Kernel)), ("dose", dose, get_args(Dose))):
            if value not in known:
                raise ValueError(f"{name} must be one of {known}, got {value!r}")
        self.rng, self.size, self.kernel, self.gain = rng, gain.shape, kernel, gain.astype(np.float32)
        self.pixel = np.array(spacing_mm[::-1])
        thin = float(np.sqrt(REFERENCE_THICKNESS_MM / thickness_mm))
        self.sigma_hu = NOISE_HU[dose] * NOISE_GAIN[kernel] * thin
        self.planes = self._noise_planes(0.0) if self.sigma_hu else np.zeros((0, 0, 0), np.float32)
        self.streaks = self._noise_planes(6.0) if self.sigma_hu else self.planes

    def measure(self, hu: Image, z: Array) -> Image:
        """Blur a block ``(Z, Y, X)`` in plane and add noise; ``z`` are the slices' heights in patient mm."""
        return self.add_noise(self.blur(hu), z)

    def blur(self, hu: Image) -> Image:
        """Blur and sharpen a block ``(Z, Y, X)`` in plane as the kernel does; linear, no noise, of any size."""
        sigma = BLUR_MM[self.kernel] / self.pixel
        blurred: Image = gaussian_filter(hu, (0, *sigma), mode="nearest", truncate=3.0)
        if EDGE_GAIN[self.kernel]:
            wide = gaussian_filter(blurred, (0, *(1.6 * sigma)), mode="nearest", truncate=2.5)
            blurred += np.float32(EDGE_GAIN[self.kernel]) * (blurred - wide)
        return blurred

    def add_noise(self, hu: Image, z: Array) -> Image:
        """Add noise to a block ``(Z, Y, X)`` in place and return it; ``z`` are the slices' heights in patient mm."""
        if self.sigma_hu:
            for image, height in zip(hu, z, strict=True):
                noise = self._draw(self.planes)
                shoulder = SHOULDER_STREAKS / (1 + np.exp((SHOULDER_Z_MM - float(height)) / 8))
                if shoulder > 0.05:  # photons starve along the shoulders' long way
                    noise += np.float32(shoulder) * self._draw(self.streaks)
                image += np.float32(self.sigma_hu) * self.gain * noise
        return hu

    def _noise_planes(self, stretch_mm: float) -> Image:
        """Unit noise with the grain of the kernel; larger than a slice, so that windows into it differ."""
        shape = (NOISE_PLANES, self.size[0] + NOISE_MARGIN, self.size[1] + NOISE_MARGIN)
        white = self.rng.standard_normal(shape, dtype=np.float32)
        grain = NOISE_GRAIN_MM[self.kernel] / self.pixel
        sigma = grain + np.array([0.0, stretch_mm]) / self.pixel
        fine = gaussian_filter(white, (0, *sigma), mode="wrap", truncate=3.0)
        fine -= np.float32(0.6) * gaussian_filter(fine, (0, *(2.2 * grain)), mode="wrap", truncate=3.0)
        scaled: Image = fine / fine.std()
        return scaled

    def _draw(self, planes: Image) -> Image:
        """One slice of unit noise: two windows into the store, mirrored and mixed at random."""
        rows, columns = self.size
        total = np.zeros(self.size, dtype=np.float32)
        for plane in self.rng.choice(len(planes), 2, replace=False):
            top, left = self.rng.integers(0, NOISE_MARGIN + 1, 2)
            window = planes[plane, top : top + rows, left : left + columns]
            window = window[:: self.rng.choice((-1, 1)), :: self.rng.choice((-1, 1))]
            total += window
        return total * np.float32(np.sqrt(0.5))


def noise_gain(x: Array, y: Array) -> Array:
    """Share of the noise at each pixel, ``(Y, X)``: most in the middle of the body, least in the air around it."""
    level = np.hypot(x[None, :] / 185.0, y[:, None] / 135.0)
    gain: Array = 0.4 + 0.75 * np.clip(1.35 - level, 0, 1)
    return gain


def outside_field(x: Array, y: Array) -> NDArray[np.bool_]:
    """Which pixels lie outside the largest circle of the image, ``(Y, X)``: scanners pad them."""
    middle = [(axis[0] + axis[-1]) / 2 for axis in (x, y)]
    reach = min((axis[-1] - axis[0]) / 2 for axis in (x, y))
    outside: NDArray[np.bool_] = np.hypot(x[None, :] - middle[0], y[:, None] - middle[1]) > reach
    return outside
