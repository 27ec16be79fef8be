"""The LUNA16 data set as a folder: its CSV files, and ten subsets of ``.mhd`` scans that are its folds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .label_errors import AnnotationError, LabelProblem
from .luna16_tables import Luna16Nodules, read_luna16_annotations, read_luna16_excluded, read_luna16_series_uids

_SUBSET = re.compile(r"subset(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Luna16Scan:
    """One scan file; ``fold`` is the number of its subset, None if it lies in none.

    ``read_ct(scan.path)`` reads it.
    """

    series_uid: str
    path: Path
    fold: int | None


@dataclass(frozen=True)
class Luna16:
    """Everything of LUNA16 but the voxels.

    Attributes:
        series_uids: all scans, with and without nodules.
        annotations: the nodules.
        excluded: findings that count neither way; None if the file is not there.
        scans: scan files by series UID; empty without images.
        problems: faults of rows that were left out, and files that are there twice.
    """

    series_uids: tuple[str, ...]
    annotations: Luna16Nodules
    excluded: Luna16Nodules | None
    scans: Mapping[str, Luna16Scan]
    problems: tuple[LabelProblem, ...]


def read_luna16(folder: str | Path, images: str | Path | None = None, *, strict: bool = True) -> Luna16:
    """Read the annotations of LUNA16, and find its scans.

    Args:
        folder: holds ``annotations.csv``, and, if wanted, ``annotations_excluded.csv`` and ``seriesuids.csv`` (without
            which the scans are those that the other two name), there or below ``evaluationScript``.
        images: holds ``<series UID>.mhd``, in folders ``subset0`` to ``subset9``; None looks for no images.
        strict: raise if a row is faulty; else leave such rows out and tell them in ``problems``.

    Raises:
        AnnotationError: a file is missing or faulty.
    """
    root = Path(folder)
    uids_path, excluded_path = _find(root, "seriesuids.csv"), _find(root, "annotations_excluded.csv")
    annotations_path = _find(root, "annotations.csv")
    if annotations_path is None:
        raise AnnotationError(
            [LabelProblem(str(root), None, "holds no annotations.csv; unpack LUNA16's CSVFILES here")]
        )
    known = read_luna16_series_uids(uids_path) if uids_path else None
    annotations = read_luna16_annotations(annotations_path, series_uids=known, strict=strict)
    excluded = None
    if excluded_path is not None:
        excluded = read_luna16_excluded(excluded_path, series_uids=known, strict=strict)
    if known is None:
        named = [*annotations.series_uids.tolist(), *(excluded.series_uids.tolist() if excluded else ())]
        known = tuple(sorted(set(named)))
    problems = annotations.problems + (excluded.problems if excluded else ())
    scans, doubles = find_luna16_scans(images) if images is not None else ({}, ())
    return Luna16(known, annotations, excluded, scans, problems + doubles)


def find_luna16_scans(folder: str | Path) -> tuple[dict[str, Luna16Scan], tuple[LabelProblem, ...]]:
    """Find all ``.mhd`` files below ``folder``, by series UID; a name that is there twice is a problem.

    Raises:
        AnnotationError: the folder does not exist.
    """
    if not Path(folder).is_dir():
        raise AnnotationError([LabelProblem(str(folder), None, "no such folder; give the one that holds subset0")])
    scans: dict[str, Luna16Scan] = {}
    problems = []
    for path in sorted(Path(folder).rglob("*.mhd")):
        uid = path.stem
        if uid in scans:
            problems.append(LabelProblem(str(path), None, f"the same scan as {scans[uid].path}; remove one"))
            continue
        scans[uid] = Luna16Scan(uid, path, _fold(path.relative_to(folder)))
    return scans, tuple(problems)


def _fold(path: Path) -> int | None:
    """Number of the nearest folder named ``subsetN`` above a file, of those below the folder that was searched."""
    for parent in path.parents:
        match = _SUBSET.fullmatch(parent.name)
        if match is not None:
            return int(match.group(1))
    return None


def _find(root: Path, name: str) -> Path | None:
    places = (root / name, root / "evaluationScript" / "annotations" / name, root / "CSVFILES" / name)
    return next((path for path in places if path.is_file()), None)
