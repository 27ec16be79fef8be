"""nnDetection's layout: scans as NIfTI, nodules as numbered masks, and a JSON that gives each number its class.

``imagesTr/<case>_0000.nii.gz``, ``labelsTr/<case>.nii.gz``, ``labelsTr/<case>.json`` with ``{"instances": {"1": 0}}``,
``imagesTs`` and ``labelsTs`` for the test part, and ``dataset.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import boxes_to_voxel, boxes_to_world
from lungdet.phantoms.nifti import write_nifti
from lungdet.readers import read_ct
from lungdet.readers.errors import SeriesError
from lungdet.readers.label_errors import AnnotationError, LabelProblem
from lungdet.readers.label_json import load_label_json
from lungdet.readers.volume_formats import open_volume
from lungdet.records import CTVolume, SeriesInfo
from lungdet.reports import write_files

from .built import BuiltList
from .entry import LabelledBox, ScanEntry

Progress = Callable[[Iterable[Any]], Iterable[Any]]
SUFFIX = {"training": "Tr", "validation": "Tr", "test": "Ts"}  # nnDetection makes its own validation part, by folds


def write_nndetection(
    folder: str | Path,
    parts: Mapping[str, Sequence[ScanEntry]],
    base: str | Path,
    *,
    name: str = "lungdet",
    labels: Sequence[str] = ("nodule",),
    progress: Progress = iter,
    reading: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """Write scans and masks; a nodule becomes the ellipsoid that fills its box.

    Args:
        folder: the task's ``raw_splitted``; made if absent.
        parts: entries by part; boxes in LPS mm. Training and validation become one.
        base: folder that image paths are relative to; scans are read by :func:`lungdet.readers.read_ct`.
        name: of the task.
        labels: name of each class.
        progress: wraps the loop, for a progress bar.
        reading: options of ``read_ct``, those that the list was made with.

    Returns:
        Scans that could not be read, and why, and nodules that have no voxel: outside the scan, or hidden by another.

    Raises:
        ValueError: boxes are not in LPS mm.
    """
    root, problems = Path(folder), []
    jobs = [(entry, SUFFIX[part]) for part, entries in parts.items() for entry in entries]
    cases: dict[str, str] = {}
    for entry, suffix in progress(jobs):
        if entry.box_frame != "lps_mm":
            raise ValueError(f"{entry.image}: boxes must be in LPS mm, they are in {entry.box_frame}")
        case = case_name(entry)
        if cases.setdefault(case, entry.image) != entry.image:
            problems.append(f"{entry.image}: its case {case} is already taken by {cases[case]}")
            continue
        try:
            volume = read_ct(Path(base) / entry.image, **(reading or {}))
        except (SeriesError, OSError) as error:
            problems.append(str(error))
            continue
        write_nifti(volume, root / f"images{suffix}" / f"{case}_0000.nii.gz")
        kept, mask, lost = _visible(entry, volume)
        problems += lost
        info = SeriesInfo(source=entry.image)
        write_nifti(CTVolume(mask, volume.affine_lps, info), root / f"labels{suffix}" / f"{case}.nii.gz")
        instances = {str(number): item.label for number, item in enumerate(kept, start=1)}
        write_files(root / f"labels{suffix}", {f"{case}.json": _bytes({"instances": instances})})
    task = {
        "task": name, "name": name, "dim": 3, "target_class": None, "test_labels": True,
        "labels": {str(number): text for number, text in enumerate(labels)}, "modalities": {"0": "CT"},
    }  # fmt: skip
    write_files(root, {"dataset.json": _bytes(task)})
    return tuple(problems)


def read_nndetection(folder: str | Path) -> BuiltList:
    """Read a task's ``raw_splitted``: the box of each numbered mask, in LPS mm; faulty cases are problems.

    Raises:
        AnnotationError: the folder holds no ``labelsTr``.
    """
    root = Path(folder)
    if not (root / "labelsTr").is_dir():
        raise AnnotationError([LabelProblem(str(root), None, "holds no labelsTr; give the task's raw_splitted")])
    entries, problems = [], []
    for suffix, part in (("Tr", "training"), ("Ts", "test")):
        for path in sorted((root / f"labels{suffix}").glob("*.json")):
            try:
                entries.append(_entry(path, suffix, part))
            except (SeriesError, AnnotationError, OSError) as error:
                problems.append(str(error))
    official = "parts" if any(entry.part == "test" for entry in entries) else ""
    return BuiltList(root.name, tuple(entries), tuple(problems), official=official)


def case_name(entry: ScanEntry) -> str:
    """Name of a case: the series, else the image, in characters that every file system takes.

    Example:
        >>> case_name(ScanEntry("subset0/a b.mhd", "p", "lps_mm"))
        'subset0-a-b'
    """
    stem = entry.series_uid or re.sub(r"(\.nii)?(\.gz)?(\.mh[ad])?(\.n[rh]rd)?$", "", entry.image)
    return re.sub(r"[^A-Za-z0-9.]+", "-", stem).strip("-.") or "case"


def instance_mask(boxes: Sequence[LabelledBox], volume: CTVolume) -> NDArray[np.uint16]:
    """Number the voxels of each nodule from 1: those whose centre lies in the ellipsoid of its box, at least one.

    Args:
        boxes: in LPS mm.
        volume: gives shape and place.

    Returns:
        ``(X, Y, Z)`` uint16; a later nodule lies on top. What lies outside the volume is lost.
    """
    mask = np.zeros(volume.array.shape, dtype=np.uint16)
    rows = np.array([item.box for item in boxes], dtype=np.float64).reshape(-1, 6)
    for number, box in enumerate(boxes_to_voxel(rows, volume.affine_lps), start=1):
        center, half = (box[:3] + box[3:]) / 2, (box[3:] - box[:3]) / 2
        low = np.clip(np.floor(box[:3]), 0, mask.shape).astype(int)
        high = np.clip(np.ceil(box[3:]), low, mask.shape).astype(int)
        grid = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        away = sum(((axis + 0.5 - middle) / reach) ** 2 for axis, middle, reach in zip(grid, center, half, strict=True))
        mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))][away <= 1] = number
        middle_voxel = tuple(np.floor(center).astype(int))
        if (center >= 0).all() and (center < mask.shape).all():
            mask[middle_voxel] = number
    return mask


def _visible(entry: ScanEntry, volume: CTVolume) -> tuple[list[LabelledBox], NDArray[np.uint16], list[str]]:
    """Return the nodules that have voxels, their mask numbered without gaps, and what is said of the others."""
    mask = instance_mask(entry.boxes, volume)
    present = np.zeros(len(entry.boxes) + 1, dtype=np.bool_)
    present[np.unique(mask)] = True
    present[0] = False
    numbers = (np.cumsum(present) * present).astype(np.uint16)
    kept, lost = [], []
    for item, is_there in zip(entry.boxes, present[1:].tolist(), strict=True):
        if is_there:
            kept.append(item)
        else:
            lost.append(
                f"{entry.image}: the nodule in {item.box} has no voxel of its own: outside, or hidden by another"
            )
    return kept, numbers[mask], lost


def _entry(path: Path, suffix: str, part: str) -> ScanEntry:
    from scipy.ndimage import find_objects

    content = load_label_json(path)
    instances = content.get("instances") if isinstance(content, dict) else None
    if not isinstance(instances, dict) or not all(key.isdigit() and type(cls) is int for key, cls in instances.items()):
        raise AnnotationError([LabelProblem(str(path), None, "no instances: wanted a class for each number")])
    header = open_volume(path.with_suffix(".nii.gz"))
    found = find_objects(np.round(header.read()).astype(np.int32).transpose(2, 1, 0))
    missing = [key for key in instances if not 0 < int(key) <= len(found) or found[int(key) - 1] is None]
    if missing:
        raise AnnotationError([LabelProblem(str(path), None, f"no voxel has number {', '.join(missing)}")])
    places = [found[int(key) - 1] for key in instances]
    corners = [[*(at.start for at in place), *(at.stop for at in place)] for place in places]
    boxes = boxes_to_world(np.array(corners, dtype=np.float64).reshape(-1, 6), header.affine_lps)
    return ScanEntry(
        image=f"images{suffix}/{path.stem}_0000.nii.gz",
        patient_id=path.stem,
        box_frame="lps_mm",
        boxes=tuple(LabelledBox(tuple(box), cls) for box, cls in zip(boxes.tolist(), instances.values(), strict=True)),
        series_uid=path.stem,
        sources=(f"labels{suffix}/{path.name}",),
        part=part,
    )


def _bytes(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode("ascii")
