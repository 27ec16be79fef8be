"""The truth about one nodule of a phantom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NoduleKind = Literal["solid", "part_solid", "ground_glass"]
NoduleLocation = Literal["isolated", "juxtapleural", "juxtavascular"]


@dataclass(frozen=True)
class PhantomNodule:
    """One nodule that was put into a phantom; everything is known about it.

    Attributes:
        center_lps_mm: centre of the box.
        box_lps_mm: ``(x0, y0, z0, x1, y1, z1)`` in LPS mm, tight around the part of the nodule that lies in the lung.
        diameter_mm: diameter of a ball of the same volume.
        kind: its density.
        location: what it touches.
        contrast_hu: mean of what it adds to the HU that were there, over its volume.
        visible_fraction: part of its volume where it adds at least :data:`CONTRAST_HU`.
    """

    center_lps_mm: tuple[float, float, float]
    box_lps_mm: tuple[float, float, float, float, float, float]
    diameter_mm: float
    kind: NoduleKind
    location: NoduleLocation
    contrast_hu: float
    visible_fraction: float

    def __post_init__(self) -> None:
        low, high = self.box_lps_mm[:3], self.box_lps_mm[3:]
        if any(b <= a for a, b in zip(low, high, strict=True)):
            raise ValueError(f"box_lps_mm must be min corner then max corner with a positive size: {self.box_lps_mm}")
        if self.diameter_mm <= 0:
            raise ValueError(f"diameter_mm must be positive, got {self.diameter_mm}")
        if not 0.0 <= self.visible_fraction <= 1.0:
            raise ValueError(f"visible_fraction must be in [0, 1], got {self.visible_fraction}")
