"""``DL_info.csv`` of DeepLesion: all 18 columns, typed.

The data set counts pixels from 1. Marks and boxes are taken to the edge frame here, once, and nowhere else.
https://nihcc.app.box.com/v/DeepLesion
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import voxel_to_edge
from lungdet.records.lesion import LESION_TYPES, Lesion
from lungdet.records.lesion_key import lesion_keys

from .deeplesion_png import MAX_SLICES
from .label_errors import LabelProblem
from .label_table import LabelTable

FIRST_PIXEL = 1  # DL_info coordinates start at 1: the centre of the first pixel is (1, 1)
COLUMNS = (
    "File_name", "Patient_index", "Study_index", "Series_ID", "Key_slice_index", "Measurement_coordinates",
    "Bounding_boxes", "Lesion_diameters_Pixel_", "Normalized_lesion_location", "Coarse_lesion_type", "Possibly_noisy",
    "Slice_range", "Spacing_mm_px_", "Image_size", "DICOM_windows", "Patient_gender", "Patient_age", "Train_Val_Test",
)  # fmt: skip
SPLITS = {1: "train", 2: "validation", 3: "test"}
_INDICES = ("Patient_index", "Study_index", "Series_ID", "Key_slice_index")
_UNKNOWN = {"", "nan", "na", "n/a"}


@dataclass(frozen=True)
class DeepLesionTable:
    """The lesions of a ``DL_info.csv``.

    Attributes:
        path: the file.
        lesions: in the order of the file; rows with a fault are left out.
        lines: line of each lesion in the file, counted from 1.
        problems: faults of the rows that were left out; empty after strict reading.
        keys: name of each lesion, see :func:`lungdet.records.lesion_key.lesion_keys`: its number counts the rows of its
            file name, faulty ones too, so that mending a row renames no other. Counted over the lesions if not given.
    """

    path: str
    lesions: tuple[Lesion, ...]
    lines: tuple[int, ...]
    problems: tuple[LabelProblem, ...]
    keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.keys:
            object.__setattr__(self, "keys", tuple(lesion_keys(lesion.file_name for lesion in self.lesions)))

    def __len__(self) -> int:
        return len(self.lesions)


def read_deeplesion(path: str | Path, *, strict: bool = True) -> DeepLesionTable:
    """Read a ``DL_info.csv``.

    Odd marks are no faults: :attr:`lungdet.records.Lesion.flags` tells them. Faults are numbers that are missing, NaN
    or of the wrong sign, types, sexes and parts that do not exist, key slices outside their range, ranges of more than
    5000 slices, windows that do not rise, file names that contradict the indices, patients in two parts of the split,
    and repeated rows.

    Args:
        path: the file.
        strict: raise if a row is faulty; else leave such rows out and tell them in ``problems``.

    Raises:
        AnnotationError: columns are missing, or, if strict, a row is faulty.
    """
    table = LabelTable(path, COLUMNS)
    columns = [
        table.text("File_name"),
        *(_whole(table, name, lambda value: value >= 1, "1 or more") for name in _INDICES),
        _tuples(_edge(table.number_lists("Measurement_coordinates", 8))),
        _tuples(_edge(_boxes(table))),
        _tuples(_positive(table, "Lesion_diameters_Pixel_", 2, allow_zero=True)),
        _tuples(table.number_lists("Normalized_lesion_location", 3)),
        _whole(table, "Coarse_lesion_type", lambda value: np.isin(value, list(LESION_TYPES)), "1 to 8, or -1"),
        [bool(value) for value in _whole(table, "Possibly_noisy", lambda value: np.isin(value, (0, 1)), "0 or 1")],
        _tuples(_ranges(table)),
        _tuples(_positive(table, "Spacing_mm_px_", 3)),
        _tuples(_image_sizes(table)),
        _tuples(_windows(table)),
        _sexes(table),
        _ages(table),
        [
            SPLITS.get(value, "")
            for value in _whole(table, "Train_Val_Test", lambda v: np.isin(v, list(SPLITS)), "1, 2, 3")
        ],
    ]
    _check_names(table, columns)
    _check_split(table, columns)
    table.refuse_repeats(list(zip(*(table.text(name) for name in COLUMNS), strict=True)))
    problems = table.close(strict)
    rows = zip(*columns, strict=True)
    lesions = tuple(Lesion(*row) for row, good in zip(rows, table.good.tolist(), strict=True) if good)
    every_key = lesion_keys(table.text("File_name"))
    keys = tuple(key for key, good in zip(every_key, table.good.tolist(), strict=True) if good)
    return DeepLesionTable(table.path, lesions, tuple(table.lines[table.good].tolist()), problems, keys)


def _edge(one_based: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take positions from pixel centres counted from 1 to the edge frame."""
    edge: NDArray[np.float64] = voxel_to_edge(one_based - FIRST_PIXEL)
    return edge


def _tuples(values: NDArray[Any]) -> list[tuple[Any, ...]]:
    return list(zip(*(column.tolist() for column in values.T), strict=True))


def _whole(table: LabelTable, name: str, allowed: Callable[[Any], Any], wanted: str) -> list[int]:
    values = table.whole_numbers(name)[:, 0]
    table.refuse(~allowed(values), lambda row: f"{name} is {values[row]}, wanted {wanted}")
    return list(values.tolist())


def _positive(table: LabelTable, name: str, count: int, allow_zero: bool = False) -> NDArray[np.float64]:
    values = table.number_lists(name, count)
    low = (values < 0) if allow_zero else (values <= 0)
    table.refuse(low.any(axis=1), lambda row: f"{name} is {values[row].tolist()}, wanted positive numbers")
    return values


def _boxes(table: LabelTable) -> NDArray[np.float64]:
    boxes = table.number_lists("Bounding_boxes", 4)
    flat = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    table.refuse(flat, lambda row: f"Bounding_boxes is {boxes[row].tolist()}, wanted min corner, then max corner")
    return boxes


def _ranges(table: LabelTable) -> NDArray[np.int64]:
    ranges = table.whole_numbers("Slice_range", 2)
    key = table.whole_numbers("Key_slice_index")[:, 0]
    outside = (ranges[:, 0] < 1) | (key < ranges[:, 0]) | (key > ranges[:, 1])
    table.refuse(outside, lambda row: f"Slice_range {ranges[row].tolist()} does not hold key slice {key[row]}")
    long = ranges[:, 1] - ranges[:, 0] >= MAX_SLICES
    table.refuse(long, lambda row: f"Slice_range {ranges[row].tolist()} holds more than {MAX_SLICES} slices")
    return ranges


def _image_sizes(table: LabelTable) -> NDArray[np.int64]:
    sizes = table.whole_numbers("Image_size", 2)
    table.refuse((sizes < 1).any(axis=1), lambda row: f"Image_size is {sizes[row].tolist()}, wanted 1 or more")
    return sizes


def _windows(table: LabelTable) -> NDArray[np.float64]:
    windows = table.number_lists("DICOM_windows", 2)
    flat = windows[:, 1] <= windows[:, 0]
    table.refuse(flat, lambda row: f"DICOM_windows is {windows[row].tolist()}, wanted the low end, then the high one")
    return windows


def _sexes(table: LabelTable) -> list[str]:
    """Sexes as ``M`` or ``F``, or empty where the data set gives none."""
    texts = table.text("Patient_gender")
    sexes = ["" if text.lower() in _UNKNOWN else text.upper() for text in texts]
    odd = np.array([sex not in ("M", "F", "") for sex in sexes], dtype=np.bool_)
    table.refuse(odd, lambda row: f"Patient_gender is {texts[row]!r}, wanted M, F, or nothing")
    return sexes


def _ages(table: LabelTable) -> list[float | None]:
    """Ages in years; the data set leaves some out."""
    texts = table.text("Patient_age")
    try:
        ages: list[float | None] = [None if text.lower() in _UNKNOWN else float(text) for text in texts]
    except ValueError:
        ages = [None if text.lower() in _UNKNOWN else _float(text) for text in texts]
    odd = np.array([age is not None and not 0 <= age <= 150 for age in ages], dtype=np.bool_)
    table.refuse(odd, lambda row: f"Patient_age is {texts[row]!r}, wanted years, or nothing")
    return ages


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _check_names(table: LabelTable, columns: list[Any]) -> None:
    names = columns[0]
    expected = ["%06d_%02d_%02d_%03d.png" % indices for indices in zip(*columns[1:5], strict=True)]  # noqa: UP031
    wrong = np.array([name != right for name, right in zip(names, expected, strict=True)], dtype=np.bool_)
    table.refuse(wrong, lambda row: f"File_name is {names[row]!r}, its indices say {expected[row]!r}")


def _check_split(table: LabelTable, columns: list[Any]) -> None:
    """Refuse rows that put a patient into another part than the first row of that patient that is in any."""
    patients, splits = columns[1], columns[-1]
    first: dict[int, tuple[str, int]] = {}
    rows = zip(patients, splits, table.lines.tolist(), table.good.tolist(), strict=True)
    for patient, split, line, good in rows:
        if good:
            first.setdefault(patient, (split, line))
    homes = [first.get(patient, (split, 0)) for patient, split in zip(patients, splits, strict=True)]
    moved = np.array([home != split for (home, _), split in zip(homes, splits, strict=True)], dtype=np.bool_)
    table.refuse(
        moved,
        lambda row: f"Train_Val_Test says {splits[row]}, line {homes[row][1]} has the same patient in {homes[row][0]}",
    )
