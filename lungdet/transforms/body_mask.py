"""The trunk on axial slices as a mask: :func:`lungdet.geometry.body_mask.body_mask` for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.body_mask import BODY_ABOVE_HU, body_mask
from lungdet.geometry.frames import spacing_of

from .add_masks import AddMasksd
from .conversion import as_finished_image, image_affine, plain, with_meta_of


class BodyMask(Transform):
    """Find the trunk on every axial slice: table, clothes and arms left out, air inside filled.

    Args:
        spacing_mm: size of a pixel along x and y; ``None`` takes it from the image's affine.
        above_hu: air ends here.

    Raises:
        ValueError: the spacing is not two positive numbers.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, spacing_mm: Sequence[float] | None = None, above_hu: float = BODY_ABOVE_HU) -> None:
        if spacing_mm is not None and (len(spacing_mm) != 2 or not min(spacing_mm) > 0):
            raise ValueError(f"spacing_mm must be two positive numbers, x and y, or None, got {spacing_mm}")
        self.spacing_mm, self.above_hu = spacing_mm, above_hu

    def __call__(self, image: Any) -> Tensor:
        """Return the mask of an image in HU, ``(1, X, Y)`` or ``(1, X, Y, Z)``: uint8, with the image's metadata.

        Raises:
            ValueError: the image has several channels, its slices are not axial, or nothing tells the spacing.
        """
        image_hu = as_finished_image(image)
        if image_hu.ndim not in (3, 4) or image_hu.shape[0] != 1:
            raise ValueError(f"an image (1, X, Y) or (1, X, Y, Z) is wanted, got {tuple(image_hu.shape)}")
        x_mm, y_mm = self.spacing_mm if self.spacing_mm is not None else _axial_spacing(image)
        values = plain(image_hu)[0].numpy()
        slices = np.moveaxis(values.reshape(*values.shape[:2], -1), 2, 0)  # (Z, X, Y)
        mask = np.empty(slices.shape, dtype=np.uint8)
        for index, values_xy in enumerate(slices):
            mask[index] = body_mask(values_xy.T, (y_mm, x_mm), self.above_hu).T
        return with_meta_of(torch.from_numpy(np.moveaxis(mask, 0, 2).reshape(values.shape))[None], image_hu)


class BodyMaskd(AddMasksd):
    """Dictionary form of :class:`BodyMask`, which adds masks and keeps the images.

    Args:
        keys: keys of the images.
        mask_keys: keys for the masks, one for each image.
        spacing_mm: see :class:`BodyMask`.
        above_hu: see :class:`BodyMask`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = BodyMask.backend

    def __init__(
        self,
        keys: KeysCollection,
        mask_keys: KeysCollection = "body",
        spacing_mm: Sequence[float] | None = None,
        above_hu: float = BODY_ABOVE_HU,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, mask_keys, BodyMask(spacing_mm, above_hu), allow_missing_keys)


def _axial_spacing(image: Any) -> tuple[float, float]:
    """Pixel size along x and y of an image whose third axis runs along the body."""
    if not isinstance(image, MetaTensor):
        raise ValueError(
            "the image has no affine, so its spacing is not known: load it with LoadCT, or give spacing_mm"
        )
    affine = image_affine(image, "image").numpy()
    if np.abs(affine[:3, :3]).argmax(axis=0)[: image.ndim - 1].tolist() != [0, 1, 2][: image.ndim - 1]:
        raise ValueError(
            "the slices are not axial: bring x to the first axis and z to the third, with Orientationd(axcodes='RAS')"
        )
    x_mm, y_mm = spacing_of(affine)[:2]
    return float(x_mm), float(y_mm)
