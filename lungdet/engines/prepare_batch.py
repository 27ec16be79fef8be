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
    ignore_key: str = "ignore_box",
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Stack the images and keep the boxes as a list, since every patch has its own number of nodules.

    Use it as ``prepare_batch`` of MONAI's trainers, with ``collate_fn=monai.data.utils.no_collation`` and
    ``decollate=False``. Items may be nested lists, as random crops with several samples return them.

    Args:
        batch: items with ``image_key``, ``(1, X, Y, Z)``, and ``box_key``, ``(N, 6)`` in the edge frame of that image.
        device: where both go.
        non_blocking: passed on to ``Tensor.to``.
        image_key: key of the image.
        box_key: key of the boxes.
        ignore_key: key of boxes that are neither nodule nor background; an item may lack it.

    Returns:
        Images ``(B, 1, X, Y, Z)``, free of metadata, and ``B`` targets: ``box`` ``(N, 6)``, and ``ignore_box``
        ``(M, 6)`` where the item has it.

    Example:
        >>> patch = {"image": torch.zeros(1, 4, 4, 2), "box": torch.tensor([[0.0, 0, 0, 2, 2, 2]])}
        >>> images, targets = prepare_detection_batch([[patch, patch], [patch]])
        >>> images.shape, len(targets)
        (torch.Size([3, 1, 4, 4, 2]), 3)
    """
    items = list(flat_items(batch))
    images = torch.stack([convert_to_tensor(item[image_key], track_meta=False) for item in items])

    def boxes_of(item: Mapping[str, Any], key: str) -> Tensor:
        boxes = torch.as_tensor(item[key], dtype=torch.float32).reshape(-1, 6)
        return boxes.to(device=device, non_blocking=non_blocking)

    targets = [{"box": boxes_of(item, box_key)} for item in items]
    for target, item in zip(targets, items, strict=True):
        if ignore_key in item:
            target["ignore_box"] = boxes_of(item, ignore_key)
    return images.to(device=device, non_blocking=non_blocking), targets


def flat_items(batch: Batch) -> Iterator[Mapping[str, Any]]:
    """Yield the items of a batch, however lists are nested in it."""
    if isinstance(batch, Mapping):
        yield batch
        return
    for item in batch:
        yield from flat_items(item)
