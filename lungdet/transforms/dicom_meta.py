"""DICOM elements in the metadata of an image, under the names that the loaders in circulation give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

# keyword (pydicom), "group|element" (ITK, GDCM) and eight digits (MONAI's PydicomReader, DICOM JSON)
_NAMES = {
    "RescaleSlope": ("RescaleSlope", "0028|1053", "00281053"),
    "RescaleIntercept": ("RescaleIntercept", "0028|1052", "00281052"),
    "PixelPaddingValue": ("PixelPaddingValue", "0028|0120", "00280120"),
}


def find_number(meta: Mapping[Any, Any], keyword: str) -> float | Tensor | None:
    """Read a numeric element from metadata.

    Args:
        meta: metadata of an image; values may be numbers, text, lists, arrays or DICOM JSON's ``{"Value": [...]}``.
        keyword: ``RescaleSlope``, ``RescaleIntercept`` or ``PixelPaddingValue``.

    Returns:
        A number, a float64 tensor with one number per slice, or ``None`` if there is no such element.

    Example:
        >>> find_number({"0028|1052": "-1024 "}, "RescaleIntercept"), find_number({}, "RescaleSlope")
        (-1024.0, None)
    """
    for name in _NAMES[keyword]:
        value = meta.get(name)
        if isinstance(value, Mapping):
            value = value.get("Value")
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if isinstance(value, str):
            return float(value)
        numbers = torch.as_tensor(value, dtype=torch.float64).flatten()
        if len(numbers):
            return numbers if len(numbers) > 1 else float(numbers)
    return None
