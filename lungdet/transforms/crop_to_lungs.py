"""A chest CT cut down to its lungs, so that no network spends its time on arms, table and belly."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, SpatialCrop, Transform
from torch import Tensor

from lungdet.geometry import lung_mask
from lungdet.geometry.frames import ras_to_lps, spacing_of

from .conversion import as_finished_image, image_affine, plain
from .lung_mask import LungMask
from .part_of_grid import resample_part, resampled_grid, span_of

MARGIN_MM = 20.0
LEAST_SHARE = 0.25  # of the smaller lung by the larger; below it, most of it may be as dense as tissue


class CropToLungs(Transform):
    """Crop a CT to the box of both lungs, with a margin; its affine goes along, so that places stay where they are.

    With ``spacing_mm`` the crop is resampled as well, to those voxels that ``Orientation("RAS")`` and
    ``Spacing(spacing_mm)`` would make of the whole image: same places, same values, and both leave it as it is. A cut
    before resampling would move the grid by parts of a voxel, and with it what a network answers.

    An image that does not show two lungs, or one of less than a quarter of the other, is left whole: what is not seen
    may be hidden by disease.

    Args:
        margin_mm: around the box, along each axis: nodules on the pleura, and what a network wants to see about them.
        spacing_mm: distance of voxels to resample to, along each axis; None keeps the image's own voxels.
        multiple: voxels of the resampled grid along each axis, counted from the whole one's begin, at multiples of
            which the crop may begin and end: where a network's cells or slabs do. Needs ``spacing_mm``.

    Raises:
        ValueError: the margin is negative or no number, the spacing is not positive, or a multiple not at least 1.
    """

    backend = LungMask.backend

    def __init__(
        self,
        margin_mm: float = MARGIN_MM,
        spacing_mm: Sequence[float] | None = None,
        multiple: Sequence[int] = (1, 1, 1),
    ) -> None:
        if not 0 <= margin_mm < math.inf:
            raise ValueError(f"margin_mm must not be negative, got {margin_mm}")
        if spacing_mm is not None and (len(spacing_mm) != 3 or not all(0 < step < math.inf for step in spacing_mm)):
            raise ValueError(f"spacing_mm must be three positive numbers, got {tuple(spacing_mm)}")
        if len(multiple) != 3 or not all(step >= 1 for step in multiple):
            raise ValueError(f"multiple must be three numbers of at least 1, got {tuple(multiple)}")
        self.margin_mm, self.spacing_mm, self.multiple = margin_mm, spacing_mm, tuple(multiple)

    def __call__(self, image: Any, lungs: Any = None) -> Tensor:
        """Crop an image in HU, ``(1, X, Y, Z)``.

        Args:
            image: the image, with its affine.
            lungs: its mask, as :class:`LungMask` makes it; None lets it be made.

        Returns:
            The crop, or the image itself.

        Raises:
            ValueError: the image is not ``(1, X, Y, Z)``, has no affine, or the mask is not of its shape.
        """
        image_hu = as_finished_image(image)
        mask = LungMask()(image_hu) if lungs is None else as_finished_image(lungs)
        if mask.shape != image_hu.shape:
            raise ValueError(f"the mask must have the image's shape {tuple(image_hu.shape)}, got {tuple(mask.shape)}")
        labels = plain(mask)[0].numpy()
        right, left = (int((labels == side).sum()) for side in (lung_mask.RIGHT, lung_mask.LEFT))
        if not min(right, left) > LEAST_SHARE * max(right, left):
            return image_hu
        found = lung_mask.LungMask(labels)
        if self.spacing_mm is None:
            spacing = spacing_of(ras_to_lps(image_affine(image_hu, "image").numpy()))
            x, y, z = (math.ceil(self.margin_mm / float(step)) for step in spacing)
            cropped: Tensor = SpatialCrop(roi_slices=list(found.box((x, y, z))))(image_hu)
            return cropped
        grid = resampled_grid(image_hu, self.spacing_mm)
        span = span_of(found.box(), image_hu, grid, self.margin_mm, self.multiple)
        return resample_part(image_hu, grid, span)


class CropToLungsd(MapTransform):
    """Dictionary form of :class:`CropToLungs`, which adds the mask of the whole image.

    Args:
        keys: keys of the images.
        mask_key: key for the mask of the first one, of the shape that it had; all are cropped by it.
        margin_mm: see :class:`CropToLungs`.
        spacing_mm: see there.
        multiple: see there.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = LungMask.backend

    def __init__(
        self,
        keys: KeysCollection,
        mask_key: str = "lungs",
        margin_mm: float = MARGIN_MM,
        spacing_mm: Sequence[float] | None = None,
        multiple: Sequence[int] = (1, 1, 1),
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.mask_key, self.crop = mask_key, CropToLungs(margin_mm, spacing_mm, multiple)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Crop the images in a copy of ``data``, and add the mask."""
        item = dict(data)
        for key in self.key_iterator(item):
            if not isinstance(item.get(self.mask_key), MetaTensor):
                item[self.mask_key] = LungMask()(item[key])
            item[key] = self.crop(item[key], item[self.mask_key])
        return item
