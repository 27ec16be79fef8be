"""Write ``DL_info.csv`` as DeepLesion has it, and the truth beside it.

Columns, number format and conventions are those of the data set: positions count pixel centres from 1, a box is the
marks' own grown by 5 pixels and not clipped, lists of numbers are joined by comma and blank.
https://nihcc.app.box.com/v/DeepLesion
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lungdet.records.lesion import DEEPLESION_MARGIN_PX, Mark, Split
from lungdet.records.lesion_key import lesion_keys

UNKNOWN_TYPE = -1
SPLIT_NUMBERS: dict[Split, int] = {"train": 1, "validation": 2, "test": 3}
INFO_COLUMNS = (
    "File_name", "Patient_index", "Study_index", "Series_ID", "Key_slice_index", "Measurement_coordinates",
    "Bounding_boxes", "Lesion_diameters_Pixel_", "Normalized_lesion_location", "Coarse_lesion_type", "Possibly_noisy",
    "Slice_range", "Spacing_mm_px_", "Image_size", "DICOM_windows", "Patient_gender", "Patient_age", "Train_Val_Test",
)  # fmt: skip
TRUTH_COLUMNS = (
    "key", "identity", "lesion_type", "u", "part", "long_mm", "short_mm", "x_mm", "y_mm", "z_mm", "change", "look",
)  # fmt: skip


@dataclass(frozen=True)
class SyntheticRow:
    """One marked lesion of a synthetic DeepLesion, with its truth.

    Attributes:
        patient, study, series: indices from 1.
        key_slice: number of the slice, from 1.
        recist_px: ends of the long axis, then of the short one, ``(x, y)`` four times; pixel centres count from 1.
        location: x and y relative to the body, z as a regressor gives it: with a small error.
        lesion_type: 1 to 8.
        slice_range: first and last slice of the context.
        spacing_mm: x, y, z.
        image_size: columns and rows.
        window_hu: low and high end of the display window.
        sex: ``M`` or ``F``.
        age_years: at the study.
        split: part of the split.
        identity: of the lesion, the same in all studies.
        u: true body coordinate of the middle of the lesion.
        part: ``chest``, ``abdomen`` or ``pelvis``.
        long_mm, short_mm: true axes on the key slice.
        center_mm: true middle, LPS mm of the torso.
        change: how it goes over the studies.
        look: what it looks like.
    """

    patient: int
    study: int
    series: int
    key_slice: int
    recist_px: Mark
    location: tuple[float, float, float]
    lesion_type: int
    slice_range: tuple[int, int]
    spacing_mm: tuple[float, float, float]
    image_size: tuple[int, int]
    window_hu: tuple[float, float]
    sex: str
    age_years: float
    split: Split
    identity: str
    u: float
    part: str
    long_mm: float
    short_mm: float
    center_mm: tuple[float, float, float]
    change: str
    look: str

    @property
    def file_name(self) -> str:
        """Key slice as the data set names it: ``000001_01_01_109.png``."""
        return f"{self.patient:06d}_{self.study:02d}_{self.series:02d}_{self.key_slice:03d}.png"


def info_csv(rows: Iterable[SyntheticRow], *, hide_training_types: bool = False) -> str:
    """Return ``DL_info.csv``.

    Args:
        rows: in the order of the file.
        hide_training_types: write -1 for the training part, as the real data set does.
    """
    return _csv(INFO_COLUMNS, (_info_fields(row, hide_training_types) for row in rows))


def truth_csv(rows: Iterable[SyntheticRow]) -> str:
    """Return ``truth.csv``: key (file name of the key slice, ``#``, number among the rows of that file) and truth."""
    listed = list(rows)
    lines = []
    for key, row in zip(lesion_keys([row.file_name for row in listed]), listed, strict=True):
        lengths = [f"{value:.3f}" for value in (row.long_mm, row.short_mm, *row.center_mm)]
        lines.append([key, row.identity, row.lesion_type, f"{row.u:.5f}", row.part, *lengths, row.change, row.look])
    return _csv(TRUTH_COLUMNS, lines)


def _info_fields(row: SyntheticRow, hide_training_types: bool) -> list[object]:
    marks = np.array(row.recist_px).reshape(4, 2)
    box = [*(marks.min(axis=0) - DEEPLESION_MARGIN_PX), *(marks.max(axis=0) + DEEPLESION_MARGIN_PX)]
    diameters = np.hypot(*(marks[1::2] - marks[::2]).T)
    hidden = hide_training_types and row.split == "train"
    return [
        row.file_name, row.patient, row.study, row.series, row.key_slice, joined(row.recist_px), joined(box),
        joined(diameters.tolist()), joined(row.location), UNKNOWN_TYPE if hidden else row.lesion_type, 0,
        joined(row.slice_range), joined(row.spacing_mm), joined(row.image_size), joined(row.window_hu), row.sex,
        f"{row.age_years:.1f}", SPLIT_NUMBERS[row.split],
    ]  # fmt: skip


def joined(values: Sequence[float]) -> str:
    """Join numbers as the data set does: six digits, comma and blank.

    Example:
        >>> joined((0.48828125, 0.48828125, 5.0))
        '0.488281, 0.488281, 5'
    """
    return ", ".join(f"{value:.6g}" for value in values)


def _csv(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return table.getvalue()
