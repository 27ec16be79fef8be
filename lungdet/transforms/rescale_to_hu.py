"""From stored values to HU."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.hounsfield import stored_to_hu

from .conversion import as_finished_image, plain, with_meta_of
from .dicom_meta import find_number

Rescale = float | Sequence[float] | Tensor


class RescaleToHU(Transform):
    """Turn stored values into HU: ``stored * slope + intercept``, in float32.

    What most loaders give is HU already (:class:`LoadCT`, ITK, nibabel); this is for arrays that come straight from a
    decoder, such as ``pydicom.Dataset.pixel_array``.

    Args:
        slope: RescaleSlope, or one for each slice of the last axis; ``None`` reads it from the metadata.
        intercept: RescaleIntercept, likewise.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, slope: Rescale | None = None, intercept: Rescale | None = None) -> None:
        self.slope = _as_rescale(slope)
        self.intercept = _as_rescale(intercept)

    def __call__(self, image: Any) -> Tensor:
        """Rescale ``(C, X, Y, Z)`` stored values of any integer or float type; metadata is kept.

        Raises:
            ValueError: slope or intercept are neither given nor in the metadata, or do not fit the slices.
        """
        stored = as_finished_image(image)
        slope = self._value("RescaleSlope", self.slope, image)
        intercept = self._value("RescaleIntercept", self.intercept, image)
        return with_meta_of(stored_to_hu(plain(stored), slope, intercept), stored)

    @staticmethod
    def _value(keyword: str, given: float | Tensor | None, image: Any) -> float | Tensor:
        value = given
        if value is None and isinstance(image, MetaTensor):
            value = find_number(image.meta, keyword)
        if value is None:
            raise ValueError(f"{keyword} is neither given nor in the image's metadata; pass it to RescaleToHU")
        return value


class RescaleToHUd(MapTransform):
    """Dictionary form of :class:`RescaleToHU`.

    Args:
        keys: keys of the images.
        slope: see :class:`RescaleToHU`.
        intercept: see :class:`RescaleToHU`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = RescaleToHU.backend

    def __init__(
        self,
        keys: KeysCollection,
        slope: Rescale | None = None,
        intercept: Rescale | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.rescale = RescaleToHU(slope, intercept)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Rescale every image in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.rescale(item[key])
        return item


def _as_rescale(value: Rescale | None) -> float | Tensor | None:
    if value is None or isinstance(value, (int, float, Tensor)):
        return value
    return torch.as_tensor(value, dtype=torch.float64)
