"""From a batch of patches to what the network and the criterion take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

Batch = Mapping[str, Any] | Sequence[Any]


def prepare_detection_batch(
    batch: Batch,
    device: str | torch.device | None = None,
    non_blocking: bool = False,
    image_key: str = "image",
    box_key: str = "box",
) -> tuple[Tensor, list[Tensor]]:
    """Stack the images and keep the boxes as a list, since every patch has its own number of nodules.

    Use it as ``prepare_batch`` of MONAI's trainers, with ``collate_fn=monai.data.utils.no_collation`` and
    ``decollate=False``. Items may be nested lists, as random crops with several samples return them.

    Args:
        batch: items with ``image_key``, ``(1, X, Y, Z)``, and ``box_key``, ``(N, 6)`` in the edge frame of that image.
        device: where both go.
        non_blocking: passed on to ``Tensor.to``.
        image_key: key of the image.
        box_key: key of the boxes.

    Returns:
        Images ``(B, 1, X, Y, Z)``, free of metadata, and ``B`` box tensors ``(N, 6)``.

    Example:
        >>> patch = {"image": torch.zeros(1, 4, 4, 2), "box": torch.tensor([[0.0, 0, 0, 2, 2, 2]])}
        >>> images, boxes = prepare_detection_batch([[patch, patch], [patch]])
        >>> images.shape, len(boxes)
        (torch.Size([3, 1, 4, 4, 2]), 3)
    """
    items = list(_flat(batch))
    images = torch.stack([convert_to_tensor(item[image_key], track_meta=False) for item in items])
    boxes = [torch.as_tensor(item[box_key], dtype=torch.float32).reshape(-1, 6) for item in items]
    return (
        images.to(device=device, non_blocking=non_blocking),
        [each.to(device=device, non_blocking=non_blocking) for each in boxes],
    )


def _flat(batch: Batch) -> Iterator[Mapping[str, Any]]:
    if isinstance(batch, Mapping):
        yield batch
        return
    for item in batch:
        yield from _flat(item)
