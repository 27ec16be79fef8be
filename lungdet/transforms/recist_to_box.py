"""RECIST marks to boxes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.frames import spacing_of, voxel_to_edge
from lungdet.geometry.recist import one_based_to_edge, recist_diameters, recist_to_box, recist_to_box_3d

from .conversion import as_boxes, image_affine

MarkOrigin = Literal["one_based", "voxel", "edge"]


class RecistToBox(Transform):
    """Enclose RECIST marks in boxes, in the edge frame.

    DeepLesion's own boxes are those with ``margin_px=5`` and ``origin="edge"`` taken literally; ``origin="one_based"``
    puts the same boxes where they belong in an image counted from 0.

    Args:
        margin_px: padding on every side, in pixels.
        margin_mm: further padding on every side, in mm; needs a spacing in the call.
        origin: how the marks count: ``"one_based"``, pixel centres from 1 (DeepLesion); ``"voxel"``, pixel centres from
            0; ``"edge"``, pixel edges from 0.

    Raises:
        ValueError: ``origin`` is unknown.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, margin_px: float = 0.0, margin_mm: float = 0.0, origin: MarkOrigin = "voxel") -> None:
        if origin not in ("one_based", "voxel", "edge"):
            raise ValueError(f"origin must be 'one_based', 'voxel' or 'edge', got {origin!r}")
        self.margin_px, self.margin_mm, self.origin = margin_px, margin_mm, origin

    def __call__(
        self, endpoints: Any, spacing_mm: Sequence[float] | Tensor | None = None, slice_ranges: Any = None
    ) -> Tensor:
        """Enclose marks.

        Args:
            endpoints: ``(N, 4, 2)``, or ``(N, 8)`` as DeepLesion has them; the long axis' ends, then the short one's,
                each ``(column, row)``.
            spacing_mm: pixel size ``(column, row)``, ``(2,)`` or ``(N, 2)``.
            slice_ranges: ``(N, 2)`` first and one-past-last slice, counted from 0, to get boxes with a depth.

        Returns:
            ``(N, 4)`` boxes ``(x0, y0, x1, y1)``, or ``(N, 6)`` with ``slice_ranges``.
        """
        marks = as_marks(endpoints)
        if self.origin != "edge":
            marks = one_based_to_edge(marks) if self.origin == "one_based" else voxel_to_edge(marks)
        boxes = recist_to_box(marks, self.margin_px, self.margin_mm, spacing_mm=spacing_mm)
        return boxes if slice_ranges is None else recist_to_box_3d(boxes, as_boxes(slice_ranges).reshape(-1, 2))


class RecistToBoxd(MapTransform):
    """Dictionary form of :class:`RecistToBox`; it adds boxes and, if wanted, diameters, and keeps the marks.

    Args:
        keys: keys of the marks.
        box_key: key for the boxes; with several keys of marks, one for each.
        margin_px: see :class:`RecistToBox`.
        margin_mm: see :class:`RecistToBox`.
        origin: see :class:`RecistToBox`.
        ref_image_key: key of the image whose affine tells the spacing; its first axis is the columns.
        slice_range_key: key of the ``(N, 2)`` slice ranges, for boxes with a depth.
        diameter_key: key for the ``(N, 2)`` diameters, mm with an image, else pixels; ``None`` keeps none. With several
            keys of marks, one for each.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: there are not as many keys for boxes or diameters as for marks.
    """

    backend = RecistToBox.backend

    def __init__(
        self,
        keys: KeysCollection,
        box_key: KeysCollection = "box",
        margin_px: float = 0.0,
        margin_mm: float = 0.0,
        origin: MarkOrigin = "voxel",
        ref_image_key: Hashable | None = None,
        slice_range_key: Hashable | None = None,
        diameter_key: KeysCollection | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.to_box = RecistToBox(margin_px, margin_mm, origin)
        self.box_keys = _one_each("box_key", box_key, len(self.keys))
        self.diameter_keys = _one_each("diameter_key", diameter_key, len(self.keys))
        self.ref_image_key, self.slice_range_key = ref_image_key, slice_range_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add boxes to a copy of ``data``.

        Raises:
            ValueError: the image carries no affine, or a margin in mm has no image.
        """
        item = dict(data)
        spacing_mm = None
        if self.ref_image_key is not None:
            affine = image_affine(item[self.ref_image_key], self.ref_image_key)
            spacing_mm = torch.from_numpy(spacing_of(affine.cpu().numpy())[:2])
        for key, box_key, diameter_key in self.key_iterator(item, self.box_keys, self.diameter_keys):
            ranges = None if self.slice_range_key is None else item[self.slice_range_key]
            item[box_key] = self.to_box(item[key], spacing_mm, ranges)
            if diameter_key is not None:
                item[diameter_key] = recist_diameters(as_marks(item[key]), spacing_mm)
        return item


def as_marks(endpoints: Any) -> Tensor:
    """Take marks as ``(N, 4, 2)``, from that or from rows of eight numbers, or from an empty list."""
    marks = as_boxes(endpoints)
    if marks.numel() == 0 or (marks.ndim == 2 and marks.shape[1] == 8):
        return marks.reshape(-1, 4, 2)
    return marks


def _one_each(name: str, keys: KeysCollection | None, count: int) -> tuple[Hashable | None, ...]:
    if keys is None:
        return (None,) * count
    each = (keys,) if isinstance(keys, str) or not isinstance(keys, Sequence) else tuple(keys)
    if len(each) != count:
        raise ValueError(f"{name} needs one key for each of the {count} keys of marks, got {each}")
    return each
