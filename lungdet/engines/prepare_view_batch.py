"""From a batch of cubes with two views each to what a network without labels learns from."""

from __future__ import annotations

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from .prepare_batch import Batch, flat_items


def prepare_view_batch(
    batch: Batch,
    device: str | torch.device | None = None,
    non_blocking: bool = False,
    image_key: str = "image",
    second_key: str = "second_view",
) -> tuple[Tensor, Tensor]:
    """Stack the first views, and the second ones behind them.

    Use it as ``prepare_batch`` of MONAI's trainers and evaluators, with ``collate_fn=monai.data.utils.no_collation``
    and ``decollate=False``. Items may be nested lists.

    Args:
        batch: items with both keys, each ``(C, X, Y, Z)``; see ``lungdet.transforms.RandTwoViewsd``.
        device: where both go.
        non_blocking: passed on to ``Tensor.to``.
        image_key: key of the first view.
        second_key: key of the second view.

    Returns:
        Views ``(2 B, C, X, Y, Z)``, free of metadata, and for each the place of its other view, ``(2 B,)``.

    Example:
        >>> item = {"image": torch.zeros(1, 2, 2, 2), "second_view": torch.ones(1, 2, 2, 2)}
        >>> views, partners = prepare_view_batch([[item, item], [item]])
        >>> views[:, 0, 0, 0, 0].tolist(), partners.tolist()
        ([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [3, 4, 5, 0, 1, 2])
    """
    items = list(flat_items(batch))
    views = [convert_to_tensor(item[key], track_meta=False) for key in (image_key, second_key) for item in items]
    stacked = torch.stack(views).to(device=device, non_blocking=non_blocking)
    return stacked, torch.arange(len(views), device=stacked.device).roll(len(items))
