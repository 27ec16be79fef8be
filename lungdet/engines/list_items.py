"""From a training list on disk to what a MONAI data set takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lungdet.datalists import DatalistError, load_entries


def list_items(
    datalist: str | Path, part: str = "training", dataset_dir: str | Path = "", fold: int | None = None
) -> list[dict[str, Any]]:
    """Read one part of a list that ``lungdet datalist`` wrote.

    Args:
        datalist: the JSON; nothing is read, and the answer is empty, where it is an empty string.
        part: ``"training"``, ``"validation"`` or ``"test"``.
        dataset_dir: folder that the list's images are relative to; that of the list if empty.
        fold: for cross-validation: validation is this fold of the list's training part, training are the other folds.

    Returns:
        Items with ``image``, a path; ``box`` and ``ignore_box``, ``(N, 6)`` float32 in LPS mm; ``label``, ``(N,)``
        int64; and ``series_uid``.

    Raises:
        DatalistError: the list is none, the part or the fold is empty, or boxes are not in LPS mm.
    """
    return [_item(entry, datalist) for entry in list_entries(datalist, part, dataset_dir, fold)]


def list_entries(
    datalist: str | Path, part: str = "training", dataset_dir: str | Path = "", fold: int | None = None
) -> list[dict[str, Any]]:
    """Read the entries of one part, image paths joined to their base folder; see :func:`list_items`."""
    if not str(datalist):
        return []
    source = "training" if fold is not None and part != "test" else part
    entries = load_entries(datalist, source, dataset_dir or None)
    if fold is not None and part != "test":
        folds = sorted({entry["fold"] for entry in entries if "fold" in entry})
        if fold not in folds:
            raise DatalistError(f"{datalist}: no fold {fold}; there are {folds}: lungdet datalist --folds makes them")
        entries = [entry for entry in entries if (entry.get("fold") == fold) == (part == "validation")]
    if not entries:
        raise DatalistError(f"{datalist}: no scan in {part}; split the list (lungdet datalist --split), or name a fold")
    return entries


def _item(entry: Mapping[str, Any], datalist: str | Path) -> dict[str, Any]:
    if entry["box_frame"] != "lps_mm":
        frame = entry["box_frame"]
        raise DatalistError(f"{datalist}: {entry['image']} has boxes in {frame}; the detector needs scans in LPS mm")
    return {
        "image": entry["image"],
        "box": _boxes(entry["box"]),
        "label": torch.tensor(entry["label"], dtype=torch.int64),
        "ignore_box": _boxes(entry["ignore_box"]),
        "series_uid": entry["series_uid"],
    }


def _boxes(rows: Sequence[Sequence[float]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
