"""Labelled radiographs and other pictures to a training list: a tree of folders, or a CSV beside pictures or DICOM."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lungdet.readers.picture_identity import PictureIdentity, identify_picture
from lungdet.readers.picture_table import PictureRow, read_picture_table
from lungdet.records import BodyPartClass, ClassList

from .picture_entry import PictureEntry
from .picture_files import PictureFinder, tree_rows

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class RadiographChoice:
    """What to make of the labels.

    Attributes:
        classes: what they mean; None takes every label that comes, in alphabetical order.
        multi_label: without ``classes``: whether a picture may have several labels, separated by ``;``. A ``;`` in any
            label says so, too.
        by_group: label by the groups of ``classes`` in place of the classes themselves.
        patients: patient by image path, where the labels do not say.
        patient_pattern: a regular expression that finds the patient in an image path, in its first group if it has one.
        with_content: hash the pixels of every picture, to find those that are there twice.
    """

    classes: ClassList | None = None
    multi_label: bool = False
    by_group: bool = False
    patients: Mapping[str, str] = field(default_factory=dict)
    patient_pattern: str = ""
    with_content: bool = True


@dataclass(frozen=True)
class BuiltPictures:
    """Labelled pictures, before they are split.

    Attributes:
        name: of the data set.
        classes: what the labels mean.
        entries: one for each picture.
        problems: what was left out, and why.
        notes: what a user of the list should know.
        official: whether the data set itself says how it is split (:attr:`PictureEntry.part`).
        unknown_patients: how many pictures have no patient but themselves.
    """

    name: str
    classes: ClassList
    entries: tuple[PictureEntry, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    official: bool = False
    unknown_patients: int = 0


def build_radiographs(
    source: str | Path,
    images: str | Path | None = None,
    choice: RadiographChoice | None = None,
    progress: Progress = iter,
) -> BuiltPictures:
    """Make an entry for every labelled picture.

    A patient is what the label file says, else the table of patients, else the pattern, else (a hash of) the patient's
    ID in DICOM. Where nobody knows, the picture is a patient of its own, and the notes say so.

    Args:
        source: a folder with a folder for each class, or a CSV with ``image,label`` and perhaps ``patient`` and
            ``split`` (``train``, ``val``, ``test``).
        images: folder that the CSV's images are in; that of the CSV if None. They are named by path, by file name
            without ending, or by SOP Instance UID.
        choice: what to make of the labels.
        progress: wraps the loop, for a progress bar.

    Raises:
        AnnotationError: the CSV is none.
        ValueError: the classes make no list, or the pattern is no regular expression.
        OSError: a folder or the CSV cannot be read.
    """
    choice = choice or RadiographChoice()
    base, rows, problems = _rows(Path(source), images)
    classes = choice.classes or _classes_of(rows, choice.multi_label)
    known = _patient_finder(choice)
    finder = PictureFinder(base)
    entries: list[PictureEntry] = []
    unknown = []
    for row in progress(rows):
        try:
            labels = _labels(row, classes, choice.by_group)
            image = finder.find(row.image)
            found = identify_picture(base / image, with_content=choice.with_content)
        except (ValueError, OSError) as error:
            problems.append(f"{source}, line {row.line}: {error}" if row.line else str(error))
            continue
        patient = row.patient or known(row.image, image) or _hidden(found)
        unknown += [] if patient else [image]
        entries.append(PictureEntry(image, labels, patient or image, found.study, found.content, row.part))
    if choice.by_group:
        classes = ClassList(f"{classes.name}_groups", tuple(BodyPartClass(group) for group in classes.groups))
    notes = (*_patient_notes(unknown, len(entries)), *_class_notes(entries, classes), *_content_notes(entries))
    parts = sum(bool(entry.part) for entry in entries)
    if 0 < parts < len(entries):
        notes += (f"the column split is empty for {len(entries) - parts} of {len(entries)} pictures: it is not used",)
    official = bool(entries) and parts == len(entries)
    name = Path(source).resolve().stem
    return BuiltPictures(name, classes, tuple(entries), tuple(problems), notes, official, len(unknown))


def _rows(source: Path, images: str | Path | None) -> tuple[Path, list[PictureRow], list[str]]:
    """Folder of the pictures, what is said of them, and what is wrong with that."""
    if source.is_dir():
        if images is not None and Path(images).resolve() != source.resolve():
            raise ValueError(f"{source}: is a tree of pictures, which has no other folder of images such as {images}")
        return source, tree_rows(source), []
    rows, problems = read_picture_table(source, strict=False)
    return (source.parent if images is None else Path(images)), rows, [str(problem) for problem in problems]


def _classes_of(rows: Sequence[PictureRow], multi_label: bool) -> ClassList:
    """The labels that come, as a class list."""
    several = multi_label or any(";" in row.label for row in rows)
    names = {name.strip() for row in rows for name in (row.label.split(";") if several else [row.label])}
    found = tuple(BodyPartClass(name) for name in sorted(names - {""}))
    return ClassList("own", found, multi_label=several, source="the labels that come in the data set")


def _labels(row: PictureRow, classes: ClassList, by_group: bool) -> tuple[int, ...]:
    labels = classes.split(row.label)
    return (classes.group(labels),) if by_group else labels


def _patient_finder(choice: RadiographChoice) -> Callable[[str, str], str]:
    """Return what tells the patient of an image from its two names, or nothing."""
    try:
        wanted = re.compile(choice.patient_pattern)
    except re.error as error:
        what = f"the pattern of patients {choice.patient_pattern!r} is no regular expression: {error}"
        raise ValueError(what) from error

    def find(written: str, image: str) -> str:
        listed = choice.patients.get(written) or choice.patients.get(image)
        if listed or not choice.patient_pattern:
            return listed or ""
        match = wanted.search(image)
        return "" if match is None else (match.group(1 if wanted.groups else 0) or "")

    return find


def _hidden(found: PictureIdentity) -> str:
    """Patient of a DICOM file, by a hash of the ID; where there is none, by the study."""
    if found.patient:
        return f"id-{found.patient}"
    return f"study-{found.study}" if found.study else ""


def _patient_notes(unknown: Sequence[str], pictures: int) -> tuple[str, ...]:
    if not unknown:
        return ()
    if len(unknown) == pictures:
        told = "no patients are known: each picture is taken for one"
    else:
        told = f"{len(unknown)} of {pictures} pictures tell no patient, such as {unknown[0]}: each is taken for one"
    return (f"{told}, so pictures of one person may be in several parts, and scores may be too good",)


def _class_notes(entries: Sequence[PictureEntry], classes: ClassList) -> tuple[str, ...]:
    seen = {label for entry in entries for label in entry.labels}
    missing = [name for number, name in enumerate(classes.names) if number not in seen]
    return (f"no picture of {', '.join(missing)}",) if missing else ()


def _content_notes(entries: Sequence[PictureEntry]) -> tuple[str, ...]:
    """Say which pictures are there twice, by their pixels."""
    same: dict[str, list[PictureEntry]] = defaultdict(list)
    for entry in entries:
        if entry.content:
            same[entry.content].append(entry)
    groups = [found for found in same.values() if len(found) > 1]
    kinds = {
        "that are there more than once, by their pixels": groups,
        "that are there under several patients, who are kept together": [
            found for found in groups if len({entry.identities[0] for entry in found}) > 1
        ],
        "that are there with different labels": [
            found for found in groups if len({entry.labels for entry in found}) > 1
        ],
    }
    return tuple(
        f"pictures {what}: {len(found)}, such as {' = '.join(entry.image for entry in found[0][:3])}"
        for what, found in kinds.items()
        if found
    )
