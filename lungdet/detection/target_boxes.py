"""The forms in which a criterion takes the boxes of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import Tensor


def target_boxes(
    target: Any, device: torch.device, box_key: str = "box", ignore_key: str = "ignore_box"
) -> tuple[Tensor, Tensor | None]:
    """Take the boxes, and those to ignore, out of one image's target.

    Args:
        target: ``(N, 6)`` boxes in any array form, or a mapping that holds them. Rows of zeros are padding.
        device: where they go.
        box_key: key of the boxes in a mapping.
        ignore_key: key of the boxes to ignore; it may be absent.

    Returns:
        Plain float32 tensors, ``(N, 6)`` and ``(M, 6)`` or None.

    Raises:
        ValueError: a mapping does not hold ``box_key``.
    """
    ignore = None
    if isinstance(target, Mapping):
        if box_key not in target:
            raise ValueError(f"a target must hold {box_key!r}, got the keys {sorted(map(str, target))}")
        ignore = target.get(ignore_key)
        target = target[box_key]
    return _plain(target, device), None if ignore is None else _plain(ignore, device)


def _plain(boxes: Tensor | Sequence[Any], device: torch.device) -> Tensor:
    """Return boxes as a plain tensor, ``(N, 6)``, without padding rows."""
    tensor: Tensor = convert_to_tensor(boxes, dtype=torch.float32, device=device, wrap_sequence=True, track_meta=False)
    tensor = tensor.reshape(0, 6) if tensor.numel() == 0 else tensor
    return tensor[(tensor != 0).any(dim=1)] if tensor.ndim == 2 else tensor
