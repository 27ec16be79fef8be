"""TensorBox lists to a training list of 2D slices, and any such list back to TensorBox."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from lungdet.readers.tensorbox import TensorBoxImage, TensorBoxList

from .built import BuiltList
from .entry import LabelledBox, ScanEntry

_PARTS = {"train": "training", "training": "training", "val": "validation", "validation": "validation", "test": "test"}


def build_tensorbox(
    lists: Sequence[TensorBoxList],
    base: str | Path | None = None,
    patients: Mapping[str, str] | None = None,
    pattern: str = "",
) -> BuiltList:
    """Make an entry for every image of one list or several.

    Lists named ``..._train.json``, ``..._val.json`` and ``..._test.json`` are an official split. An image whose patient
    is not known is a patient of its own, and counted: such a list must not be split.

    Args:
        lists: from :func:`lungdet.readers.read_tensorbox`.
        base: folder that image paths are relative to; with it, images without a file are left out as problems.
        patients: patient by image path.
        pattern: a regular expression that finds the patient in an image path, in its first group if it has one. Without
            both, :attr:`lungdet.readers.TensorBoxImage.patient_id` tells it.

    Raises:
        ValueError: the pattern is no regular expression.
    """
    find = _finder(patients, pattern)
    entries, unknown = [], []
    problems = [str(problem) for listed in lists for problem in listed.problems]
    for listed in lists:
        for image in listed.images:
            if base is not None and not (Path(base) / image.image_path).is_file():
                problems.append(f"{Path(base) / image.image_path}: no such image, named in {listed.path}")
                continue
            patient = find(image)
            unknown += [] if patient else [image.image_path]
            entries.append(_entry(image, patient, listed.path))
    official = "parts" if lists and all(part_of_name(listed.path) for listed in lists) else ""
    notes = _notes(unknown, len(entries), official) if unknown else ()
    return BuiltList("tensorbox", tuple(entries), tuple(problems), notes, official, unknown_patients=len(unknown))


def _finder(patients: Mapping[str, str] | None, pattern: str) -> Callable[[TensorBoxImage], str]:
    """Return what tells the patient of an image, or nothing."""
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"the pattern of patients {pattern!r} is no regular expression: {error}") from error

    def find(image: TensorBoxImage) -> str:
        if patients is not None and image.image_path in patients:
            return patients[image.image_path]
        if not pattern:
            return image.patient_id if patients is None else ""
        match = wanted.search(image.image_path)
        return "" if match is None else (match.group(1 if wanted.groups else 0) or "")

    return find


def _notes(unknown: Sequence[str], images: int, official: str) -> tuple[str, ...]:
    outcome = "leaks between the parts cannot be seen" if official else "the list is not split, all is training"
    return (
        f"{len(unknown)} of {images} images tell no patient, such as {unknown[0]}: {outcome}. "
        "Give --patients CSV (patient_id,image_path) or --patient-pattern REGEX",
    )


def part_of_name(path: str | Path) -> str | None:
    """Part that the name of a list tells.

    Example:
        >>> part_of_name("data/lung_val.json"), part_of_name("boxes.json")
        ('validation', None)
    """
    words = re.split(r"[^a-z]+", Path(path).stem.lower())
    return next((_PARTS[word] for word in reversed(words) if word in _PARTS), None)


def to_tensorbox(entries: Iterable[ScanEntry]) -> list[TensorBoxImage]:
    """Turn entries of 2D slices into images of a TensorBox list; what TensorBox cannot say is dropped.

    Raises:
        ValueError: an entry is no 2D image.
    """
    images = []
    for entry in entries:
        if entry.box_frame != "edge_px":
            raise ValueError(f"{entry.image}: its boxes are in {entry.box_frame}; TensorBox holds 2D images in pixels")
        boxes = tuple((item.box[0], item.box[1], item.box[2], item.box[3]) for item in entry.boxes)
        images.append(TensorBoxImage(entry.image, boxes))
    return images


def _entry(image: TensorBoxImage, patient: str, path: str) -> ScanEntry:
    return ScanEntry(
        image=image.image_path,
        patient_id=patient or image.image_path,
        box_frame="edge_px",
        boxes=tuple(LabelledBox(box) for box in image.boxes_edge),
        sources=(Path(path).name,),
        part=part_of_name(path),
    )
