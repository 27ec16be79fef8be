"""The coordinate that runs down a trunk: where landmarks lie in a patient, and what part a slice shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Part = Literal["chest", "abdomen", "pelvis"]

TOP_MM, BOTTOM_MM = 650.0, -110.0  # of the standard body: u = 0 at the jaw, u = 1 in the upper thigh

# Heights in the standard body, mm above the pubic symphysis, after textbook vertebral levels of an adult of 1.72 m.
STANDARD_MM = {
    "jaw": 640.0,
    "larynx": 595.0,
    "lung_apex": 545.0,
    "sternal_notch": 512.0,
    "carina": 470.0,
    "diaphragm_dome": 364.0,
    "kidney_upper_pole": 295.0,
    "kidney_lower_pole": 187.0,
    "iliac_crest": 165.0,
    "sacral_promontory": 100.0,
    "femoral_head": 22.0,
    "pubic_symphysis": 0.0,
    "thigh": -110.0,
}
SEGMENT_SPREAD = 0.07  # standard deviation of a segment's length


@dataclass(frozen=True)
class BodyFrame:
    """How the standard body lies in one patient's LPS mm.

    Attributes:
        heights_mm: ``(K,)`` LPS z of the landmarks, in the order of :data:`STANDARD_MM`, falling.
        scale: patient mm per standard mm along x and y.
        origin_mm: LPS x and y of the body's middle line.
        bend_mm: amplitude along x and y, wave number in 1/mm and phase of the lie's slow bend.
    """

    heights_mm: tuple[float, ...]
    scale: tuple[float, float]
    origin_mm: tuple[float, float]
    bend_mm: tuple[float, float, float, float]

    @property
    def landmarks_mm(self) -> dict[str, float]:
        """LPS z of each landmark."""
        return dict(zip(STANDARD_MM, self.heights_mm, strict=True))

    def to_standard(self, z_mm: Any) -> Array:
        """Heights in the standard body of LPS heights; linear beyond the landmarks."""
        return _line(z_mm, self.heights_mm[::-1], tuple(STANDARD_MM.values())[::-1])

    def from_standard(self, standard_mm: Any) -> Array:
        """LPS heights of heights in the standard body; undoes :meth:`to_standard`."""
        return _line(standard_mm, tuple(STANDARD_MM.values())[::-1], self.heights_mm[::-1])

    def coordinate(self, z_mm: Any) -> Array:
        """Body coordinate u of LPS heights: 0 at the jaw, 1 in the thigh, rising towards the feet."""
        return (TOP_MM - self.to_standard(z_mm)) / (TOP_MM - BOTTOM_MM)

    def height(self, u: Any) -> Array:
        """LPS heights of body coordinates; undoes :meth:`coordinate`."""
        return self.from_standard(TOP_MM - np.asarray(u, dtype=float) * (TOP_MM - BOTTOM_MM))

    def part(self, z_mm: float) -> Part:
        """``chest`` above the dome of the diaphragm, ``pelvis`` below the iliac crest, else ``abdomen``."""
        marks = self.landmarks_mm
        if z_mm > marks["diaphragm_dome"]:
            return "chest"
        return "pelvis" if z_mm < marks["iliac_crest"] else "abdomen"

    def center_mm(self, z_mm: float) -> tuple[float, float]:
        """LPS x and y of the trunk's middle line at a height."""
        across, back, wave, phase = self.bend_mm
        level = float(self.to_standard(z_mm))
        return (
            self.origin_mm[0] + across * float(np.sin(wave * level + phase)),
            self.origin_mm[1] + back * float(np.cos(wave * level + phase)),
        )

    def point_mm(self, standard: Any) -> Array:
        """LPS mm of one standard point (x, y, z)."""
        z = float(self.from_standard(standard[2]))
        x, y = self.center_mm(z)
        return np.array([x + self.scale[0] * standard[0], y + self.scale[1] * standard[1], z])


def draw_frame(rng: np.random.Generator, size: float) -> BodyFrame:
    """Draw how long each segment of a patient is and where he lies.

    Args:
        rng: source.
        size: of the patient, 1 for the standard body.
    """
    standard = np.array(list(STANDARD_MM.values()))
    steps = -np.diff(standard) * size * np.clip(rng.normal(1.0, SEGMENT_SPREAD, len(standard) - 1), 0.8, 1.2)
    top = rng.uniform(-400.0, 900.0)
    heights = top - np.concatenate([[0.0], np.cumsum(steps)])
    across = size * rng.normal(1.0, 0.025)
    back = size * rng.normal(1.0, 0.035)
    return BodyFrame(
        tuple(float(z) for z in heights),
        (float(across), float(back)),
        (float(rng.normal(0, 8)), float(rng.normal(-120, 40))),
        (
            float(rng.normal(0, 3)),
            float(rng.normal(0, 3)),
            float(rng.uniform(0.006, 0.012)),
            float(rng.uniform(0, 6.28)),
        ),
    )


def _line(values: Any, from_mm: tuple[float, ...], to_mm: tuple[float, ...]) -> Array:
    """Piecewise linear map along rising knots, continued by its first and last pieces."""
    at = np.asarray(values, dtype=float)
    source, target = np.array(from_mm), np.array(to_mm)
    index = np.clip(np.searchsorted(source, at) - 1, 0, len(source) - 2)
    share = (at - source[index]) / (source[index + 1] - source[index])
    result: Array = target[index] + share * (target[index + 1] - target[index])
    return result
