"""A scan divided into patches."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.transforms.traits import MultiSampleTrait
from monai.utils import ensure_tuple, ensure_tuple_rep
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.patches import Border, grid_origins, grid_starts
from lungdet.geometry.stitching import owned_region

from .box_crops import BoxCrop, Keep, box_rows, crop_rows
from .conversion import as_finished_image
from .patch_image import common_size, cut_patch


class GridPatches(Transform, MultiSampleTrait):
    """Divide an image into patches of one size: a partition, or with overlap.

    Patches inside the image are **views** of it: nothing is copied, and an in-place change shows in the image and in
    overlapping patches. Only patches that stick out at the far end are copied and padded, never the whole image.
    Each patch carries its own affine, and ``meta["patch_origin"]`` and ``meta["scan_size"]``, from which
    :class:`StitchPatches` puts the image together again.

    Args:
        patch_size: voxels of a patch, one number for all spatial axes or one for each.
        overlap: voxels that neighbours share, likewise; 0 makes an exact partition.
        border: ``"pad"`` keeps the grid regular, and the last patches stick out at the far end; ``"shift"`` moves the
            last patches back inside, where they overlap more.
        pad_value: what the voxels outside the image hold; needed where patches stick out.

    Raises:
        ValueError: a size is not positive, or the overlap is not smaller than the patch.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        patch_size: int | Sequence[int],
        overlap: int | Sequence[int] = 0,
        border: Border = "pad",
        pad_value: float | None = None,
    ) -> None:
        if border not in ("pad", "shift"):
            raise ValueError(f"border must be 'pad' or 'shift', got {border!r}")
        if min(ensure_tuple(patch_size)) < 1 or min(ensure_tuple(overlap)) < 0:
            raise ValueError(f"patches need a size and an overlap not below 0, got {patch_size} and {overlap}")
        self.patch_size, self.overlap, self.border, self.pad_value = patch_size, overlap, border, pad_value

    def sizes(self, image_size: Sequence[int]) -> tuple[int, ...]:
        """Voxels of a patch along each axis of an image of that spatial size."""
        return tuple(ensure_tuple_rep(self.patch_size, len(image_size)))

    def starts(self, image_size: Sequence[int]) -> list[list[int]]:
        """Where the patches of an image of that spatial size start along each axis.

        Raises:
            ValueError: the overlap is not smaller than the patch.
        """
        sizes = self.sizes(image_size)
        overlaps = ensure_tuple_rep(self.overlap, len(image_size))
        steps = [size - overlap for size, overlap in zip(sizes, overlaps, strict=True)]
        return grid_starts(image_size, sizes, steps, self.border)

    def __call__(self, image: Any) -> list[Tensor]:
        """Divide ``(C, X, Y, Z)`` into patches ``(C, *patch_size)``, the last axis running fastest."""
        scan = as_finished_image(image)
        size = tuple(scan.shape[1:])
        return [cut_patch(scan, at, self.sizes(size), self.pad_value) for at in grid_origins(self.starts(size))]


class GridPatchesd(MapTransform, MultiSampleTrait):
    """Dictionary form of :class:`GridPatches`: one dictionary for each patch, with the boxes that belong to it.

    Besides the patches each dictionary holds ``patch_origin`` and ``scan_size``, ``(3,)`` int64 tensors, which survive
    collation and the loss of metadata in a network. Everything else is passed on as it is.

    Args:
        keys: keys of the images, all of one size.
        patch_size: see :class:`GridPatches`.
        overlap: see :class:`GridPatches`.
        border: see :class:`GridPatches`.
        pad_value: see :class:`GridPatches`; one for all images, or one for each.
        box_key: key of the boxes, ``(N, 6)`` in the edge frame of the image, which are chosen, shifted and cut.
        label_keys: keys of what rides along with the boxes, ``(N, ...)`` each: labels, scores.
        keep: which boxes go into a patch, see :class:`BoxCrop`.
        min_overlap: see :class:`BoxCrop`.
        clip: see :class:`BoxCrop`.
        allow_missing_keys: do not complain about images, boxes and labels that are not there.
    """

    backend = GridPatches.backend

    def __init__(
        self,
        keys: KeysCollection,
        patch_size: int | Sequence[int],
        overlap: int | Sequence[int] = 0,
        border: Border = "pad",
        pad_value: float | Sequence[float] | None = None,
        box_key: Hashable | None = None,
        label_keys: KeysCollection = (),
        keep: Keep = "center",
        min_overlap: float = 0.5,
        clip: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.grid = GridPatches(patch_size, overlap, border)
        self.pad_values = ensure_tuple_rep(pad_value, len(self.keys))
        self.crop = BoxCrop(keep, min_overlap, clip)
        self.box_key, self.label_keys = box_key, ensure_tuple(label_keys)

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Divide the images of ``data``.

        Raises:
            ValueError: the images differ in size, or labels and boxes in number.
        """
        images = {key: as_finished_image(data[key]) for key in self.key_iterator(dict(data))}
        size = common_size(images)
        starts, patch_size = self.grid.starts(size), self.grid.sizes(size)
        rows = box_rows(data, self.box_key, self.label_keys, self.allow_missing_keys)
        items = []
        for origin in grid_origins(starts):
            item = dict(data)
            for key, pad_value in self.key_iterator(item, self.pad_values):
                item[key] = cut_patch(images[key], origin, patch_size, pad_value)
            owned = owned_region(origin, starts, patch_size) if self.crop.keep == "owner" else None
            item.update(crop_rows(rows, self.box_key, self.crop, origin, patch_size, owned))
            item["patch_origin"], item["scan_size"] = torch.tensor(origin), torch.tensor(size)
            items.append(item)
        return items
