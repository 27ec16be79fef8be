"""From a batch of stacks of slices to what a body-part regressor and its loss take."""

from __future__ import annotations

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from .prepare_batch import Batch, flat_items


def prepare_slice_batch(
    batch: Batch,
    device: str | torch.device | None = None,
    non_blocking: bool = False,
    image_key: str = "image",
    positions_key: str = "positions_mm",
) -> tuple[Tensor, Tensor]:
    """Stack stacks, and take the metadata off.

    Use it as ``prepare_batch`` of MONAI's trainers and evaluators, with ``collate_fn=monai.data.utils.no_collation``,
    or MONAI's own collation.

    Args:
        batch: items with ``image_key``, ``(M, 1, rows, columns)``, and ``positions_key``, ``(M,)``; all of one shape.
        device: where both go.
        non_blocking: passed on to ``Tensor.to``.
        image_key: key of the slices.
        positions_key: key of where they lie.

    Returns:
        Slices ``(B, M, 1, rows, columns)`` and positions ``(B, M)`` in mm, towards the feet; both float32.

    Example:
        >>> item = {"image": torch.zeros(8, 1, 4, 4), "positions_mm": torch.arange(8)}
        >>> [tuple(part.shape) for part in prepare_slice_batch([item, item])]
        [(2, 8, 1, 4, 4), (2, 8)]
    """
    items = list(flat_items(batch))
    parts = [
        torch.stack([convert_to_tensor(item[key], track_meta=False) for item in items])
        for key in (image_key, positions_key)
    ]
    if parts[0].ndim == 6:  # MONAI's collation has stacked one dictionary already
        parts = [part[0] for part in parts]
    images, positions = (part.to(device=device, dtype=torch.float32, non_blocking=non_blocking) for part in parts)
    return images, positions
