"""Write a synthetic DeepLesion: slices as PNG, ``DL_info.csv`` in the official form, and the truth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records.lesion import Split

from .deeplesion_patient import SyntheticPatient, SyntheticSeries, draw_patient, draw_series
from .deeplesion_rows import SyntheticRow, info_csv, truth_csv
from .deeplesion_study import MarkedLesion, paint_slices, relative_place, scanner_of
from .torso_lesion_look import LOOKS

Array = NDArray[Any]

IMAGES, INFO, TRUTH = "Images_png", "DL_info.csv", "truth.csv"
HU_OFFSET = 32768  # of the data set: HU = value - 32768
PNG_LEVEL = 1  # more takes far longer for a tenth less
HELD_OUT: dict[Split, float] = {"validation": 0.15, "test": 0.15}
LUNG, LUNG_WINDOW, SOFT_WINDOW = 5, (-1500.0, 500.0), (-175.0, 275.0)
# Errors of the location in the CSV, as a body mask and a regressor make them: of a whole series, and of one lesion.
# Real rows: between nearest lesions of one type in studies that follow, x and y differ by a median of 0.023.
SERIES_SPREAD, LESION_SPREAD = (0.011, 0.011, 0.005), (0.008, 0.008, 0.004)
ASTRAY_CHANCE, ASTRAY_SPREAD = 0.06, 0.06  # arms or table in the mask shift x and y of a whole series
SPLIT_STREAM, MARK_STREAM, NOISE_STREAM = 402, 403, 404


@dataclass(frozen=True)
class WrittenDeepLesion:
    """What was written.

    Attributes:
        folder: holds ``DL_info.csv``, ``truth.csv`` and ``Images_png``.
        patients: how many have at least one row.
        rows: in the order of ``DL_info.csv``.
        slices: how many PNG files.
    """

    folder: Path
    patients: int
    rows: tuple[SyntheticRow, ...]
    slices: int


def write_deeplesion(
    folder: str | Path,
    *,
    patients: int,
    seed: int = 0,
    image_size: int = 512,
    context_mm: float = 30.0,
    hide_training_types: bool = False,
    types: tuple[int, ...] = tuple(LOOKS),
    studies: int | None = None,
    lesions: int | None = None,
) -> WrittenDeepLesion:
    """Write a synthetic DeepLesion in the layout of the real one.

    ``Images_png/000001_01_01/109.png`` holds HU + 32768 in 16 bits; ``DL_info.csv`` has the 18 columns in the official
    number format; ``truth.csv`` tells for every row which lesion it is over all studies, its body coordinate, part and
    axes without a reader's error. The CSV files come last, so a folder with them is whole. The same arguments give
    the same bytes; patients are the same whatever their number, but for their part of the split.

    Args:
        folder: made if absent; it must not hold a data set yet.
        patients: how many to draw; the few that happen to have no mark have no row.
        seed: not negative.
        image_size: columns and rows of a slice.
        context_mm: of slices above and below a key slice; 30 as in the real one, less is faster.
        hide_training_types: write type -1 for the training part, as in the real one.
        types: of lesions, 1 to 8.
        studies: how many every patient has; None draws 1 to 4.
        lesions: how many every patient has; None draws 1 to 6.

    Raises:
        ValueError: an argument is out of range, or the folder holds a data set.
    """
    _check(patients, seed, image_size, context_mm, types, studies, lesions)
    root = Path(folder)
    if any((root / name).exists() for name in (IMAGES, INFO, TRUTH)):
        raise ValueError(f"{folder}: holds a DeepLesion folder already; remove it, or name another one")
    rows: list[SyntheticRow] = []
    slices = 0
    for index, split in enumerate(draw_splits(patients, seed), start=1):
        patient = draw_patient(index, seed, types, studies, lesions)
        for study in range(patient.studies):
            for series in draw_series(patient, study, seed, image_size, context_mm):
                rows += _rows(patient, series, split, seed)
                slices += _write_slices(patient, series, root / IMAGES, seed)
    root.mkdir(parents=True, exist_ok=True)
    _replace(root / TRUTH, truth_csv(rows).encode())
    _replace(root / INFO, info_csv(rows, hide_training_types=hide_training_types).encode())
    return WrittenDeepLesion(root, len({row.patient for row in rows}), tuple(rows), slices)


def draw_splits(patients: int, seed: int) -> list[Split]:
    """Draw the part of each patient: 15 % validation and 15 % test, rounded; at least one each from three patients on.

    Example:
        >>> sorted(draw_splits(20, 0)).count("test")
        3
    """
    parts: list[Split] = []
    for split, share in HELD_OUT.items():
        parts += [split] * max(round(share * patients), int(patients >= 3))
    parts += ["train"] * (patients - len(parts))
    order = np.random.default_rng([seed, SPLIT_STREAM]).permutation(patients)
    return [parts[place] for place in order.tolist()]


def _rows(patient: SyntheticPatient, series: SyntheticSeries, split: Split, seed: int) -> Iterator[SyntheticRow]:
    """Rows of the marks of a series."""
    rng = np.random.default_rng([seed, MARK_STREAM, patient.index, series.study, series.number])
    lesions = {lesion.identity: lesion for lesion in patient.lesions}
    shift = rng.normal(0, SERIES_SPREAD)
    if rng.random() < ASTRAY_CHANCE:
        shift[:2] += rng.normal(0, ASTRAY_SPREAD, 2)
    for mark in series.marks:
        lesion, state, torso = lesions[mark.state.identity], mark.state, patient.torso
        long_mm, short_mm = mark.true_axes.lengths_mm
        yield SyntheticRow(
            patient=patient.index,
            study=series.study + 1,
            series=series.number,
            key_slice=mark.key_slice,
            recist_px=tuple(series.grid.pixels(mark.drawn_axes.ends_mm).ravel().tolist()),
            location=_location(patient, series, mark, shift + rng.normal(0, LESION_SPREAD)),
            lesion_type=state.lesion_type,
            slice_range=mark.slice_range,
            spacing_mm=(series.grid.pixel_mm, series.grid.pixel_mm, series.grid.step_mm),
            image_size=(series.grid.size, series.grid.size),
            window_hu=LUNG_WINDOW if state.lesion_type == LUNG else SOFT_WINDOW,
            sex=patient.sex,
            age_years=patient.ages[series.study],
            split=split,
            identity=state.identity,
            u=float(torso.coordinate(float(state.center_mm[2]))),
            part=torso.part(float(state.center_mm[2])),
            long_mm=long_mm,
            short_mm=short_mm,
            center_mm=tuple(state.center_mm.tolist()),
            change=lesion.change,
            look=lesion.look,
        )


def _location(
    patient: SyntheticPatient, series: SyntheticSeries, mark: MarkedLesion, error: Array
) -> tuple[float, float, float]:
    z_mm = float(series.grid.height_mm(mark.key_slice))
    true = (*relative_place(patient.torso, mark.drawn_axes, z_mm), float(patient.torso.coordinate(z_mm)))
    x, y, z = np.clip(np.array(true) + error, 0, 1).tolist()
    return x, y, z


def _write_slices(patient: SyntheticPatient, series: SyntheticSeries, images: Path, seed: int) -> int:
    """Write the slices of a series; return how many."""
    folder = images / f"{patient.index:06d}_{series.study + 1:02d}_{series.number:02d}"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, NOISE_STREAM, patient.index, series.study, series.number])
    scanner = scanner_of(series.grid.size, series.kernel, series.dose)
    numbers = series.slice_numbers
    hu = paint_slices(rng, patient.torso, series.grid, series.states, numbers, scanner)
    for number, plane in zip(numbers, hu, strict=True):
        _write_png(folder / f"{number:03d}.png", (plane.astype(np.int32) + HU_OFFSET).astype(np.uint16))
    return len(numbers)


def _write_png(path: Path, pixels: NDArray[np.uint16]) -> None:
    from PIL import Image

    temporary = path.with_name(f".{path.name}.part")
    Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG", compress_level=PNG_LEVEL)
    os.replace(temporary, path)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def _check(
    patients: int,
    seed: int,
    image_size: int,
    context_mm: float,
    types: tuple[int, ...],
    studies: int | None,
    lesions: int | None,
) -> None:
    if patients < 1 or seed < 0 or image_size < 32 or context_mm < 0:
        raise ValueError(
            f"wanted patients >= 1, seed >= 0, image_size >= 32 and context_mm >= 0, "
            f"got {patients=}, {seed=}, {image_size=}, {context_mm=}"
        )
    if not types or not set(types) <= set(LOOKS):
        raise ValueError(f"types must be some of {list(LOOKS)}, got {types}")
    if min(studies or 1, lesions or 1) < 1 or studies == 0 or lesions == 0:
        raise ValueError(f"studies and lesions must be 1 or more, got {studies=}, {lesions=}")
