"""From a list of labelled pictures on disk to what a MONAI data set takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lungdet.datalists import PARTS, DatalistError, read_picture_list


def list_pictures(datalist: str | Path, part: str = "training", dataset_dir: str | Path = "") -> list[dict[str, Any]]:
    """Read one part of a list that ``lungdet datalist radiographs`` wrote.

    Args:
        datalist: the JSON; nothing is read, and the answer is empty, where it is an empty string.
        part: ``"training"``, ``"validation"`` or ``"test"``.
        dataset_dir: folder that the list's images are relative to; that of the list if empty.

    Returns:
        Items with ``image``, a path; ``label``, an int64 scalar, or ``(K,)`` float32 of 0 and 1 where pictures may have
        several labels; ``patient``, a name; and ``name``, the image as the list names it.

    Raises:
        DatalistError: the list is none, or the part is empty.
        ValueError: there is no part of that name.
    """
    if not str(datalist):
        return []
    return picture_items(read_picture_list(datalist), datalist, part, dataset_dir)


def picture_items(
    content: Mapping[str, Any], datalist: str | Path, part: str, dataset_dir: str | Path
) -> list[dict[str, Any]]:
    """Take one part of a list that was read from ``datalist``; see :func:`list_pictures`."""
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
    if not content[part]:
        raise DatalistError(f"{datalist}: no picture in {part}; split the list (lungdet datalist --split)")
    base = Path(dataset_dir) if str(dataset_dir) else Path(datalist).parent
    return [
        {
            "image": str(base / item["image"]),
            "label": _label(item["label"], len(content["classes"])),
            "patient": item["patient"],
            "name": item["image"],
        }
        for item in content[part]
    ]


def picture_classes(datalist: str | Path) -> tuple[list[str], bool]:
    """Return the names of a list's classes, and whether pictures may have several; nothing for an empty string.

    Raises:
        DatalistError: the list is none.
    """
    if not str(datalist):
        return [], False
    content = read_picture_list(datalist)
    return list(content["classes"]), bool(content["multi_label"])


def _label(label: int | list[int], classes: int) -> Tensor:
    """A class as an int64 scalar, several as ``(K,)`` float32.

    Example:
        >>> _label(2, 4), _label([0, 2], 4)
        (tensor(2), tensor([1., 0., 1., 0.]))
    """
    if isinstance(label, int):
        return torch.tensor(label, dtype=torch.int64)
    several = torch.zeros(classes)
    several[label] = 1
    return several
