"""Both lungs of a chest CT as a mask: :func:`lungdet.geometry.lung_mask.lung_mask` for images."""

from __future__ import annotations

from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.frames import ras_to_lps
from lungdet.geometry.lung_mask import lung_mask

from .add_masks import AddMasksd
from .conversion import as_finished_image, image_affine, plain, with_meta_of


class LungMask(Transform):
    """Find the lungs: 1 in the patient's right one, 2 in the left one, 0 elsewhere; without windpipe and main bronchi.

    The axes may run in any order and direction, as the image's affine says. Where no lungs are seen all is 0, and
    ``meta["no_lungs"]`` of the mask says why; ``meta["lung_notes"]`` tells of a lung that is missing.

    Args:
        sides: tell the lungs apart; else both are 1.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, sides: bool = True) -> None:
        self.sides = sides

    def __call__(self, image: Any) -> Tensor:
        """Return the mask of an image in HU, ``(1, X, Y, Z)``: uint8, with the image's metadata.

        Raises:
            ValueError: the image is not ``(1, X, Y, Z)``, or has no affine.
        """
        image_hu = as_finished_image(image)
        if image_hu.ndim != 4 or image_hu.shape[0] != 1:
            raise ValueError(f"an image (1, X, Y, Z) is wanted, got {tuple(image_hu.shape)}")
        if not isinstance(image, MetaTensor):
            raise ValueError("the image has no affine, so the patient's sides are not known: load it with LoadCT")
        affine_lps = ras_to_lps(image_affine(image, "image").numpy())
        found = lung_mask(plain(image_hu)[0].numpy(), affine_lps)
        labels = torch.from_numpy(found.labels)
        mask = with_meta_of((labels if self.sides else labels.clamp(max=1))[None], image_hu)
        if isinstance(mask, MetaTensor):
            mask.meta["no_lungs"] = found.reason
            mask.meta["lung_notes"] = "; ".join(found.notes)
        return mask


class LungMaskd(AddMasksd):
    """Dictionary form of :class:`LungMask`, which adds masks and keeps the images.

    Args:
        keys: keys of the images.
        mask_keys: keys for the masks, one for each image.
        sides: see :class:`LungMask`.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: two images would share a key for their masks.
    """

    backend = LungMask.backend

    def __init__(
        self,
        keys: KeysCollection,
        mask_keys: KeysCollection = "lungs",
        sides: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, mask_keys, LungMask(sides), allow_missing_keys)
