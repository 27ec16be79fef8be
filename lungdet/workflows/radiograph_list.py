"""From labelled pictures to a training list for the router: read, choose, split, check, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lungdet.datalists import (
    PARTS,
    BuiltPictures,
    PictureEntry,
    RadiographChoice,
    build_radiographs,
    find_picture_leaks,
    picture_list_content,
    read_patients,
    split_pictures,
    summarise_pictures,
    write_picture_list,
)
from lungdet.datalists.schema import KNOWN_LEAKS
from lungdet.datalists.summary import list_reasons
from lungdet.readers import AnnotationError, LabelProblem
from lungdet.routing import load_class_list

from .targets import prepare_file

RADIOGRAPH_SHARES = (70.0, 15.0, 15.0)


@dataclass(frozen=True)
class RadiographListOptions:
    """How to make a list.

    Attributes:
        images: folder of the images that a CSV names; that of the CSV if None.
        classes: class list, by name or as a file; None takes the labels that come.
        multi_label: without ``classes``: pictures may have several labels, separated by ``;``.
        by_group: label by the groups of the class list.
        shares: of training, validation and test; None takes the column ``split`` if it is filled, else 70, 15 and 15.
        seed: of the split.
        patients: CSV with ``patient_id,image_path``.
        patient_pattern: a regular expression that finds the patient in an image path.
        with_content: hash all pixels, to find pictures that are there twice.
        progress: show a progress bar, on a terminal only.
    """

    images: str | Path | None = None
    classes: str | Path | None = None
    multi_label: bool = False
    by_group: bool = False
    shares: tuple[float, float, float] | None = None
    seed: int = 0
    patients: str | Path | None = None
    patient_pattern: str = ""
    with_content: bool = True
    progress: bool = True


@dataclass(frozen=True)
class RadiographListResult:
    """What came of it.

    Attributes:
        path: the list.
        parts: its entries.
        classes: names of the classes.
        problems: pictures and lines that were left out, and why.
        leaks: patients, studies, images and contents that are in several parts, as an official split has them.
        notes: what a user of the list should know.
    """

    path: Path
    parts: dict[str, list[PictureEntry]]
    classes: tuple[str, ...]
    problems: tuple[str, ...]
    leaks: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was left out and nothing leaks."""
        return not self.problems and not self.leaks

    def __str__(self) -> str:
        blocks = [
            summarise_pictures(self.parts, self.classes),
            list_reasons("left out", self.problems),
            list_reasons("leaks between parts", self.leaks),
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n".join(block for block in blocks if block)


def make_radiograph_list(
    source: str | Path, output: str | Path, options: RadiographListOptions | None = None
) -> RadiographListResult:
    """Make a training list of labelled pictures and write it.

    Args:
        source: a folder with a folder for each class, or a CSV with ``image,label`` and perhaps ``patient``, ``split``.
        output: the JSON to write.
        options: how.

    Returns:
        What came of it; the list is written even if something had to be left out.

    Raises:
        AnnotationError: the labels cannot be read at all, or nothing is left of them.
        ValueError: the options do not fit the data, or the output is an input.
        OSError: a file cannot be read, or the output cannot be written.
    """
    options = options or RadiographListOptions()
    if options.classes is not None and options.multi_label:
        raise ValueError("the class list itself says whether pictures have several labels: give no multi_label")
    classes = None if options.classes is None else load_class_list(options.classes)
    if options.by_group and (classes is None or not classes.groups):
        raise ValueError("by_group needs a class list with groups, such as unifesp22")
    inputs = [path for path in (source, options.images, options.patients) if path is not None]
    prepare_file(output, inputs)
    patients = {} if options.patients is None else read_patients(options.patients, "image_path")
    choice = RadiographChoice(
        classes, options.multi_label, options.by_group, patients, options.patient_pattern, options.with_content
    )
    built = build_radiographs(source, options.images, choice, progress=lambda rows: _bar(rows, options.progress))
    if not built.entries:
        first = f"; the first of {len(built.problems)} problems: {built.problems[0]}" if built.problems else ""
        raise AnnotationError([LabelProblem(str(source), None, f"no labelled picture in it{first}")])
    parts, split = _split(built, options)
    leaks = find_picture_leaks(parts)
    notes = (*built.notes, *_absent(parts, built.classes.names))
    told = _told(source, options, built, split) | ({KNOWN_LEAKS: leaks} if leaks else {})
    write_picture_list(output, picture_list_content(built.name, built.classes, parts, options=told, notes=notes))
    return RadiographListResult(Path(output), parts, built.classes.names, built.problems, tuple(leaks), notes)


def _split(built: BuiltPictures, options: RadiographListOptions) -> tuple[dict[str, list[PictureEntry]], str]:
    """The parts, and by what they were made."""
    if options.shares is None and built.official:
        return {part: [entry for entry in built.entries if entry.part == part] for part in PARTS}, "column"
    shares = dict(zip(PARTS, options.shares or RADIOGRAPH_SHARES, strict=True))
    return split_pictures(built.entries, shares, options.seed), "shares"


def _absent(parts: dict[str, list[PictureEntry]], classes: Sequence[str]) -> tuple[str, ...]:
    """Say which classes are in the list, but not in a part of it."""
    seen = {part: {label for entry in entries for label in entry.labels} for part, entries in parts.items() if entries}
    everywhere = set().union(*seen.values())
    return tuple(
        f"no picture of {', '.join(classes[label] for label in sorted(everywhere - labels))} in {part}"
        for part, labels in seen.items()
        if everywhere - labels
    )


def _told(source: str | Path, options: RadiographListOptions, built: BuiltPictures, split: str) -> dict[str, Any]:
    """Options as the list tells them; names of files without their folders."""
    return {
        "sources": [Path(source).name],
        "class_list": built.classes.name,
        "split": split,
        "shares": list(options.shares or RADIOGRAPH_SHARES) if split == "shares" else [],
        "seed": options.seed,
        "unknown_patients": built.unknown_patients,
        "content_compared": options.with_content,
    }


def _bar(rows: Any, shown: bool) -> Any:
    from tqdm import tqdm

    return tqdm(rows, unit="picture", disable=None if shown else True)
