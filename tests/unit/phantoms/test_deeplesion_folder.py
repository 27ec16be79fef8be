"""A synthetic DeepLesion reads back as the real one does, and its truth is true."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from lungdet.geometry.body_mask import body_mask, relative_location
from lungdet.phantoms.deeplesion_folder import WrittenDeepLesion, draw_splits, write_deeplesion
from lungdet.phantoms.deeplesion_patient import draw_patient, draw_series
from lungdet.phantoms.deeplesion_study import paint_slices, scanner_of
from lungdet.phantoms.torso_lesion_look import LOOKS
from lungdet.readers import read_deeplesion
from lungdet.readers.deeplesion_png import read_deeplesion_group
from lungdet.readers.png_file import read_png16
from lungdet.records.lesion_key import lesion_keys

SIZE = 96


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenDeepLesion:
    return write_deeplesion(
        tmp_path_factory.mktemp("deeplesion"), patients=4, seed=3, image_size=SIZE, context_mm=5, studies=3, lesions=4
    )


@pytest.fixture(scope="module")
def truth(written: WrittenDeepLesion) -> list[dict[str, str]]:
    with (written.folder / "truth.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_it_reads_back_strictly_and_every_slice_is_there(written: WrittenDeepLesion):
    table = read_deeplesion(written.folder / "DL_info.csv")
    assert len(table) == len(written.rows) > 30
    assert {lesion.patient for lesion in table.lesions} == set(range(1, 5))
    for lesion in table.lesions:
        assert set(lesion.flags) <= {"skew"}
        folder = written.folder / "Images_png" / lesion.series_name
        volume = read_deeplesion_group(folder, *lesion.slice_range, lesion.spacing_mm)
        assert volume.array.shape[:2] == (SIZE, SIZE) == lesion.image_size
        assert volume.array.min() < -900
        assert volume.array.max() > 100
    assert len(list((written.folder / "Images_png").rglob("*"))) == written.slices + len(
        {lesion.series_name for lesion in table.lesions}
    )


def test_truth_has_the_keys_and_types_of_the_table(written: WrittenDeepLesion, truth: list[dict[str, str]]):
    lesions = read_deeplesion(written.folder / "DL_info.csv").lesions
    assert [row["key"] for row in truth] == lesion_keys(lesion.file_name for lesion in lesions)
    assert [int(row["lesion_type"]) for row in truth] == [lesion.lesion_type for lesion in lesions]


def test_marks_are_near_the_true_axes_and_the_place_is_near_the_truth(
    written: WrittenDeepLesion, truth: list[dict[str, str]]
):
    for lesion, row in zip(read_deeplesion(written.folder / "DL_info.csv").lesions, truth, strict=True):
        long_mm, short_mm = lesion.diameters_mm
        assert abs(long_mm - float(row["long_mm"])) < 2 + 0.08 * float(row["long_mm"])
        assert abs(short_mm - float(row["short_mm"])) < 2 + 0.08 * float(row["long_mm"])
        assert abs(lesion.normalized_location[2] - float(row["u"])) < 0.04
        assert row["part"] in ("chest", "abdomen", "pelvis")


def test_places_agree_with_a_mask_of_the_body_found_in_the_picture(written: WrittenDeepLesion):
    off = []
    for lesion in read_deeplesion(written.folder / "DL_info.csv").lesions:
        hu = read_png16(written.folder / "Images_png" / lesion.png_path).astype(float) - 32768
        x0, y0, x1, y1 = lesion.box_edge
        seen = relative_location(body_mask(hu, lesion.spacing_mm[:2]), (x0 + x1) / 2, (y0 + y1) / 2)
        off.append(np.subtract(seen, lesion.normalized_location[:2]))
    assert np.median(np.abs(off), axis=0).max() < 0.03  # the written ones err by 0.014 themselves


def test_a_lesion_keeps_type_and_place_over_the_studies(truth: list[dict[str, str]]):
    found = defaultdict(list)
    for row in truth:
        found[row["identity"]].append(row)
    assert max(len({row["key"][:9] for row in rows}) for rows in found.values()) == 3
    for rows in found.values():
        assert len({(row["lesion_type"], row["change"], row["look"]) for row in rows}) == 1
        places = np.array([[float(row[name]) for name in ("x_mm", "y_mm", "z_mm")] for row in rows])
        assert np.ptp(places, axis=0).max() < 16


def test_slices_differ_from_those_without_lesions_where_the_lesions_are_and_nowhere_else():
    patient = draw_patient(1, 5, tuple(LOOKS), studies=1, lesions=3)
    series = draw_series(patient, 0, 5, SIZE, 5.0)[0]
    scanner = scanner_of(SIZE, "standard", "none")
    for mark in series.marks:
        with_it, without = (
            paint_slices(np.random.default_rng(0), patient.torso, series.grid, states, [mark.key_slice], scanner)
            for states in (series.states, ())
        )
        changed = np.abs(with_it[0].astype(float) - without[0]) > 10
        columns, rows = np.round(series.grid.pixels(mark.true_axes.ends_mm) - 1).astype(int).T
        inside = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        assert changed[inside].mean() > 0.35
        for state in series.states:
            column, row = np.round(series.grid.pixels(state.center_mm[None, :2])[0] - 1).astype(int)
            reach = int(state.reach_mm / series.grid.pixel_mm) + 4  # and the point spread
            changed[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = False
        assert not changed.any()


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_patients(tmp_path: Path):
    settings = {"seed": 9, "image_size": 48, "context_mm": 0, "studies": 1, "lesions": 2}
    one, two = (write_deeplesion(tmp_path / name, patients=count, **settings) for name, count in (("a", 1), ("b", 2)))
    files = sorted(path.relative_to(one.folder) for path in one.folder.rglob("*.png"))
    assert files
    for name in files:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()
    first = [row for row in two.rows if row.patient == 1]
    assert [row.recist_px for row in one.rows] == [row.recist_px for row in first]


def test_types_can_be_hidden_as_in_the_real_training_part(tmp_path: Path):
    folder = write_deeplesion(
        tmp_path, patients=4, image_size=32, context_mm=0, studies=1, lesions=3, hide_training_types=True
    ).folder
    lesions = read_deeplesion(folder / "DL_info.csv").lesions
    assert {lesion.lesion_type == -1 for lesion in lesions if lesion.split == "train"} == {True}
    assert -1 not in {lesion.lesion_type for lesion in lesions if lesion.split != "train"}


def test_splits_are_by_patient_and_in_their_shares():
    parts = draw_splits(100, 0)
    assert [parts.count(part) for part in ("train", "validation", "test")] == [70, 15, 15]
    assert sorted(draw_splits(3, 0)) == ["test", "train", "validation"]
    assert draw_splits(1, 0) == ["train"]
    assert draw_splits(100, 1) != parts


def test_a_folder_that_holds_a_data_set_is_refused(written: WrittenDeepLesion):
    with pytest.raises(ValueError, match="holds a DeepLesion folder already"):
        write_deeplesion(written.folder, patients=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patients": 0}, "patients >= 1"),
        ({"patients": 1, "seed": -1}, "seed >= 0"),
        ({"patients": 1, "image_size": 16}, "image_size >= 32"),
        ({"patients": 1, "context_mm": -1.0}, "context_mm >= 0"),
        ({"patients": 1, "types": (9,)}, "types must be"),
        ({"patients": 1, "types": ()}, "types must be"),
        ({"patients": 1, "studies": 0}, "studies and lesions"),
        ({"patients": 1, "lesions": -2}, "studies and lesions"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path: Path, wrong: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        write_deeplesion(tmp_path / "x", **wrong)
    assert not (tmp_path / "x").exists()
