"""The lungs of a study that was read, found once."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from monai.data import MetaTensor

from lungdet.engines.save_findings import volume_of
from lungdet.geometry.lung_mask import LungMask, lung_mask

KEY = "lungs"


def lungs_of(item: Mapping[str, Any]) -> LungMask:
    """Return the lungs of a study: those that its preprocessing has found, or else they are looked for now.

    Args:
        item: as :func:`lungdet.engines.save_study` takes it. ``item["lungs"]``, where it is there, is what
            :class:`~lungdet.transforms.CropToLungsd` adds, or what an earlier call kept; where it is not and the item
            can be written to, the answer is kept there.

    Returns:
        The lungs on the grid of ``item["ct"]``.
    """
    known = item.get(KEY)
    if isinstance(known, LungMask):
        return known
    shape = tuple(item["ct"].shape[-3:])
    if isinstance(known, MetaTensor) and tuple(known.shape[-3:]) == shape:
        notes = str(known.meta.get("lung_notes", ""))
        labels = known[0].numpy(force=True)
        return LungMask(labels, str(known.meta.get("no_lungs", "")), tuple(notes.split("; ")) if notes else ())
    volume = volume_of(item["ct"])
    found = lung_mask(volume.array, volume.affine_lps)
    if isinstance(item, MutableMapping):
        item[KEY] = found
    return found
