"""From a batch of lesions to what an embedding network and its loss take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from lungdet.lesions import LesionFacts, RelationLimits, relations, unlikeness

from .prepare_batch import Batch, flat_items


class PrepareLesionBatch:
    """Stack crops, and compare every lesion of the batch with every other by what is known of them.

    Use it as ``prepare_batch`` of MONAI's trainers, with ``collate_fn=monai.data.utils.no_collation``.

    Args:
        limits: settings of :class:`lungdet.lesions.RelationLimits`; the usual ones if None.
        image_key: key of the crops.
    """

    def __init__(self, limits: Mapping[str, float] | None = None, image_key: str = "image") -> None:
        self.limits, self.image_key = RelationLimits(**(limits or {})), image_key

    def __call__(
        self, batch: Batch, device: str | torch.device | None = None, non_blocking: bool = False
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return crops ``(B, 6, rows, columns)``, and ``levels`` and ``unlikeness`` of all pairs, ``(B, B)`` each.

        See :func:`lungdet.lesions.relations` and :func:`lungdet.lesions.unlikeness`.
        """
        items = list(flat_items(batch))
        crops = torch.stack([convert_to_tensor(item[self.image_key], track_meta=False) for item in items])
        facts, rows = LesionFacts.of_items(items), np.arange(len(items))
        told = {
            "levels": torch.from_numpy(relations(facts, rows, self.limits).astype(np.int64)),
            "unlikeness": torch.from_numpy(unlikeness(facts, rows).astype(np.float32)),
        }
        told = {name: value.to(device=device, non_blocking=non_blocking) for name, value in told.items()}
        return crops.to(device=device, non_blocking=non_blocking), told
