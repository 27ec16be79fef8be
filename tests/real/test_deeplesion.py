"""Rows of DeepLesion's own table, and key slices as others cut them out."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists import DeepLesionChoice, build_deeplesion, find_leaks
from lungdet.readers import read_deeplesion
from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.workflows.datalist import DatalistOptions, make_datalist

ONE_BASED = 0.5  # from the edge frame back to pixel centres counted from 1
SHOWN_DIGITS = 6  # the table gives six significant digits of everything


@pytest.fixture(scope="module")
def table(real_data: Path) -> DeepLesionTable:
    return read_deeplesion(real_data / "deeplesion" / "DL_info_excerpt.csv")


def test_every_row_is_read(table: DeepLesionTable):
    assert len(table) == 2555
    assert Counter(lesion.split for lesion in table.lesions) == {"test": 2432, "train": 105, "validation": 18}
    assert all(lesion.lesion_type == -1 for lesion in table.lesions if lesion.split == "train")


def test_boxes_are_the_data_sets_own(table: DeepLesionTable):
    ours = np.array([lesion.recist_box_edge() for lesion in table.lesions])
    theirs = np.array([lesion.box_edge for lesion in table.lesions])
    assert np.abs(ours - theirs).max() < 0.001


def test_diameters_are_the_data_sets_own_within_rounding(table: DeepLesionTable):
    marks = np.array([lesion.recist_edge for lesion in table.lesions]).reshape(-1, 4, 2)
    ours = np.linalg.norm(marks[:, 1::2] - marks[:, 0::2], axis=2)
    theirs = np.array([lesion.diameters_px for lesion in table.lesions])
    # Each of the four numbers of an axis is rounded to half a unit of its last digit, and so is the diameter.
    half_unit = 0.5 * 10 ** (np.floor(np.log10(marks + ONE_BASED)) + 1 - SHOWN_DIGITS)
    ends = (half_unit[:, 0::2] + half_unit[:, 1::2]).reshape(-1, 2, 2)
    most = np.linalg.norm(ends, axis=2) + 0.5 * 10 ** (np.floor(np.log10(theirs)) + 1 - SHOWN_DIGITS)
    assert (np.abs(ours - theirs) <= most + 1e-9).all()


def test_flags_are_rare_and_counted(table: DeepLesionTable):
    flags = Counter(flag for lesion in table.lesions for flag in lesion.flags)
    assert flags == {"skew": 70, "swapped": 12, "apart": 10, "noisy": 10}


def test_slice_numbers_run_to_the_feet(table: DeepLesionTable):
    """What the affine by convention rests on: the body-part coordinate rises with the number of the slice."""
    series: dict[str, list[tuple[int, float]]] = {}
    for lesion in table.lesions:
        series.setdefault(lesion.series_name, []).append((lesion.key_slice, lesion.normalized_location[2]))
    pairs = [(a, b) for members in series.values() for a in members for b in members if a[0] < b[0]]
    falls = sum(a[1] > b[1] for a, b in pairs)
    assert (len(pairs), falls) == (3153, 26)
    height = {kind: np.mean([item.normalized_location[2] for item in table.lesions if item.type_name == kind])
              for kind in ("mediastinum", "lung", "liver", "pelvis")}  # fmt: skip
    assert height["mediastinum"] < height["lung"] < height["liver"] < height["pelvis"]


def test_key_slices_cut_out_by_others_have_our_boxes(table: DeepLesionTable, real_data: Path):
    """Their files give ``label ymin xmin ymax xmax`` as fractions of the image."""
    by_slice = {entry.image.replace("/", "_"): entry for entry in _slices(table).entries}
    compared = 0
    for path in sorted((real_data / "deeplesion" / "key_slices").glob("*.tru")):
        entry = by_slice.get(path.stem + ".png")
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        if entry is None or not rows:
            continue
        theirs = np.array([[float(value) for value in row[-4:]] for row in rows])[:, [1, 0, 3, 2]] * 512
        ours = np.array([item.box for item in entry.boxes]) + ONE_BASED
        assert (np.abs(ours[:, None] - theirs[None]).max(axis=2).min(axis=0) < 0.1).all(), path.name
        compared += len(theirs)
    assert compared == 8  # the others are not in the excerpt


def test_official_split_does_not_leak(table: DeepLesionTable, real_data: Path, tmp_path: Path):
    source = real_data / "deeplesion" / "DL_info_excerpt.csv"
    result = make_datalist("deeplesion", [source], tmp_path / "list.json", DatalistOptions(progress=False))
    assert result.good
    assert sum(len(entry.boxes) for entries in result.parts.values() for entry in entries) == 2555
    assert find_leaks(result.parts) == []


def _slices(table: DeepLesionTable):
    return build_deeplesion(table, choice=DeepLesionChoice(slices=True))
