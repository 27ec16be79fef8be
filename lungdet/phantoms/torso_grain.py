"""Smooth random texture that continues from slice to slice and costs one matrix product a slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .torso_profile import Array
from .torso_solids import Image

WAVES = 28
SHORTEST_MM, LONGEST_MM = 9.0, 60.0


@dataclass(frozen=True)
class Grain:
    """A sum of waves, each a product of a wave along x, one along y and one along z.

    Attributes:
        wave: ``(3, K)`` wave numbers along x, y and z in 1/mm.
        phase: ``(3, K)`` phases.
    """

    wave: Array
    phase: Array

    def slice(self, z: float, x: Array, y: Array) -> Image:
        """Texture of a slice, ``(Y, X)``, of standard deviation about one."""
        wave, phase = self.wave.astype(np.float32), self.phase.astype(np.float32)
        along = np.sin(np.outer(x, wave[0]).astype(np.float32) + phase[0])  # (X, K)
        back = np.sin(np.outer(y, wave[1]).astype(np.float32) + phase[1])  # (Y, K)
        up = np.sin(np.float32(z) * wave[2] + phase[2]) * np.float32(np.sqrt(8 / self.wave.shape[1]))
        texture: Image = (back * up) @ along.T
        return texture


def draw_grain(
    rng: np.random.Generator, shortest_mm: float = SHORTEST_MM, longest_mm: float = LONGEST_MM, waves: int = WAVES
) -> Grain:
    """Draw a texture of one patient, of waves between two lengths."""
    length = np.exp(rng.uniform(np.log(shortest_mm), np.log(longest_mm), (3, waves)))
    sign = rng.choice((-1.0, 1.0), (3, waves))
    return Grain(sign * 2 * np.pi / length, rng.uniform(0, 2 * np.pi, (3, waves)))
