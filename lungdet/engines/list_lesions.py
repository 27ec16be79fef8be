"""From a ``DL_info.csv`` and its images to what a MONAI data set takes."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lungdet.datalists import DatalistError
from lungdet.readers import read_deeplesion
from lungdet.records import Lesion

logger = logging.getLogger(__name__)
IMAGES, TRUTH = "Images_png", "truth.csv"
LESION_PARTS = {"training": "train", "validation": "validation", "test": "test"}


def list_lesions(
    labels: str | Path,
    part: str = "training",
    images_dir: str | Path = "",
    truth: str | Path = "",
    need_type: bool = True,
) -> list[dict[str, Any]]:
    """List the lesions of one part of a table whose key slices are on disk.

    Lesions without a key slice on disk, with a faulty row, or without a diameter are left out, and so are those of
    which neither type nor identity is known, if ``need_type``; how many is logged. DeepLesion tells no types in its
    training part: see ``docs/howto`` for what to do.

    Args:
        labels: the ``DL_info.csv``; the answer is empty where it is an empty string.
        part: ``"training"``, ``"validation"``, ``"test"``, by the table's own split; or ``"all"``.
        images_dir: ``Images_png``; beside the table if empty.
        truth: a CSV with ``key`` and ``identity``, as a synthetic data set has; ``truth.csv`` beside the table if empty
            and there. Without it no two marks are known to be of one lesion.
        need_type: leave out what a training could not learn from.

    Returns:
        Items with ``image``, a path; ``recist_edge`` and ``spacing_mm``; ``lesion_type``, a number; ``location``;
        ``size_mm``, long and short; ``patient`` and ``identity``, names; ``study``; ``key``; and ``row``, their number.

    Raises:
        AnnotationError: the table cannot be read.
        DatalistError: nothing is left of the part, or a file of identities lacks a column.
        ValueError: there is no part of that name.
    """
    if part not in (*LESION_PARTS, "all"):
        raise ValueError(f"part must be one of {', '.join(LESION_PARTS)} or all, got {part!r}")
    if not str(labels):
        return []
    table = read_deeplesion(labels, strict=False)
    folder = Path(images_dir) if str(images_dir) else Path(labels).parent / IMAGES
    identities = _identities(Path(truth) if str(truth) else Path(labels).parent / TRUTH, needed=bool(str(truth)))
    chosen = [
        (key, lesion)
        for key, lesion in zip(table.keys, table.lesions, strict=True)
        if part == "all" or lesion.split == LESION_PARTS[part]
    ]
    there = {path for path in {lesion.png_path for _, lesion in chosen} if (folder / path).is_file()}
    seen = [(key, lesion) for key, lesion in chosen if lesion.png_path in there and min(lesion.diameters_mm) > 0]
    useful = [
        (key, lesion) for key, lesion in seen if not need_type or lesion.lesion_type > 0 or identities.get(key, "")
    ]
    if len(useful) < len(chosen) or table.problems:
        logger.warning(
            "%s, part %s: of %d lesions %d have no key slice in %s or no diameter, and of %d more neither type nor "
            "identity is known; %d faulty rows",
            *(labels, part, len(chosen), len(chosen) - len(seen), folder, len(seen) - len(useful), len(table.problems)),
        )
    if not useful:
        what = f"none of {len(chosen)} lesions can be used: {len(chosen) - len(seen)} have no key slice in {folder}"
        raise DatalistError(f"{labels}, part {part}: {what}, the others have no type; name another part or folder")
    return [_item(key, lesion, folder, identities, row) for row, (key, lesion) in enumerate(useful)]


def _item(key: str, lesion: Lesion, folder: Path, identities: Mapping[str, str], row: int) -> dict[str, Any]:
    return {
        "image": str(folder / lesion.png_path),
        "recist_edge": lesion.recist_edge,
        "spacing_mm": lesion.spacing_mm,
        "lesion_type": lesion.lesion_type,
        "location": lesion.normalized_location,
        "size_mm": tuple(sorted(lesion.diameters_mm, reverse=True)),
        "patient": lesion.patient_id,
        "study": lesion.study,
        "identity": identities.get(key, ""),
        "key": key,
        "row": row,
    }


def _identities(path: Path, needed: bool) -> dict[str, str]:
    """Read which marks are of one lesion; nothing where there is no file and none is needed.

    Raises:
        DatalistError: the file is needed and not there, or lacks a column.
    """
    if not needed and not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = csv.DictReader(stream)
            if not {"key", "identity"} <= set(rows.fieldnames or ()):
                raise DatalistError(f"{path}: wanted columns key and identity, got {rows.fieldnames}")
            return {row["key"]: row["identity"] for row in rows}
    except OSError as error:
        raise DatalistError(f"{path}: cannot be opened ({error.strerror}); leave it out, or name another") from error
