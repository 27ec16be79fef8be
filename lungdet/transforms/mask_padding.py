"""Voxels that hold no measurement: find them and make them air."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ensure_tuple, ensure_tuple_rep
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.hounsfield import AIR_HU, fill_padding, padding_mask

from .conversion import as_finished_image, check_holds, plain, with_meta_of
from .dicom_meta import find_number

LOWEST_HU = -1024.0  # 12-bit CT ends here; -2000, -3024 and the like are marks, not measurements


class MaskPadding(Transform):
    """Set padding outside the field of view to air, or to another value.

    Padding is what equals ``padding_hu``, what lies below ``below_hu``, NaN, and the PixelPaddingValue of the metadata.

    Args:
        padding_hu: one or more values that stand for padding, in HU.
        below_hu: everything below it, and NaN, is padding; ``None`` to go by values only.
        fill_hu: what padding becomes.
        use_meta: look for PixelPaddingValue (a stored value) in the metadata, together with the RescaleSlope and the
            RescaleIntercept that turn it into HU.

    Raises:
        ValueError: nothing says what padding is.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        padding_hu: float | Sequence[float] = (),
        below_hu: float | None = LOWEST_HU,
        fill_hu: float = AIR_HU,
        use_meta: bool = True,
    ) -> None:
        self.padding_hu = tuple(float(value) for value in ensure_tuple(padding_hu))
        if not self.padding_hu and below_hu is None and not use_meta:
            raise ValueError("nothing says what padding is: give padding_hu or below_hu, or use_meta=True")
        self.below_hu, self.fill_hu, self.use_meta = below_hu, fill_hu, use_meta

    def mask(self, image: Any) -> Tensor:
        """Tell where there is padding: ``(C, X, Y, Z)`` bool, with the metadata of ``image``."""
        image_hu = _checked(as_finished_image(image))
        return with_meta_of(padding_mask(plain(image_hu), self.values(image_hu), self.below_hu), image_hu)

    def __call__(self, image: Any) -> Tensor:
        """Fill the padding of ``(C, X, Y, Z)`` in HU; type and metadata are kept; without padding nothing is copied.

        Raises:
            ValueError: the image's type is not one for HU, or cannot hold ``fill_hu``.
        """
        image_hu = _checked(as_finished_image(image))
        check_holds(image_hu.dtype, self.fill_hu, "fill_hu")
        values = plain(image_hu)
        filled = fill_padding(values, self.fill_hu, self.values(image_hu), self.below_hu)
        return image_hu if filled is values else with_meta_of(filled, image_hu)

    def values(self, image_hu: Tensor) -> tuple[float, ...]:
        """Values that stand for padding in this image: those given, and that of its metadata."""
        return self.padding_hu + (_padding_of_meta(image_hu) if self.use_meta else ())


class MaskPaddingd(MapTransform):
    """Dictionary form of :class:`MaskPadding`, which can keep the mask as well.

    Args:
        keys: keys of the images.
        padding_hu: see :class:`MaskPadding`.
        below_hu: see :class:`MaskPadding`.
        fill_hu: see :class:`MaskPadding`.
        use_meta: see :class:`MaskPadding`.
        mask_keys: keys under which to keep the masks, one for each image; ``None`` keeps none.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = MaskPadding.backend

    def __init__(
        self,
        keys: KeysCollection,
        padding_hu: float | Sequence[float] = (),
        below_hu: float | None = LOWEST_HU,
        fill_hu: float = AIR_HU,
        use_meta: bool = True,
        mask_keys: KeysCollection | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.padding = MaskPadding(padding_hu, below_hu, fill_hu, use_meta)
        self.mask_keys = ensure_tuple_rep(mask_keys, len(self.keys))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Fill the padding of every image in a copy of ``data``."""
        item = dict(data)
        for key, mask_key in self.key_iterator(item, self.mask_keys):
            if mask_key is not None:
                item[mask_key] = self.padding.mask(item[key])
            item[key] = self.padding(item[key])
        return item


def _checked(image: Tensor) -> Tensor:
    """Refuse types in which torch hardly calculates, and which hold no HU below 0 anyway."""
    if image.dtype in (torch.uint16, torch.uint32, torch.uint64, torch.bool) or image.dtype.is_complex:
        raise ValueError(f"an image of {image.dtype} holds no HU: make it int16 or float32 first, see RescaleToHU")
    return image


def _padding_of_meta(image: Tensor) -> tuple[float, ...]:
    """PixelPaddingValue of the metadata in HU; nothing unless one slope and one intercept say how to get there.

    Without them a stored padding of 0 would be taken for 0 HU, which is water.
    """
    if not isinstance(image, MetaTensor):
        return ()
    keywords = ("PixelPaddingValue", "RescaleSlope", "RescaleIntercept")
    stored, slope, intercept = (find_number(image.meta, keyword) for keyword in keywords)
    if not (isinstance(stored, float) and isinstance(slope, float) and isinstance(intercept, float)):
        return ()
    return (stored * slope + intercept,)
