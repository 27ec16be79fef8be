"""From a batch of labelled pictures to what a classifier and its loss take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from .prepare_batch import Batch, flat_items


def prepare_picture_batch(
    batch: Batch,
    device: str | torch.device | None = None,
    non_blocking: bool = False,
    image_key: str = "image",
    label_key: str = "label",
) -> tuple[Tensor, Tensor | None]:
    """Stack pictures and labels, and take the metadata off.

    Use it as ``prepare_batch`` of MONAI's trainers and evaluators. A trainer needs no metadata, and is faster with
    ``collate_fn=monai.data.utils.no_collation``; an evaluator that decollates needs MONAI's own collation.

    Args:
        batch: items with ``image_key``, ``(1, rows, columns)``, all of one size, and ``label_key``: a class, or
            ``(K,)`` of 0 and 1; pictures that are only to be labelled have none. Or one dictionary of such, collated.
        device: where both go.
        non_blocking: passed on to ``Tensor.to``.
        image_key: key of the picture.
        label_key: key of the label.

    Returns:
        Images ``(B, 1, rows, columns)``, free of metadata, and labels, ``(B,)`` int64 or ``(B, K)`` float32; None
        where an item has no label.

    Raises:
        ValueError: the pictures are not of one size.

    Example:
        >>> images, labels = prepare_picture_batch([{"image": torch.zeros(1, 8, 8), "label": 3}] * 2)
        >>> images.shape, labels
        (torch.Size([2, 1, 8, 8]), tensor([3, 3]))
    """
    if isinstance(batch, Mapping):
        images, labels = convert_to_tensor(batch[image_key], track_meta=False), batch.get(label_key)
        labels = None if labels is None else torch.stack([_label(label) for label in labels])
        return _to(images, device, non_blocking), _to(labels, device, non_blocking)
    items = list(flat_items(batch))
    pictures = [convert_to_tensor(item[image_key], track_meta=False) for item in items]
    sizes = sorted({tuple(picture.shape) for picture in pictures})
    if len(sizes) > 1:
        raise ValueError(f"pictures of a batch must have one size, got {sizes}; end the transforms with FitPictured")
    known = all(label_key in item for item in items)
    labels = torch.stack([_label(item[label_key]) for item in items]) if known else None
    return _to(torch.stack(pictures), device, non_blocking), _to(labels, device, non_blocking)


def _to(tensor: Any, device: str | torch.device | None, non_blocking: bool) -> Any:
    return None if tensor is None else tensor.to(device=device, non_blocking=non_blocking)


def _label(value: Any) -> Tensor:
    """A class as int64, several as float32.

    Example:
        >>> _label(2), _label([0, 1])
        (tensor(2), tensor([0., 1.]))
    """
    label = torch.as_tensor(value)
    return label.to(torch.float32 if label.ndim else torch.int64)
