"""The pictures of a training list, for a network whose outputs mean certain classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lungdet.datalists import DatalistError, read_picture_list
from lungdet.records import ClassList

from .list_pictures import picture_items


def list_pictures_of(
    classes: ClassList, datalist: str | Path, part: str = "training", dataset_dir: str | Path = ""
) -> list[dict[str, Any]]:
    """Read one part of a list, if its classes are those of the network, in the same order.

    Args:
        classes: what the network's outputs mean.
        datalist: see :func:`list_pictures`.
        part: likewise.
        dataset_dir: likewise.

    Raises:
        DatalistError: there is no list, or it has other classes, or pictures with several labels where the network
            knows one; see also :func:`list_pictures`.
    """
    if not str(datalist):
        raise DatalistError(
            "there is no list of pictures: make one (lungdet datalist radiographs), and give --datalist"
        )
    content = read_picture_list(datalist)
    names = content["classes"]
    if tuple(names) != classes.names:
        raise DatalistError(
            f"{datalist}: its classes are {_short(names)}, but those of {classes.name} are {_short(classes.names)}; "
            "give both the same: lungdet datalist --classes LIST, and --class_list LIST here"
        )
    if content["multi_label"] and not classes.multi_label:
        raise DatalistError(
            f"{datalist}: pictures may have several labels, but those of {classes.name} have one; "
            "say multi_label: true in the class list"
        )
    return picture_items(content, datalist, part, dataset_dir)


def _short(names: list[str] | tuple[str, ...]) -> str:
    """Write a few names.

    Example:
        >>> _short(["a", "b"]), _short(list("abcdefghi"))
        ('a, b', 'a, b, c, d, e, f, ... (9)')
    """
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:6])}, ... ({len(names)})"
