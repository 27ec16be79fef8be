"""Boxes that go into a patch: which of them, and how they are shifted and cut."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from lungdet.geometry.boxes import centers_inside, clip_boxes, fractions_inside, shift_boxes

from .conversion import as_box_rows

Keep = Literal["center", "overlap", "owner"]


class BoxCrop:
    """Choose the boxes of a patch, shift them into it and cut them at its border.

    Args:
        keep: ``"center"`` keeps boxes whose centre is in the patch; ``"overlap"`` those of whose volume at least
            ``min_overlap`` is; ``"owner"`` (grids only) those whose centre lies in the part of the scan that the patch
            owns, so that each box goes to exactly one patch.
        min_overlap: part of a box's volume, in ``(0, 1]``, for ``keep="overlap"``.
        clip: cut boxes at the border of the patch.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, keep: Keep = "center", min_overlap: float = 0.5, clip: bool = True) -> None:
        if keep not in ("center", "overlap", "owner"):
            raise ValueError(f"keep must be 'center', 'overlap' or 'owner', got {keep!r}")
        if not 0 < min_overlap <= 1:
            raise ValueError(f"min_overlap must be in (0, 1], got {min_overlap}")
        self.keep, self.min_overlap, self.clip = keep, min_overlap, clip

    def kept(
        self,
        boxes: Tensor,
        origin: Sequence[int],
        patch_size: Sequence[int],
        owned: tuple[Sequence[float], Sequence[float]] | None = None,
    ) -> Tensor:
        """Tell which boxes, ``(N, 6)`` in the edge frame of the scan, go into the patch: ``(N,)`` bool."""
        end = [first + length for first, length in zip(origin, patch_size, strict=True)]
        if self.keep == "overlap":
            return fractions_inside(boxes, origin, end) >= self.min_overlap
        if self.keep == "owner" and owned is not None:
            return centers_inside(boxes, *owned)
        return centers_inside(boxes, origin, end)

    def place(self, boxes: Tensor, origin: Sequence[int], patch_size: Sequence[int]) -> Tensor:
        """Bring boxes to the edge frame of the patch and cut them there."""
        shifted = shift_boxes(boxes, [-first for first in origin])
        return clip_boxes(shifted, [0] * len(patch_size), patch_size) if self.clip else shifted


def box_rows(
    data: Mapping[Hashable, Any], box_key: Hashable | None, label_keys: Sequence[Hashable], allow_missing: bool
) -> dict[Hashable, Tensor]:
    """Boxes, and what rides along with them, as tensors with one row for each box; nothing without ``box_key``.

    Raises:
        KeyError: boxes or labels are missing.
        ValueError: there are not as many labels as boxes.
    """
    if box_key is None:
        return {}
    keys = [key for key in (box_key, *label_keys) if key in data or not allow_missing]
    rows = {key: as_box_rows(data[key]) if key == box_key else torch.as_tensor(data[key]) for key in keys}
    counts = {key: len(values) for key, values in rows.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"there must be as many labels as boxes, got {counts}")
    return rows


def crop_rows(
    rows: Mapping[Hashable, Tensor],
    box_key: Hashable | None,
    crop: BoxCrop,
    origin: Sequence[int],
    patch_size: Sequence[int],
    owned: tuple[Sequence[float], Sequence[float]] | None = None,
) -> dict[Hashable, Tensor]:
    """Rows of the boxes that go into one patch, the boxes placed in it."""
    if box_key not in rows:
        return {}
    kept = crop.kept(rows[box_key], origin, patch_size, owned)
    chosen = {key: values[kept.to(values.device)] for key, values in rows.items()}
    return {**chosen, box_key: crop.place(chosen[box_key], origin, patch_size)}
