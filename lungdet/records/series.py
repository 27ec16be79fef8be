"""What is known about one CT series, and the volume that was read from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SeriesInfo:
    """Where a volume came from. It holds no name, birth date or other identity of a patient but the UIDs.

    Attributes:
        source: the file or folder it was read from, as the user named it.
        series_uid: SeriesInstanceUID; empty where the format has none (NIfTI, MetaImage, NRRD).
        study_uid: StudyInstanceUID; empty likewise.
        slice_uids: SOPInstanceUIDs in the order of the volume's last axis; empty likewise. A slice that was made by
            interpolation has an empty string; an enhanced multi-frame file repeats its UID for every frame.
        description: SeriesDescription.
        kernel: ConvolutionKernel.
        thickness_mm: SliceThickness as written (it is not the distance of the slices); None if absent.
        steps: what the reader did beyond reading, in words ("2 duplicate slices dropped", ...).
        frame_uid: FrameOfReferenceUID: scans that share it share their coordinates; empty where it is not known.
        patient: digits by which scans of one patient are known as such, keyed with ``LUNGDET_PATIENT_KEY``; empty
            without a key. ``?`` where the PatientID names nobody, and ``?`` before the digits where it may stand for
            many.
        day: when it was made, in days from a date of the patient's own, which only that key tells; None without such a
            key, patient or date.
    """

    source: str
    series_uid: str = ""
    study_uid: str = ""
    slice_uids: tuple[str, ...] = ()
    description: str = ""
    kernel: str = ""
    thickness_mm: float | None = None
    steps: tuple[str, ...] = ()
    frame_uid: str = ""
    patient: str = ""
    day: int | None = None

    def to_json(self) -> str:
        """Return the record as one JSON string: it survives collation, pickling and metadata of MONAI unchanged."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> SeriesInfo:
        """Read back what :meth:`to_json` wrote.

        Example:
            >>> info = SeriesInfo(source="scan", slice_uids=("1.2", "1.3"))
            >>> SeriesInfo.from_json(info.to_json()) == info
            True
        """
        fields: dict[str, Any] = json.loads(text)
        return cls(**{**fields, "slice_uids": tuple(fields["slice_uids"]), "steps": tuple(fields["steps"])})


@dataclass(frozen=True)
class CTVolume:
    """One CT volume in HU with its exact place in the patient.

    Attributes:
        array: ``(X, Y, Z)`` = (columns, rows, slices), int16 where every slope and intercept allow it exactly, else
            float32; HU. Usually a transposed view of a C-ordered ``(Z, Y, X)`` block.
        affine_lps: ``(4, 4)`` float64, voxel centres ``(i, j, k)`` to LPS mm.
        info: where it came from.
    """

    array: NDArray[Any]
    affine_lps: NDArray[np.float64]
    info: SeriesInfo

    def __post_init__(self) -> None:
        if self.array.ndim != 3:
            raise ValueError(f"{self.info.source}: a volume is (X, Y, Z), got shape {self.array.shape}")
        if self.affine_lps.shape != (4, 4) or not np.isfinite(self.affine_lps).all():
            raise ValueError(f"{self.info.source}: affine_lps must be a finite (4, 4) matrix, got {self.affine_lps}")
        if abs(np.linalg.det(self.affine_lps[:3, :3])) < 1e-9:
            raise ValueError(f"{self.info.source}: affine_lps is singular, the voxels have no volume")
        if self.info.slice_uids and len(self.info.slice_uids) != self.array.shape[2]:
            raise ValueError(
                f"{self.info.source}: {len(self.info.slice_uids)} slice UIDs for {self.array.shape[2]} slices"
            )
