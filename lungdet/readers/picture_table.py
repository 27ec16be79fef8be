"""A CSV that labels pictures: ``image,label`` and, where known, ``patient`` and ``split``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from .label_errors import LabelProblem
from .label_table import LabelTable

IMAGE, LABEL, PATIENT, SPLIT = "image", "label", "patient", "split"
PARTS = {
    "train": "training",
    "training": "training",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class PictureRow:
    """What one line says of one picture.

    Attributes:
        image: name of the picture as it is written: a path, a file's name without its ending, or a SOP Instance UID.
        label: its label or labels as they are written.
        patient: whose it is; empty where the table does not say.
        part: ``training``, ``validation`` or ``test``; empty where the table does not say.
        line: in the table.
    """

    image: str
    label: str
    patient: str = ""
    part: str = ""
    line: int = 0


def read_picture_table(path: str | Path, *, strict: bool = True) -> tuple[list[PictureRow], tuple[LabelProblem, ...]]:
    """Read a CSV of labelled pictures; columns of other names are kept out.

    Args:
        path: the file.
        strict: raise for faulty lines, instead of leaving them out.

    Returns:
        The rows in their order, and what is wrong with the lines that were left out.

    Raises:
        AnnotationError: the file has no columns ``image`` and ``label``, or ``strict`` and a line is faulty.
        OSError: it cannot be opened.
    """
    optional = [name for name in (PATIENT, SPLIT) if name in _header(path)]
    table = LabelTable(path, (IMAGE, LABEL, *optional))
    images = table.text(IMAGE)
    empty = ("",) * len(table)
    patients = table.text(PATIENT) if PATIENT in optional else empty
    splits = table.text(SPLIT) if SPLIT in optional else empty
    table.refuse([not image for image in images], lambda row: "no image is named")
    table.refuse_repeats(images, "the image")
    table.refuse(
        [bool(split) and split.lower() not in PARTS for split in splits],
        lambda row: f"split is {splits[row]!r}, wanted train, val or test, or nothing",
    )
    rows = zip(images, table.text(LABEL), patients, splits, table.lines.tolist(), table.good.tolist(), strict=True)
    found = [
        PictureRow(image, label, patient, PARTS.get(split.lower(), ""), line)
        for image, label, patient, split, line, good in rows
        if good
    ]
    return found, table.close(strict)


def _header(path: str | Path) -> list[str]:
    """Names of the columns; what is no table at all is left to :class:`LabelTable`."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            return [name.strip() for name in next(csv.reader(stream), [])]
    except (UnicodeDecodeError, csv.Error):
        return []
