"""The places of one scan that a detector thinks most likely nodules, each with the cube of the image around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .model_info import ModelInfo

CUBE_SIDE = 48  # voxels of 1 mm
CANDIDATES_FORMAT = "lungdet-candidates/1"  # of their files


@dataclass(frozen=True, eq=False)
class ScanCandidates:
    """What is left of a scan for a judgement of the whole: a few cubes in place of a few hundred slices.

    Attributes:
        scan_id: name of the scan, as labels name it.
        cubes: ``(K, 48, 48, 48)`` int16 in HU, 1 mm voxels, axes to the right, the front and the head (RAS), each place
            in the middle of its cube; -1000 beyond the image. K may be 0.
        scores: ``(K,)`` float32, of the detector, falling, in ``[0, 1]``.
        centers_lps_mm: ``(K, 3)`` float64, the places.
        inside: ``(K,)`` float32, part of each cube that lies inside the image.
        detector: which detector looked.

    Raises:
        ValueError: shapes do not fit each other, a score is none, scores rise, or a centre is not finite.
    """

    scan_id: str
    cubes: NDArray[np.int16]
    scores: NDArray[np.float32]
    centers_lps_mm: NDArray[np.float64]
    inside: NDArray[np.float32]
    detector: ModelInfo

    def __post_init__(self) -> None:
        count = len(self.scores)
        wanted = {
            "cubes": (np.int16, (count, CUBE_SIDE, CUBE_SIDE, CUBE_SIDE)),
            "scores": (np.float32, (count,)),
            "centers_lps_mm": (np.float64, (count, 3)),
            "inside": (np.float32, (count,)),
        }
        for name, (kind, shape) in wanted.items():
            array: NDArray[Any] = getattr(self, name)
            if array.dtype != kind or array.shape != shape:
                got = f"{array.dtype} {array.shape}"
                raise ValueError(f"{self.scan_id}: {name} must be {np.dtype(kind)} {shape}, got {got}")
        for name in ("scores", "inside"):
            values = getattr(self, name)
            if not ((values >= 0) & (values <= 1)).all():
                raise ValueError(f"{self.scan_id}: {name} must be in [0, 1], got {values.tolist()}")
        if (np.diff(self.scores) > 0).any():
            raise ValueError(f"{self.scan_id}: scores must fall, got {self.scores.tolist()}")
        if not np.isfinite(self.centers_lps_mm).all():
            raise ValueError(f"{self.scan_id}: centers_lps_mm must be finite, got {self.centers_lps_mm.tolist()}")

    def __len__(self) -> int:
        return len(self.scores)

    def best(self, count: int, least_score: float = 0.0) -> ScanCandidates:
        """Keep the first ``count`` of those that score ``least_score`` or more.

        Example:
            >>> empty_scan("a", ModelInfo("", "", "")).best(3)
            ScanCandidates('a', 0 candidates)
        """
        kept = int((self.scores >= least_score).sum())
        kept = min(kept, count)
        return ScanCandidates(
            self.scan_id,
            self.cubes[:kept],
            self.scores[:kept],
            self.centers_lps_mm[:kept],
            self.inside[:kept],
            self.detector,
        )

    def __repr__(self) -> str:
        return f"ScanCandidates({self.scan_id!r}, {len(self)} candidates)"


def empty_scan(scan_id: str, detector: ModelInfo) -> ScanCandidates:
    """Return the record of a scan in which a detector found nothing.

    Example:
        >>> len(empty_scan("a", ModelInfo("", "", "")))
        0
    """
    return ScanCandidates(
        scan_id,
        np.zeros((0, CUBE_SIDE, CUBE_SIDE, CUBE_SIDE), np.int16),
        np.zeros(0, np.float32),
        np.zeros((0, 3), np.float64),
        np.zeros(0, np.float32),
        detector,
    )
