"""A marked lesion on a slice of DeepLesion to the crops that an embedding network sees."""

from __future__ import annotations

import math
import os
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.lesion_crop import AIR_HU, TONES_HU, crop_at_mm, tone_hu
from lungdet.geometry.recist_ellipse import recist_ellipse_mask
from lungdet.readers.deeplesion_png import HU_OFFSET
from lungdet.readers.png_file import read_png16

HIGHEST_HU = 3071.0


class LoadLesion(Transform):
    """Read a lesion's slices, and cut a near and a far view around its mark.

    The result has six channels. Near, ``detail_mm`` wide: the slice ``gap_mm`` above the key slice (towards the head),
    the key slice, the slice as far below, and the outline of the mark as a soft mask. Far, ``context_mm`` wide: the key
    slice, and the outline. Slices are in :func:`~lungdet.geometry.lesion_crop.tone_hu`; outside the image is air. A
    neighbour that is not on disk is replaced by the next one that is there on its side, at last by the key slice. Where
    the distance of slices is not known, the key slice stands for both.

    Args:
        side: rows and columns of both views, in pixels.
        detail_mm: width of the near view.
        context_mm: width of the far view.
        gap_mm: distance of the neighbours; 0 reads the key slice only.
        windows_hu: see :func:`~lungdet.geometry.lesion_crop.tone_hu`.

    Raises:
        ValueError: a size is not positive.
        SeriesError: on the call, if a slice cannot be read; the message names it.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        side: int = 64,
        detail_mm: float = 64.0,
        context_mm: float = 384.0,
        gap_mm: float = 5.0,
        windows_hu: Sequence[tuple[float, float]] = TONES_HU,
    ) -> None:
        if min(side, detail_mm, context_mm) <= 0 or gap_mm < 0:
            raise ValueError(f"sizes must be positive, got {side} pixels, {detail_mm}, {context_mm} and {gap_mm} mm")
        self.side, self.detail_mm, self.context_mm, self.gap_mm = int(side), detail_mm, context_mm, gap_mm
        self.windows_hu = [(float(low), float(high)) for low, high in windows_hu]

    def __call__(  # type: ignore[override]
        self, path: str | os.PathLike[str], recist_edge: Sequence[float], spacing_mm: Sequence[float]
    ) -> MetaTensor:
        """Make the crops of one lesion.

        Args:
            path: 16-bit PNG of the key slice, ``Images_png/000001_01_01/109.png``.
            recist_edge: ends of the long axis, then of the short one, ``(x, y)`` four times, in the edge frame.
            spacing_mm: pixel size x and y, and the distance of the slices; without that, or if it is no positive
                finite number, the key slice serves alone.

        Returns:
            ``(6, side, side)`` float32 in [0, 1].

        Raises:
            ValueError: the mark is not eight finite numbers, or lies outside the image; or there is no pixel size.
        """
        ends = np.asarray(recist_edge, dtype=np.float64)
        if ends.shape != (8,) or not np.isfinite(ends).all():
            raise ValueError(f"{path}: a mark is eight numbers, x and y of four ends, got {list(recist_edge)}")
        if len(spacing_mm) < 2 or not all(map(_is_length, spacing_mm[:2])):
            raise ValueError(f"{path}: a pixel size is a positive number for x and one for y, got {list(spacing_mm)}")
        ends = ends.reshape(4, 2)
        slices = self._slices(Path(path), spacing_mm)
        rows, columns = slices.shape[1:]
        center = (ends.min(axis=0) + ends.max(axis=0)) / 2
        if not (0 <= center[0] <= columns and 0 <= center[1] <= rows):
            what = f"the mark is around column {center[0]:.0f}, row {center[1]:.0f}"
            raise ValueError(f"{path}: {what}, outside the image of {columns} x {rows} pixels")
        outline = torch.from_numpy(recist_ellipse_mask(ends, (columns, rows)).T.astype(np.float32))[None]
        where = (center.tolist(), spacing_mm, self.detail_mm, self.side)
        afar = (center.tolist(), spacing_mm, self.context_mm, self.side)
        crops = torch.cat(
            [
                tone_hu(crop_at_mm(slices, *where, fill=AIR_HU), self.windows_hu),
                crop_at_mm(outline, *where),
                tone_hu(crop_at_mm(slices[1:2], *afar, fill=AIR_HU), self.windows_hu),
                crop_at_mm(outline, *afar),
            ]
        )
        return MetaTensor(crops.clamp(0, 1), affine=torch.eye(3), meta={"filename_or_obj": str(path)})

    def _slices(self, key_slice: Path, spacing_mm: Sequence[float]) -> Tensor:
        """Read the slice above, the key slice and the one below, ``(3, rows, columns)`` in HU."""
        key = _read_hu(key_slice)
        if self.gap_mm == 0 or not _is_length(*spacing_mm[2:3]) or not key_slice.stem.isdigit():
            return torch.stack([key, key, key])
        steps = max(1, round(self.gap_mm / spacing_mm[2]))
        above, below = (_neighbour(key_slice, sign, steps) for sign in (-1, 1))
        sides = [key if path is None else _read_hu(path) for path in (above, below)]
        sides = [key if side.shape != key.shape else side for side in sides]
        return torch.stack([sides[0], key, sides[1]])


class LoadLesiond(MapTransform):
    """Dictionary form of :class:`LoadLesion`: paths of key slices become crops.

    Args:
        keys: keys of the paths.
        recist_key: of the ends of the axes.
        spacing_key: of the spacing.
        side: see :class:`LoadLesion`.
        detail_mm: see :class:`LoadLesion`.
        context_mm: see :class:`LoadLesion`.
        gap_mm: see :class:`LoadLesion`.
        windows_hu: see :class:`LoadLesion`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = LoadLesion.backend

    def __init__(
        self,
        keys: KeysCollection,
        recist_key: str = "recist_edge",
        spacing_key: str = "spacing_mm",
        side: int = 64,
        detail_mm: float = 64.0,
        context_mm: float = 384.0,
        gap_mm: float = 5.0,
        windows_hu: Sequence[tuple[float, float]] = TONES_HU,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.recist_key, self.spacing_key = recist_key, spacing_key
        self.load = LoadLesion(side, detail_mm, context_mm, gap_mm, windows_hu)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load every path in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.load(item[key], item[self.recist_key], item[self.spacing_key])
        return item


def _is_length(mm: float = math.nan) -> bool:
    return math.isfinite(mm) and mm > 0


def _read_hu(path: Path) -> Tensor:
    values = torch.from_numpy(read_png16(path).astype(np.float32))
    return (values - HU_OFFSET).clamp(AIR_HU, HIGHEST_HU)


def _neighbour(key_slice: Path, sign: int, steps: int) -> Path | None:
    """Return the file of a slice so many steps away, or of the next nearer one that is there."""
    number = int(key_slice.stem)
    for step in range(steps, 0, -1):
        path = key_slice.with_name(f"{number + sign * step:03d}.png")
        if path.is_file():
            return path
    return None
