"""Readers' outlines to masks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import MetaKeys, TransformBackends
from numpy.typing import NDArray
from torch import Tensor

from lungdet.geometry.drawn_slices import (
    OFF_SLICE,
    check_as_acquired,
    find_slices,
    slice_numbers,
    slice_positions_mm,
)
from lungdet.geometry.frames import ras_to_lps
from lungdet.geometry.voxel_sets import IntArray, fill_contours, unite_voxels, vote_voxels
from lungdet.records import Mark, Nodule, SeriesInfo
from lungdet.records.mark import MarkKind

from .conversion import image_affine, with_meta_of

Outlined: TypeAlias = Mark | Nodule
FloatArray: TypeAlias = NDArray[np.float64]


class ContoursToMask(Transform):
    """Fill outlines on the image that they were drawn on.

    A :class:`~lungdet.records.Nodule` becomes its consensus: the voxels that at least ``nodule.votes`` readers include.
    A :class:`~lungdet.records.Mark` becomes what its reader drew. Outlines run outside: their own pixels stay 0; holes
    are cut out together with their outline (:mod:`lungdet.geometry.contours`).

    Outlines are in pixels of the slices as acquired, so this comes right after
    :class:`~lungdet.transforms.LoadCT`, and files whose rows or columns were turned around are refused
    (:mod:`lungdet.geometry.drawn_slices`); whatever flips, resamples or crops comes later, to image and mask alike.

    Args:
        kinds: kinds that are drawn; points, of small nodules and non-nodules, become single voxels.
        instances: number what was given from 1, later ones on top; else all are 1.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, kinds: Sequence[MarkKind] = ("nodule",), instances: bool = False) -> None:
        self.kinds, self.instances = tuple(kinds), instances

    def __call__(self, outlined: Sequence[Outlined], image: Any) -> Tensor:  # type: ignore[override]
        """Draw.

        Args:
            outlined: marks or nodules of one series; none give an empty mask.
            image: ``(C, X, Y, Z)`` MetaTensor, as loaded.

        Returns:
            ``(1, X, Y, Z)`` uint8, or int16 with ``instances``, with the metadata of ``image``.

        Raises:
            ValueError: the image carries no affine, was moved since it was loaded, or is not the one that was marked.
        """
        shape, affine_lps = _grid_of(image)
        mask = np.zeros(shape, dtype=np.int16 if self.instances else np.uint8)
        for number, one in enumerate(outlined, start=1):
            if one.kind in self.kinds:
                column, row, k = _voxels(one, image, shape, affine_lps).T
                mask[column, row, k] = number if self.instances else 1
        return with_meta_of(torch.from_numpy(mask)[None], image)


class ContoursToMaskd(MapTransform):
    """Dictionary form of :class:`ContoursToMask`; it adds masks, and keeps the outlines.

    Args:
        keys: keys of the marks or nodules.
        mask_key: key for the mask.
        ref_image_key: key of the image that they were drawn on.
        kinds: see :class:`ContoursToMask`.
        instances: see :class:`ContoursToMask`.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: there is more than one key.
    """

    backend = ContoursToMask.backend

    def __init__(
        self,
        keys: KeysCollection,
        mask_key: Hashable = "mask",
        ref_image_key: Hashable = "image",
        kinds: Sequence[MarkKind] = ("nodule",),
        instances: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"one mask is drawn from one key of outlines, got {self.keys}")
        self.to_mask = ContoursToMask(kinds, instances)
        self.mask_key, self.ref_image_key = mask_key, ref_image_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the mask to a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[self.mask_key] = self.to_mask(item[key], item[self.ref_image_key])
        return item


def _grid_of(image: Any) -> tuple[tuple[int, int, int], FloatArray]:
    """Return ``(X, Y, Z)`` and the affine in LPS, once it is sure that the pixels are those of the slices."""
    affine = image_affine(image, "image")
    if image.ndim != 4:
        raise ValueError(f"outlines are drawn on an image (C, X, Y, Z), got {tuple(image.shape)}")
    original = image.meta.get(MetaKeys.ORIGINAL_AFFINE)
    loaded_shape = image.meta.get(MetaKeys.SPATIAL_SHAPE, image.shape[1:])
    same_place = original is None or torch.allclose(torch.as_tensor(original, dtype=affine.dtype), affine, atol=1e-4)
    if not same_place or tuple(int(size) for size in loaded_shape) != tuple(image.shape[1:]):
        raise ValueError(
            "the image was flipped, resampled or cropped since it was loaded, and outlines are in its pixels: draw "
            "them right after LoadCTd, then move image and mask together"
        )
    info = _series_of(image)
    affine_lps = np.asarray(ras_to_lps(affine.numpy()), dtype=np.float64)
    check_as_acquired(affine_lps, volume_file=info is not None and not info.slice_uids)
    x, y, z = image.shape[1:]
    return (int(x), int(y), int(z)), affine_lps


def _voxels(one: Outlined, image: MetaTensor, shape: tuple[int, int, int], affine_lps: FloatArray) -> IntArray:
    """List the voxels of a mark or of a nodule's consensus, ``(m, 3)`` as ``(i, j, k)`` of the image."""
    marks = [one] if isinstance(one, Mark) else [mark for mark in one.marks if mark.kind == one.kind]
    info = _series_of(image)
    if info is not None and info.series_uid not in ("", marks[0].series_uid):
        raise ValueError(f"{info.source} is series {info.series_uid}, the outlines are of {marks[0].series_uid}")
    contours = [contour for mark in marks for contour in mark.contours]
    try:
        numbers = find_slices(contours, affine_lps, shape, () if info is None else info.slice_uids)
    except ValueError as error:
        raise ValueError(f"{marks[0].nodule_id!r}: {error}") from error
    slices_mm = np.unique(slice_positions_mm(np.unique(numbers), affine_lps))
    tolerance_mm = OFF_SLICE * abs(float(affine_lps[2, 2]))
    pieces: dict[int, list[IntArray]] = {}
    for mark in marks:
        pieces.setdefault(mark.session, []).append(fill_contours(mark.contours, slices_mm, tolerance_mm))
    votes = 1 if isinstance(one, Mark) else one.votes
    voxels = vote_voxels([unite_voxels(of_reader) for of_reader in pieces.values()], votes)
    numbers_rising = np.rint(slice_numbers(slices_mm, affine_lps)).astype(np.int64)
    voxels[:, 2] = numbers_rising[voxels[:, 2]]
    return voxels


def _series_of(image: MetaTensor) -> SeriesInfo | None:
    text = image.meta.get("series")
    return SeriesInfo.from_json(text) if isinstance(text, str) else None
