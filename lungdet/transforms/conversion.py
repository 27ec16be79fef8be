"""What goes into a transform and comes out: NumPy or torch in, torch out, metadata kept, nothing copied in between."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor, get_track_meta
from monai.transforms import TraceableTransform
from monai.transforms.lazy.functional import apply_pending
from monai.utils.enums import MetaKeys
from torch import Tensor


def as_image(image: Any) -> Tensor:
    """Take an image as a tensor: a ``MetaTensor`` while MONAI tracks metadata, else a plain one.

    MONAI's own ``convert_to_tensor`` makes everything C-contiguous, which copies a scan that is an ``(X, Y, Z)`` view
    of a ``(Z, Y, X)`` block. Here the tensor shares memory with what came in, unless torch cannot (read-only arrays,
    negative strides, foreign byte order).
    """
    tensor = image if isinstance(image, Tensor) else _from_numpy(np.asarray(image))
    if not get_track_meta():
        return plain(tensor)
    return tensor if isinstance(tensor, MetaTensor) else MetaTensor(tensor)


def as_finished_image(image: Any) -> Tensor:
    """:func:`as_image`, with the spatial transforms applied that still wait on it (``lazy=True``).

    A lazy ``Compose`` does so before each transform that is not lazy; called by itself, a transform would else work on
    voxels that are not where they will be.
    """
    tensor = as_image(image)
    if isinstance(tensor, MetaTensor) and tensor.has_pending_operations:
        return apply_pending(tensor.clone())[0]  # a clone: the caller's image keeps what waits on it
    return tensor


def plain(tensor: Tensor) -> Tensor:
    """Strip the metadata: the same memory as an ordinary tensor, so that arithmetic does not drag metadata along."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


def with_meta_of(result: Tensor, source: Any) -> Tensor:
    """Give ``result`` a copy of the metadata of ``source``, if that has any."""
    return MetaTensor(plain(result)).copy_meta_from(source) if isinstance(source, MetaTensor) else result


def as_boxes(boxes: Any) -> Tensor:
    """Take boxes, marks or other rows of numbers as an ordinary floating-point tensor; whole numbers become float32."""
    tensor = plain(boxes) if isinstance(boxes, Tensor) else torch.as_tensor(np.asarray(boxes))
    return tensor if tensor.dtype.is_floating_point else tensor.to(torch.float32)


def as_box_rows(boxes: Any, columns: int = 6) -> Tensor:
    """:func:`as_boxes`, and an empty list, as JSON has it for a scan without nodules, becomes ``(0, columns)``."""
    tensor = as_boxes(boxes)
    return tensor.reshape(0, columns) if tensor.numel() == 0 else tensor


def image_affine(image: Any, name: Hashable, *, in_patient: bool = True) -> Tensor:
    """Affine of an image, ``(4, 4)`` float64 in RAS; with transforms still pending, the one it will have.

    Every ``MetaTensor`` has one, if only the identity that MONAI puts in place of metadata that was lost on the way.

    Args:
        image: the image.
        name: its key, for messages.
        in_patient: the affine must lead to the patient, not only from one image to the next.

    Raises:
        ValueError: the image carries no affine, or one that no loader gave it.
    """
    if not isinstance(image, MetaTensor):
        raise ValueError(
            f"{name!r} is a {type(image).__name__} without affine: load it with LoadCTd or another MONAI loader "
            "and keep metadata tracked (monai.data.set_track_meta(True))"
        )
    affine = torch.as_tensor(image.peek_pending_affine()).to(torch.float64)
    if in_patient and not _has_place(image, affine):
        raise ValueError(
            f"{name!r} has lost its metadata, so that its affine is made up and leads to no patient: cache with "
            "PersistentDataset(..., track_meta=True, weights_only=False), or give a MetaTensor made by hand "
            "meta={'original_affine': affine}"
        )
    return affine


def _has_place(image: MetaTensor, affine: Tensor) -> bool:
    """Whether a loader left its mark, or the affine was set by hand and nothing has been applied since."""
    if MetaKeys.ORIGINAL_AFFINE in image.meta or "filename_or_obj" in image.meta:
        return True
    untouched = not (image.applied_operations or image.has_pending_operations)
    return untouched and not torch.equal(affine, torch.eye(len(affine), dtype=affine.dtype, device=affine.device))


def check_holds(dtype: torch.dtype, value: float, argument: str) -> None:
    """Refuse a number that a type cannot hold.

    Args:
        dtype: type of an image.
        value: what is to be written into it.
        argument: its name, for the message.

    Raises:
        ValueError: it does not fit.

    Example:
        >>> check_holds(torch.int16, -1000, "value")
    """
    if dtype.is_floating_point:
        fits = not math.isfinite(value) or abs(value) <= torch.finfo(dtype).max
    elif dtype == torch.bool:
        fits = value in (0, 1)
    else:
        limits = torch.iinfo(dtype)
        fits = math.isfinite(value) and value == int(value) and limits.min <= value <= limits.max
    if not fits:
        raise ValueError(f"{argument}={value:g} does not fit into {dtype}: convert the image, or give another value")


def own_trace(data: dict[Hashable, Any], key: Hashable) -> None:
    """Copy the list that traces ``data[key]``, where it lies in the dictionary, before it is written to.

    A dictionary transform copies its input only one level deep, so pushing to the list, or popping, would change the
    trace of the caller's data.
    """
    trace = TraceableTransform.trace_key(key)
    if trace in data:
        data[trace] = list(data[trace])


def _from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy(order="K")
    return torch.from_numpy(array)
