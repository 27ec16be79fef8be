"""RECIST marks to masks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.frames import voxel_to_edge
from lungdet.geometry.recist import one_based_to_edge
from lungdet.geometry.recist_ellipse import recist_ellipse_mask

from .conversion import with_meta_of
from .recist_to_box import MarkOrigin, as_marks


class RecistToEllipseMask(Transform):
    """Fill the outlines through the four ends of RECIST marks: quarters of ellipses, a rough mask of the lesion.

    Args:
        origin: how the marks count: ``"one_based"``, pixel centres from 1 (DeepLesion); ``"voxel"``, pixel centres from
            0; ``"edge"``, pixel edges from 0.
        instances: number the marks from 1, a later one on top; else all are 1.

    Raises:
        ValueError: ``origin`` is unknown.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, origin: MarkOrigin = "voxel", instances: bool = False) -> None:
        if origin not in ("one_based", "voxel", "edge"):
            raise ValueError(f"origin must be 'one_based', 'voxel' or 'edge', got {origin!r}")
        self.origin, self.instances = origin, instances

    def __call__(  # type: ignore[override]
        self, endpoints: Any, spatial_shape: Sequence[int], slices: Sequence[int] | None = None
    ) -> Tensor:
        """Draw marks.

        Args:
            endpoints: ``(N, 4, 2)``, or ``(N, 8)`` as DeepLesion has them; the long axis' ends, then the short one's,
                each ``(column, row)``.
            spatial_shape: ``(X, Y)`` = (columns, rows) of the image, or ``(X, Y, Z)``.
            slices: ``(N,)`` slice of each mark, counted from 0; needed in 3D.

        Returns:
            ``(1, X, Y)`` or ``(1, X, Y, Z)`` uint8, or int16 with ``instances``.

        Raises:
            ValueError: a 3D image without a slice for each mark, or a slice that it does not have.
        """
        marks = as_marks(endpoints).to(torch.float64)
        if self.origin != "edge":
            marks = one_based_to_edge(marks) if self.origin == "one_based" else voxel_to_edge(marks)
        shape = tuple(int(size) for size in spatial_shape)
        places = _places(shape, len(marks), slices)
        mask = np.zeros(shape, dtype=np.int16 if self.instances else np.uint8)
        for number, (mark, place) in enumerate(zip(marks.numpy(), places, strict=True), start=1):
            mask[place][recist_ellipse_mask(mark, shape[:2])] = number if self.instances else 1
        return torch.from_numpy(mask)[None]


class RecistToEllipseMaskd(MapTransform):
    """Dictionary form of :class:`RecistToEllipseMask`; it adds a mask with the image's metadata, and keeps the marks.

    Args:
        keys: key of the marks.
        mask_key: key for the mask.
        ref_image_key: key of the image that tells shape and place, ``(C, X, Y)`` or ``(C, X, Y, Z)``.
        slice_key: key of the ``(N,)`` slices of the marks, for a 3D image.
        origin: see :class:`RecistToEllipseMask`.
        instances: see :class:`RecistToEllipseMask`.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: there is more than one key.
    """

    backend = RecistToEllipseMask.backend

    def __init__(
        self,
        keys: KeysCollection,
        mask_key: Hashable = "mask",
        ref_image_key: Hashable = "image",
        slice_key: Hashable | None = None,
        origin: MarkOrigin = "voxel",
        instances: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"one mask is drawn from one key of marks, got {self.keys}")
        self.to_mask = RecistToEllipseMask(origin, instances)
        self.mask_key, self.ref_image_key, self.slice_key = mask_key, ref_image_key, slice_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the mask to a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[self.ref_image_key]
            slices = None if self.slice_key is None else item[self.slice_key]
            item[self.mask_key] = with_meta_of(self.to_mask(item[key], image.shape[1:], slices), image)
        return item


def _places(shape: tuple[int, ...], count: int, slices: Sequence[int] | None) -> list[tuple[Any, ...]]:
    """Where in the mask each mark is drawn."""
    if len(shape) == 2:
        return [(...,)] * count
    numbers = [] if slices is None else [int(number) for number in slices]
    if len(shape) != 3 or len(numbers) != count:
        raise ValueError(f"image of shape {shape}, {count} marks, {len(numbers)} slices: in 3D each mark needs a slice")
    if any(not 0 <= number < shape[2] for number in numbers):
        raise ValueError(f"slices {numbers} of an image with {shape[2]}: they count from 0")
    return [(..., number) for number in numbers]
