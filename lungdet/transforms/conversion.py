"""What goes into a transform and comes out: NumPy or torch in, torch out, metadata kept, nothing copied in between."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor, get_track_meta
from monai.transforms import TraceableTransform
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


def image_affine(image: Any, name: Hashable) -> Tensor:
    """Affine of an image, ``(4, 4)`` float64 in RAS; with transforms still pending, the one it will have.

    Raises:
        ValueError: the image carries no affine.
    """
    if not isinstance(image, MetaTensor):
        raise ValueError(
            f"{name!r} is a {type(image).__name__} without affine: load it with LoadCTd or another MONAI loader "
            "and keep metadata tracked (monai.data.set_track_meta(True))"
        )
    return torch.as_tensor(image.peek_pending_affine()).to(torch.float64)


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
