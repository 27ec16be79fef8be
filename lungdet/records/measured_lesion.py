"""A lesion as it was measured once: whose, when, of what type, how large and where."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .lesion import LESION_TYPES

TYPE_NAMES = tuple(LESION_TYPES.values())
UNKNOWN_TYPE = LESION_TYPES[-1]


@dataclass(frozen=True)
class MeasuredLesion:
    """One measurement of one lesion, whatever list it comes from.

    Attributes:
        key: names the measurement in its list: the key slice, or the image, ``#``, and its number among those of that
            file, from 0: ``000001_01_01_109.png#0``.
        patient: who; any text that is the same for all studies of a patient.
        study: number of the study among those of the patient, rising with time, unless ``flags`` hold ``"undated"``.
        series: number of the series in the study.
        lesion_type: one of :data:`TYPE_NAMES`; ``"unknown"`` if nobody said.
        long_mm: the longer diameter.
        short_mm: the shorter diameter across it; None if one only was measured.
        location: where in the body: x and y in the box of its slice's body mask, from the left and the upper edge of
            the image, z along the body; each rises from 0 to 1, z towards the feet. None if not known. Values a little
            outside are kept.
        center_mm: middle of the marks, LPS mm, in the frame of its own series; None if not known.
        image: path of the key slice or volume, relative to the folder of the images, with ``/``; None if there is none.
        flags: what is odd: :attr:`lungdet.records.Lesion.flags`, and ``"undated"`` where the order of the studies is
            not known.

    Raises:
        ValueError: a name is empty, a number is not finite or has the wrong sign, the short diameter is the longer one,
            or the type does not exist.
    """

    key: str
    patient: str
    study: int
    series: int
    lesion_type: str
    long_mm: float
    short_mm: float | None = None
    location: tuple[float, float, float] | None = None
    center_mm: tuple[float, float, float] | None = None
    image: str | None = None
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.key or not self.patient:
            raise ValueError(f"a lesion needs a key and a patient, got {self.key!r} and {self.patient!r}")
        if self.study < 0 or self.series < 0:
            raise ValueError(f"{self.key}: study {self.study} and series {self.series} must be 0 or more")
        if self.lesion_type not in TYPE_NAMES:
            raise ValueError(f"{self.key}: lesion type {self.lesion_type!r} is none of {', '.join(TYPE_NAMES)}")
        self._check_size()
        for name in ("location", "center_mm"):
            place = getattr(self, name)
            if place is not None and (len(place) != 3 or not all(map(math.isfinite, place))):
                raise ValueError(f"{self.key}: {name} must be three finite numbers, got {place}")

    def _check_size(self) -> None:
        sizes = [self.long_mm] if self.short_mm is None else [self.short_mm, self.long_mm]
        if not all(math.isfinite(size) and size >= 0 for size in sizes):
            raise ValueError(f"{self.key}: diameters must be finite and 0 or more, got {sizes} mm")
        if sizes[0] > sizes[-1]:
            raise ValueError(f"{self.key}: the long diameter, {self.long_mm} mm, is below the short, {self.short_mm}")

    @property
    def mean_mm(self) -> float:
        """Mean of the diameters that were measured."""
        return self.long_mm if self.short_mm is None else (self.long_mm + self.short_mm) / 2
