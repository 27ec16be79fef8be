"""From a list of scans with their candidates on disk to what a MONAI data set takes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from lungdet.datalists import DatalistError
from lungdet.datalists.scan_list import PARTS, read_scan_list
from lungdet.records import ModelInfo

logger = logging.getLogger(__name__)
EVERY = "all"


def list_scans(
    datalist: str | Path,
    part: str = "training",
    dataset_dir: str | Path = "",
    detector_sha256: str = "",
    with_labels: bool = True,
) -> list[dict[str, Any]]:
    """Read one part of a list that ``lungdet candidates`` wrote, and log which detector found its candidates.

    Args:
        datalist: the ``candidates.json``; nothing is read, and the answer is empty, where it is an empty string.
        part: ``"training"``, ``"validation"``, ``"test"``, ``"unlabelled"``, or ``"all"``.
        dataset_dir: folder of the candidates' files; that of the list if empty.
        detector_sha256: of the weights of the detector whose candidates are wanted; those of another one are warned of.
            Empty for any.
        with_labels: give the labels, too; answers need none.

    Returns:
        Items with ``id``; ``candidates``, the path of its file; and, where it is known, ``label``, ``(1,)`` float32.

    Raises:
        DatalistError: the list is none, the part is empty, or a file is not there.
        FileNotFoundError: there is no such list.
        ValueError: there is no such part.

    Example:
        >>> list_scans("")
        []
    """
    if part not in (*PARTS, EVERY):
        raise ValueError(f"part must be one of {', '.join((*PARTS, EVERY))}, got {part!r}")
    if not str(datalist):
        return []
    root = Path(dataset_dir or Path(datalist).parent)
    listed = read_scan_list(datalist)
    _tell_detector(datalist, listed.detector, detector_sha256)
    scans = [scan for scan in listed.scans if part in (scan.part, EVERY)]
    if not scans:
        raise DatalistError(f"{datalist}: no scan in {part}; lungdet candidates --labels splits them")
    missing = [scan.file for scan in scans if not (root / scan.file).is_file()]
    if missing:
        raise DatalistError(f"{datalist}: {len(missing)} files are not there, such as {root / missing[0]}")
    return [
        {"id": scan.id, "candidates": str(root / scan.file)}
        | ({} if scan.label is None or not with_labels else {"label": torch.tensor([float(scan.label)])})
        for scan in scans
    ]


def _tell_detector(datalist: str | Path, detector: ModelInfo, wanted_sha256: str) -> None:
    found = detector.weights_sha256
    if wanted_sha256 and found != wanted_sha256:
        what = f"candidates of another detector, weights {found[:12]}; wanted {wanted_sha256[:12]}"
        logger.warning("%s: %s; scores and places of another one may mislead", datalist, what)
    else:
        logger.info("%s: candidates of %s %s, weights %s", datalist, detector.name, detector.version, found)
