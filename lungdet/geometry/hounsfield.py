"""CT numbers: from stored values to Hounsfield units (HU), from HU to a window, and what is no CT number at all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

AIR_HU = -1000.0
_THRESHOLD_TYPES = (torch.int16, torch.int32, torch.int64, torch.float32, torch.float64)


class Window(NamedTuple):
    """A range of CT numbers, ``low_hu`` shown as black and ``high_hu`` as white."""

    low_hu: float
    high_hu: float


def window_from_center(center_hu: float, width_hu: float) -> Window:
    """Turn a reader's "level and width" into the ends of the window (LINEAR_EXACT of DICOM PS3.3 C.11.2.1.3.2).

    Example:
        >>> window_from_center(-600, 1600)
        Window(low_hu=-1400.0, high_hu=200.0)
    """
    return Window(center_hu - width_hu / 2, center_hu + width_hu / 2)


WINDOWS_HU: Mapping[str, Window] = MappingProxyType(
    {
        "lung": window_from_center(-600, 1600),
        "mediastinum": window_from_center(50, 350),
        "bone": window_from_center(400, 1800),
        "detection": Window(-1000.0, 400.0),  # from air to soft tissue: bone and contrast saturate
    }
)


def window_by_name(name: str) -> Window:
    """Look up one of :data:`WINDOWS_HU`.

    Raises:
        ValueError: there is no window of that name.

    Example:
        >>> window_by_name("mediastinum")
        Window(low_hu=-125.0, high_hu=225.0)
    """
    if name not in WINDOWS_HU:
        raise ValueError(f"no window is named {name!r}, choose from {sorted(WINDOWS_HU)} or give low_hu and high_hu")
    return WINDOWS_HU[name]


def stored_to_hu(stored: Tensor, slope: float | Tensor = 1.0, intercept: float | Tensor = 0.0) -> Tensor:
    """Turn stored values into HU: ``stored * slope + intercept`` (DICOM PS3.3 C.11.1.1.2), in float32.

    The values are widened before any arithmetic, so an intercept of -1024 cannot wrap around in an unsigned image.

    Args:
        stored: image ``(..., Z)`` of any integer or float type.
        slope: RescaleSlope, or ``(Z,)`` with one for each slice of the last axis.
        intercept: RescaleIntercept, or ``(Z,)`` likewise.

    Returns:
        HU, float32, same shape and memory order.

    Raises:
        ValueError: there are not as many slopes or intercepts as slices.

    Example:
        >>> stored_to_hu(torch.tensor([0, 24, 4095], dtype=torch.uint16), 1, -1024)
        tensor([-1024., -1000.,  3071.])
    """
    out = stored.to(torch.float32, copy=True)
    return out.mul_(_per_slice("slope", slope, out)).add_(_per_slice("intercept", intercept, out))


def scale_hu(image_hu: Tensor, low_hu: float, high_hu: float, clip: bool = True) -> Tensor:
    """Scale a window of CT numbers to ``[0, 1]``.

    One float32 copy is made, whatever the type and the memory order of the image; the rest is done in place.

    Args:
        image_hu: image of any shape, in HU, any integer or float type.
        low_hu: becomes 0.
        high_hu: becomes 1.
        clip: cut what lies outside the window; otherwise it leaves ``[0, 1]``.

    Returns:
        The scaled image, float32, same shape and memory order.

    Raises:
        ValueError: the window does not rise.

    Example:
        >>> scale_hu(torch.tensor([-1500, -1000, -300, 400, 3000], dtype=torch.int16), -1000, 400)
        tensor([0.0000, 0.0000, 0.5000, 1.0000, 1.0000])
    """
    check_window(low_hu, high_hu)
    out = image_hu.to(torch.float32, copy=True).sub_(low_hu).div_(high_hu - low_hu)
    return out.clamp_(0.0, 1.0) if clip else out


def unscale_hu(image: Tensor, low_hu: float, high_hu: float) -> Tensor:
    """Bring a scaled image back to HU: the inverse of :func:`scale_hu` inside the window.

    Example:
        >>> unscale_hu(torch.tensor([0.0, 0.5, 1.0]), -1000, 400)
        tensor([-1000.,  -300.,   400.])
    """
    check_window(low_hu, high_hu)
    return image.to(torch.float32, copy=True).mul_(high_hu - low_hu).add_(low_hu)


def padding_mask(image_hu: Tensor, padding_hu: Sequence[float] = (), below_hu: float | None = None) -> Tensor:
    """Find the voxels that hold no measurement.

    Args:
        image_hu: image of any shape, in HU.
        padding_hu: values that stand for padding; -3024 and -2000 are common.
        below_hu: everything below it is padding, and so is NaN; ``None`` to look at ``padding_hu`` only.

    Returns:
        True where there is padding, same shape.

    Example:
        >>> padding_mask(torch.tensor([-3024.0, -1000.0, 40.0, float("nan")]), below_hu=-1024)
        tensor([ True, False, False,  True])
    """
    if below_hu is None or not _holds_below(below_hu, image_hu.dtype):
        mask = torch.zeros_like(image_hu, dtype=torch.bool)
    elif image_hu.is_floating_point():
        mask = (image_hu >= below_hu).logical_not_()  # not `<`: NaN must count as padding
    else:  # with a float torch would compare in float: 3 x slower
        mask = image_hu <= _last_below(below_hu, image_hu.dtype)
    for value in padding_hu:
        mask |= image_hu == value
    return mask


def fill_padding(
    image_hu: Tensor, fill_hu: float = AIR_HU, padding_hu: Sequence[float] = (), below_hu: float | None = None
) -> Tensor:
    """Set the voxels that :func:`padding_mask` finds to ``fill_hu``.

    Returns:
        The filled image, same type and memory order; ``image_hu`` itself if it holds no padding.

    Example:
        >>> fill_padding(torch.tensor([-3024, -1000, 40], dtype=torch.int16), below_hu=-1024)
        tensor([-1000, -1000,    40], dtype=torch.int16)
    """
    if below_hu is not None and not padding_hu and image_hu.numel():
        lowest = float(image_hu.amin())  # as a number: torch would wrap below_hu around in int16
        if lowest >= below_hu:
            return image_hu
        if not math.isnan(lowest) and image_hu.dtype in _THRESHOLD_TYPES:  # one pass, a quarter of the time of a mask
            return torch.nn.functional.threshold(image_hu, _last_below(below_hu, image_hu.dtype), fill_hu)
    mask = padding_mask(image_hu, padding_hu, below_hu)
    return fill_where(image_hu, mask, fill_hu)


def fill_where(image_hu: Tensor, mask: Tensor, fill_hu: float = AIR_HU) -> Tensor:
    """Set voxels to ``fill_hu`` where ``mask`` is true; ``image_hu`` itself comes back if it is true nowhere.

    Example:
        >>> fill_where(torch.tensor([5, 6]), torch.tensor([True, False]), -1000)
        tensor([-1000,     6])
    """
    if not mask.any():
        return image_hu
    return torch.where(mask, image_hu.new_tensor(fill_hu), image_hu)  # a bare number would make float32 of int16


def _holds_below(below_hu: float, dtype: torch.dtype) -> bool:
    """Whether the type has a value below ``below_hu`` at all: uint8 has none below -1024."""
    return dtype.is_floating_point or below_hu > torch.iinfo(dtype).min


def _last_below(below_hu: float, dtype: torch.dtype) -> float:
    """Largest value of ``dtype`` that is below ``below_hu``; there must be one, see :func:`_holds_below`."""
    if dtype.is_floating_point:
        kind = np.float64 if dtype == torch.float64 else np.float32
        return float(np.nextafter(kind(below_hu), kind(-np.inf)))
    limits = torch.iinfo(dtype)
    return max(limits.min, min(limits.max, math.ceil(below_hu) - 1))


def check_window(low_hu: float, high_hu: float) -> None:
    """Refuse a window that does not rise.

    Raises:
        ValueError: ``high_hu`` is not above ``low_hu``.
    """
    if not high_hu > low_hu:
        raise ValueError(f"window must rise: low_hu={low_hu}, high_hu={high_hu}")


def _per_slice(name: str, value: float | Tensor, image: Tensor) -> float | Tensor:
    if not isinstance(value, Tensor) or value.numel() == 1:
        return float(value)
    if value.shape != image.shape[-1:]:
        raise ValueError(f"{name} has shape {tuple(value.shape)}, but the image has {image.shape[-1]} slices")
    return value.to(image)
