"""Masks beside images: what the dictionary forms of all transforms that make a mask share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import ensure_tuple_rep
from torch import Tensor


class AddMasksd(MapTransform):
    """Add a mask for each image, and keep the images.

    Args:
        keys: keys of the images.
        mask_keys: keys for the masks, one for each image.
        to_mask: makes a mask of an image.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: two images would share a key for their masks.
    """

    def __init__(
        self,
        keys: KeysCollection,
        mask_keys: KeysCollection,
        to_mask: Callable[[Any], Tensor],
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.to_mask = to_mask
        self.mask_keys = ensure_tuple_rep(mask_keys, len(self.keys))
        if len(set(self.mask_keys)) != len(self.mask_keys):
            raise ValueError(f"each image needs a key for its own mask, got mask_keys {self.mask_keys}")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the masks to a copy of ``data``."""
        item = dict(data)
        for key, mask_key in self.key_iterator(item, self.mask_keys):
            item[mask_key] = self.to_mask(item[key])
        return item
