"""From a batch of cubes to what a nodule classifier and its loss take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from lungdet.geometry.cubes import CUBE_SIDE
from lungdet.networks.nets.nodule_classifier import RATINGS, STEPS

from .prepare_batch import Batch, flat_items


def prepare_nodule_batch(
    batch: Batch,
    device: str | torch.device | None = None,
    non_blocking: bool = False,
    image_key: str = "image",
) -> tuple[Tensor, dict[str, Tensor]]:
    """Stack cubes and what is known of them, and take the metadata off.

    Use it as ``prepare_batch`` of MONAI's trainers and evaluators, with ``collate_fn=monai.data.utils.no_collation``
    and ``decollate=False``. Items may be nested lists, as random transforms with several samples return them.

    Args:
        batch: items with ``image_key`` ``(1, 48, 48, 48)``, and, where known, ``nodule`` 1 or 0, ``kind``, an index
            into ``NODULE_TYPES``, and ``ratings`` ``(7, 4)`` shares of the readers. Or a dictionary of such, collated.
        device: where all go.
        non_blocking: passed on to ``Tensor.to``.
        image_key: key of the cube.

    Returns:
        Cubes ``(B, 1, 48, 48, 48)`` float32, free of metadata, and ``nodule`` ``(B,)`` float32, ``kind`` ``(B,)`` int64
        and ``ratings`` ``(B, 7, 4)`` float32; -1, -1 and NaN where an item does not know.

    Raises:
        ValueError: the cubes are not of one size.

    Example:
        >>> cubes, told = prepare_nodule_batch([[{"image": torch.zeros(1, 48, 48, 48), "nodule": 0.0}]])
        >>> cubes.shape, told["nodule"].tolist(), told["kind"].tolist(), told["ratings"].shape
        (torch.Size([1, 1, 48, 48, 48]), [0.0], [-1], torch.Size([1, 7, 4]))
    """
    items = _apart(batch) if isinstance(batch, Mapping) else list(flat_items(batch))
    cubes = [convert_to_tensor(item[image_key], track_meta=False) for item in items]
    if len(sizes := sorted({tuple(cube.shape) for cube in cubes})) > 1:
        raise ValueError(f"cubes of a batch must have one size, got {sizes}")
    told = {name: _stacked(name, [item.get(name) for item in items]) for name in _UNKNOWN}
    told = {name: value.to(device=device, non_blocking=non_blocking) for name, value in told.items()}
    stacked = torch.stack(cubes) if cubes else torch.empty(0, 1, *[CUBE_SIDE] * 3)  # a scan without findings
    return stacked.float().to(device=device, non_blocking=non_blocking), told


_UNKNOWN = {
    "nodule": torch.tensor(-1.0),
    "kind": torch.tensor(-1),
    "ratings": torch.full((RATINGS, STEPS), torch.nan),
}


def _apart(batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Take a collated batch apart again, as far as it is needed here."""
    kept = {name: value for name, value in batch.items() if name in _UNKNOWN or torch.is_tensor(value)}
    return [dict(zip(kept, row, strict=True)) for row in zip(*kept.values(), strict=True)]


def _stacked(name: str, values: list[Any]) -> Tensor:
    """Stack one value of each item, or what says that it is not known."""
    unknown = _UNKNOWN[name]
    known = [unknown if value is None else torch.as_tensor(value).to(unknown.dtype) for value in values]
    return torch.stack(known) if known else unknown.new_empty(0, *unknown.shape)
