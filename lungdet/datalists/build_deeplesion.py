"""DeepLesion to a training list: of volumes with boxes in LPS mm, or of key slices with boxes in pixels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lungdet.counted import counted
from lungdet.geometry.frames import boxes_to_world
from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.readers.deeplesion_png import FIRST_SLICE, contiguous_groups, deeplesion_affine_lps, nifti_name
from lungdet.records.lesion import DEEPLESION_MARGIN_PX, LESION_FLAGS, LESION_TYPES, Lesion

from .built import BuiltList
from .entry import IgnoredBox, LabelledBox, ScanEntry

Row = tuple[Lesion, int]  # and its line in the file
Depth = Literal["slice", "diameter"]
PARTS = {"train": "training", "validation": "validation", "test": "test"}
NOTES = (
    "Not every lesion of a scan is marked in DeepLesion: a region without a box need not be healthy.",
    "DeepLesion gives no positions: the centre of the first pixel of slice 1 is the origin, columns run to the left,"
    " rows to the back, slice numbers to the feet.",
)
_VOLUME_NAME = re.compile(r"(\d{6}_\d{2}_\d{2})_(\d{3,})-(\d{3,})\.nii(\.gz)?")


@dataclass(frozen=True)
class DeepLesionChoice:
    """What to make of the lesions.

    Attributes:
        slices: a list of key slices, 2D, instead of volumes.
        margin_px: padding around the marks on every side; 5 gives the data set's own boxes.
        margin_mm: further padding.
        depth: of a box in a volume, around its key slice: ``"slice"``, that one, for nothing else is known; or
            ``"diameter"``, the mean of the two diameters.
        types: names of lesion types to train on; others are ignored regions. None takes all. The whole training part is
            of unknown type.
        leave_out: flags (:attr:`lungdet.records.Lesion.flags`) of lesions that become ignored regions.
    """

    slices: bool = False
    margin_px: float = DEEPLESION_MARGIN_PX
    margin_mm: float = 0.0
    depth: Depth = "slice"
    types: Collection[str] | None = None
    leave_out: Collection[str] = ()

    def __post_init__(self) -> None:
        for name in ("margin_px", "margin_mm"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be a finite number, 0 or more, got {getattr(self, name)}")
        unknown = set(self.types or ()) - set(LESION_TYPES.values())
        if unknown:
            raise ValueError(f"no lesion type {sorted(unknown)}, there are {', '.join(LESION_TYPES.values())}")
        if not set(self.leave_out) <= set(LESION_FLAGS):
            raise ValueError(f"flags are {', '.join(LESION_FLAGS)}, got {', '.join(self.leave_out)}")
        if self.depth not in ("slice", "diameter"):
            raise ValueError(f"depth must be 'slice' or 'diameter', got {self.depth!r}")


def build_deeplesion(
    table: DeepLesionTable, base: str | Path | None = None, choice: DeepLesionChoice | None = None
) -> BuiltList:
    """Make an entry for every volume, or key slice, that holds lesions.

    Args:
        table: from :func:`lungdet.readers.read_deeplesion`.
        base: folder of the images: NIfTI volumes named as :func:`nifti_name` does, or ``000001_01_01/109.png``. With
            it, what has no file is left out as a problem; None names volumes by their joined slice ranges.
        choice: what to make of the lesions.
    """
    choice = choice or DeepLesionChoice()
    problems = [str(problem) for problem in table.problems]
    rows = list(zip(table.lesions, table.lines, strict=True))
    images = _slices(rows, base, problems) if choice.slices else _volumes(rows, base, problems)
    entries = tuple(_entry(image, members, choice, table.path) for image, members in images.items())
    return BuiltList("deeplesion", entries, tuple(problems), NOTES[: 1 + (not choice.slices)], "parts", ("lesion",))


def lesion_boxes_lps(lesions: Sequence[Lesion], choice: DeepLesionChoice | None = None) -> np.ndarray[Any, Any]:
    """Boxes of lesions of one spacing, ``(N, 6)`` in LPS mm by the convention of ``readers.deeplesion_png``.

    Raises:
        ValueError: the spacings differ.
    """
    choice = choice or DeepLesionChoice()
    if len({lesion.spacing_mm for lesion in lesions}) != 1:
        raise ValueError(f"lesions of one spacing are wanted, got {sorted({item.spacing_mm for item in lesions})}")
    boxes = []
    for lesion in lesions:
        x0, y0, x1, y1 = lesion.recist_box_edge(choice.margin_px, choice.margin_mm)
        middle, half = lesion.key_slice - FIRST_SLICE + 0.5, 0.5  # edge frame along the slices
        if choice.depth == "diameter":
            half = max(half, sum(lesion.diameters_mm) / 4 / lesion.spacing_mm[2])
        boxes.append((x0, y0, middle - half, x1, y1, middle + half))
    affine = deeplesion_affine_lps(lesions[0].spacing_mm, FIRST_SLICE)
    mapped: np.ndarray[Any, Any] = boxes_to_world(np.array(boxes, dtype=np.float64), affine)
    return mapped


def deeplesion_groups(lesions: Sequence[Lesion]) -> list[tuple[str, int, int]]:
    """Name, first slice and last slice of the volumes that hold the slice ranges of one series and spacing."""
    first = lesions[0]
    return [
        (nifti_name(first.patient, first.study, first.series, low, high), low, high)
        for low, high in contiguous_groups(lesion.slice_range for lesion in lesions)
    ]


def _slices(rows: Sequence[Row], base: str | Path | None, problems: list[str]) -> dict[str, list[Row]]:
    """Lesions by the path of their key slice."""
    images: dict[str, list[Row]] = defaultdict(list)
    for lesion, line in rows:
        images[lesion.png_path].append((lesion, line))
    return dict(images) if base is None else _present(images, Path(base), problems)


def _volumes(rows: Sequence[Row], base: str | Path | None, problems: list[str]) -> dict[str, list[Row]]:
    """Lesions by the name of the volume that holds their key slice."""
    # In some series the spacing changes from one group of slices to the next: 1 mm, then 5 mm.
    by_series: dict[tuple[str, tuple[float, float, float]], list[Row]] = defaultdict(list)
    for lesion, line in rows:
        by_series[lesion.series_name, lesion.spacing_mm].append((lesion, line))
    there = {} if base is None else _volume_files(Path(base))
    images: dict[str, list[Row]] = defaultdict(list)
    for (series, _), members in by_series.items():
        groups = there.get(series) or deeplesion_groups([lesion for lesion, _ in members])
        for lesion, line in members:
            name = next((name for name, low, high in groups if low <= lesion.key_slice <= high), None)
            if name is None:
                problems.append(f"{base}: no volume of {series} holds slice {lesion.key_slice}; convert it again")
            elif name in images and images[name][0][0].spacing_mm != lesion.spacing_mm:
                problems.append(f"{name}: its lesions give different spacings; slice {lesion.key_slice} left out")
            else:
                images[name].append((lesion, line))
    return dict(images) if base is None else _present(images, Path(base), problems)


def _volume_files(base: Path) -> dict[str, list[tuple[str, int, int]]]:
    """Name, first slice and last slice of the volumes in a folder, by series."""
    found: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for path in sorted(base.iterdir()):
        match = _VOLUME_NAME.fullmatch(path.name)
        if match is not None:
            found[match.group(1)].append((path.name, int(match.group(2)), int(match.group(3))))
    return found


def _present(images: dict[str, list[Row]], base: Path, problems: list[str]) -> dict[str, list[Row]]:
    missing = [name for name in images if not (base / name).is_file()]
    problems.extend(
        f"{base / name}: no such image; {counted(len(images[name]), 'lesion')} left out" for name in missing
    )
    return {name: rows for name, rows in images.items() if name not in set(missing)}


def _entry(image: str, rows: Sequence[Row], choice: DeepLesionChoice, path: str) -> ScanEntry:
    lesions = [lesion for lesion, _ in rows]
    first = lesions[0]
    if choice.slices:
        boxes = [lesion.recist_box_edge(choice.margin_px, choice.margin_mm) for lesion in lesions]
    else:
        boxes = list(map(tuple, lesion_boxes_lps(lesions, choice).tolist()))
    kept, ignored = [], []
    for (lesion, line), box in zip(rows, boxes, strict=True):
        reason = _reason(lesion, choice)
        if reason:
            ignored.append(IgnoredBox(box, reason))
        else:
            kept.append(LabelledBox(box, facts=_facts(lesion, line)))
    return ScanEntry(
        image=image,
        patient_id=first.patient_id,
        box_frame="edge_px" if choice.slices else "lps_mm",
        boxes=tuple(kept),
        ignored=tuple(ignored),
        series_uid=first.series_name,
        sources=(Path(path).name,),
        facts={"window_hu": list(first.window_hu), "spacing_mm": list(first.spacing_mm), "sex": first.sex},
        part=PARTS[first.split],
    )


def _reason(lesion: Lesion, choice: DeepLesionChoice) -> str:
    """Why a lesion is not trained on; empty if it is."""
    if choice.types is not None and lesion.type_name not in choice.types:
        return f"lesion type {lesion.type_name}"
    flagged = [flag for flag in lesion.flags if flag in choice.leave_out]
    return f"marks are {' and '.join(flagged)}" if flagged else ""


def _facts(lesion: Lesion, line: int) -> dict[str, Any]:
    long, short = lesion.diameters_mm
    return {
        "diameter_mm": round(max(long, short), 4),
        "short_diameter_mm": round(min(long, short), 4),
        "lesion_type": lesion.type_name,
        "location": [round(value, 6) for value in lesion.normalized_location],
        "key_slice": lesion.key_slice,
        "recist_edge": [round(value, 4) for value in lesion.recist_edge],
        "flags": list(lesion.flags),
        "line": line,
    }
