"""What was measured of one nodule on one CT."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from .place import Point

NoduleDensity = Literal["solid", "part_solid", "ground_glass"]
LungSide = Literal["left", "right"]
Ends = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

MEASUREMENT_VERSION = 2  # rises when the same image would give other numbers


@dataclass(frozen=True)
class NoduleMeasurement:
    """Sizes, density and place of one nodule; every number has its unit in its name.

    Attributes:
        center_lps_mm: middle of its volume.
        volume_mm3: volume, vessels and pleura cut off.
        long_mm: its longest diameter in a slice (RECIST).
        short_mm: longest diameter perpendicular to it in that slice.
        slice_index: that slice, counted from 0 in the order of the volume's last axis.
        recist_voxel: ends of the long axis, then of the short one, ``(column, row)`` in the voxel frame, as
            ``RecistToBox(origin="voxel")`` takes them.
        mean_hu: over its volume.
        solid_fraction: part of the volume that is solid, 0 to 1.
        density: what it looks like.
        pleural_contact_mm2: area of its surface on the pleura; 0 if it does not touch.
        pleural_distance_mm: from its surface to the pleura, 0 if it touches; None if no pleura is near, or known.
        vessel_contact: whether a vessel was cut off.
        side: the patient's lung that holds it; None if not known.
        notes: what a reader must know, such as that the border of the scan cuts the nodule.
        version: of the method.

    Raises:
        ValueError: a number is not finite or out of its bounds.
    """

    center_lps_mm: Point
    volume_mm3: float
    long_mm: float
    short_mm: float
    slice_index: int
    recist_voxel: Ends
    mean_hu: float
    solid_fraction: float
    density: NoduleDensity
    pleural_contact_mm2: float = 0.0
    pleural_distance_mm: float | None = None
    vessel_contact: bool = False
    side: LungSide | None = None
    notes: tuple[str, ...] = ()
    version: int = MEASUREMENT_VERSION

    def __post_init__(self) -> None:
        numbers = [*self.center_lps_mm, *(value for end in self.recist_voxel for value in end), self.mean_hu]
        sizes = [self.volume_mm3, self.long_mm, self.short_mm]
        if len(numbers) != 12 or not all(map(math.isfinite, numbers)):
            raise ValueError("center_lps_mm, recist_voxel and mean_hu must be 3, 4 x 2 and 1 finite numbers")
        if not all(math.isfinite(size) and size > 0 for size in sizes):
            raise ValueError(f"volume_mm3, long_mm and short_mm must be positive, got {sizes}")
        if self.short_mm > self.long_mm * 1.001:
            raise ValueError(f"short_mm {self.short_mm} is longer than long_mm {self.long_mm}")
        if not 0 <= self.solid_fraction <= 1:
            raise ValueError(f"solid_fraction must be in 0..1, got {self.solid_fraction}")
        if self.density not in get_args(NoduleDensity):
            raise ValueError(f"density must be one of {get_args(NoduleDensity)}, got {self.density!r}")
        if self.pleural_contact_mm2 < 0 or (self.pleural_distance_mm or 0.0) < 0:
            raise ValueError("pleural_contact_mm2 and pleural_distance_mm must not be negative")

    @property
    def mean_diameter_mm(self) -> float:
        """Mean of both axes, as guidelines on lung nodules use it (MacMahon et al., Radiology 2017;284:228-243)."""
        return (self.long_mm + self.short_mm) / 2

    @property
    def ball_diameter_mm(self) -> float:
        """Diameter of a ball of the same volume."""
        return math.pow(6 * self.volume_mm3 / math.pi, 1 / 3)

    @property
    def pleural_contact(self) -> bool:
        """Whether it touches the pleura."""
        return self.pleural_contact_mm2 > 0 or self.pleural_distance_mm == 0

    def to_dict(self) -> dict[str, Any]:
        """Return all facts, and the derived diameters to 0.0001 mm, ready for JSON."""
        derived = {"mean_diameter_mm": self.mean_diameter_mm, "ball_diameter_mm": self.ball_diameter_mm}
        return {**asdict(self), **{name: round(value, 4) for name, value in derived.items()}}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> NoduleMeasurement:
        """Read back what :meth:`to_dict` gave, also after JSON has made lists of its tuples."""
        kept = {name: value for name, value in facts.items() if name in cls.__dataclass_fields__}
        kept["center_lps_mm"], kept["notes"] = tuple(kept["center_lps_mm"]), tuple(kept["notes"])
        kept["recist_voxel"] = tuple(tuple(end) for end in kept["recist_voxel"])
        return cls(**kept)
