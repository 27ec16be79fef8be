"""What is known about one radiograph, and the picture that was read from it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN_SPACING = "unknown"


@dataclass(frozen=True)
class RadiographInfo:
    """Where a picture came from and what was done to it. No name, birth date or number of a patient but the UIDs.

    Attributes:
        source: the file, as the user named it.
        sop_uid: SOPInstanceUID; empty where the format has none (PNG, JPEG, ...), as all that follow from DICOM.
        series_uid: SeriesInstanceUID.
        study_uid: StudyInstanceUID.
        modality: CR, DX, MG, ...; empty where unknown.
        body_part_examined: what the header claims; often wrong.
        view_position: PA, AP, LL, ... as the header claims.
        laterality: L, R, B or empty: ImageLaterality, else Laterality.
        photometric: PhotometricInterpretation of DICOM, or Pillow's mode of a picture file.
        rows: pixels down the picture in the file, as it is to be looked at.
        columns: pixels along it.
        frame: which frame was read, counted from 0.
        frames: how many the file has.
        spacing_mm: (between rows, between columns) of the picture in the file; None if unknown.
        spacing_from: where that comes from: ``"PixelSpacing"``, ``"ImagerPixelSpacing/magnification"``,
            ``"ImagerPixelSpacing"``, ``"NominalScannedPixelSpacing"``, ... or ``"unknown"``.
        steps: what the reader did beyond reading, in words and in order ("inverted: MONOCHROME1", ...).
        transfer_syntax: how the pixels were written: a UID of DICOM, or the format of a picture file ("PNG").
    """

    source: str
    sop_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    modality: str = ""
    body_part_examined: str = ""
    view_position: str = ""
    laterality: str = ""
    photometric: str = ""
    rows: int = 0
    columns: int = 0
    frame: int = 0
    frames: int = 1
    spacing_mm: tuple[float, float] | None = None
    spacing_from: str = UNKNOWN_SPACING
    steps: tuple[str, ...] = ()
    transfer_syntax: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.frame < self.frames:
            raise ValueError(f"{self.source}: frame {self.frame} of {self.frames}; frames count from 0")
        if (self.spacing_mm is None) != (self.spacing_from == UNKNOWN_SPACING):
            raise ValueError(f"{self.source}: spacing {self.spacing_mm} cannot be from {self.spacing_from!r}")
        if self.spacing_mm is not None and not all(0 < side < math.inf for side in self.spacing_mm):
            raise ValueError(f"{self.source}: spacing must be two positive numbers of mm, got {self.spacing_mm}")

    def to_json(self) -> str:
        """Return the record as one JSON string: it survives collation, pickling and metadata of MONAI unchanged."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> RadiographInfo:
        """Read back what :meth:`to_json` wrote.

        Example:
            >>> info = RadiographInfo("a.dcm", spacing_mm=(0.2, 0.2), spacing_from="PixelSpacing", steps=("inverted",))
            >>> RadiographInfo.from_json(info.to_json()) == info
            True
        """
        fields: dict[str, Any] = json.loads(text)
        spacing = fields["spacing_mm"]
        return cls(
            **{**fields, "spacing_mm": None if spacing is None else tuple(spacing), "steps": tuple(fields["steps"])}
        )


@dataclass(frozen=True)
class Radiograph:
    """One radiograph, ready to be looked at.

    Attributes:
        pixels: ``(rows, columns)`` float32 in [0, 1], bone bright; smaller than the picture in the file where the
            reader was asked to shrink it.
        info: where it came from.
    """

    pixels: NDArray[np.float32]
    info: RadiographInfo

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or 0 in self.pixels.shape or self.pixels.dtype != np.float32:
            raise ValueError(
                f"{self.info.source}: a radiograph is float32 (rows, columns), got {self.pixels.dtype} "
                f"{self.pixels.shape}"
            )

    @property
    def spacing_mm(self) -> tuple[float, float] | None:
        """Distance of rows and of columns of ``pixels``, which may have been shrunk; None if unknown.

        Example:
            >>> info = RadiographInfo("a", rows=8, columns=4, spacing_mm=(0.1, 0.1), spacing_from="PixelSpacing")
            >>> Radiograph(np.zeros((4, 2), np.float32), info).spacing_mm
            (0.2, 0.2)
        """
        if self.info.spacing_mm is None:
            return None
        rows, columns = self.pixels.shape
        return self.info.spacing_mm[0] * self.info.rows / rows, self.info.spacing_mm[1] * self.info.columns / columns
