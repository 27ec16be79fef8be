from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists import DeepLesionChoice, build_deeplesion, lesion_boxes_lps
from lungdet.geometry.frames import boxes_to_voxel
from lungdet.readers import LabelProblem
from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.readers.deeplesion_png import deeplesion_affine_lps
from lungdet.records import Lesion

LESION = Lesion(
    file_name="000012_01_03_109.png", patient=12, study=1, series=3, key_slice=109,
    recist_edge=(20.0, 30.0, 40.0, 30.0, 30.0, 25.0, 30.0, 35.0), box_edge=(15.0, 20.0, 45.0, 40.0),
    diameters_px=(20.0, 10.0), normalized_location=(0.4, 0.3, 0.5), lesion_type=5, noisy=False,
    slice_range=(103, 115), spacing_mm=(0.5, 0.5, 5.0), image_size=(512, 512), window_hu=(-1500.0, 500.0),
    sex="F", age_years=62.0, split="test",
)  # fmt: skip


def on_slice(number: int, first: int, last: int, **more: object) -> Lesion:
    name = f"000012_01_03_{number:03d}.png"
    return replace(LESION, file_name=name, key_slice=number, slice_range=(first, last), **more)


def table(*lesions: Lesion) -> DeepLesionTable:
    return DeepLesionTable("DL_info.csv", lesions, tuple(range(2, 2 + len(lesions))), ())


def test_box_in_the_patient():
    """Slice 109 lies 108 steps of 5 mm below the origin, the box is one step deep; x and y are half a pixel apart."""
    assert lesion_boxes_lps([LESION]).tolist() == [[7.25, 9.75, -542.5, 22.25, 19.75, -537.5]]


def test_box_falls_on_its_slice_of_any_group():
    for first in (103, 109):
        affine = deeplesion_affine_lps(LESION.spacing_mm, first)
        box = boxes_to_voxel(lesion_boxes_lps([LESION]), affine)
        assert np.allclose(box, [[15, 20, 109 - first, 45, 40, 110 - first]])


def test_other_margins_and_depths():
    choice = DeepLesionChoice(margin_px=0, margin_mm=1, depth="diameter")
    x0, y0, z0, x1, y1, z1 = lesion_boxes_lps([LESION], choice)[0]
    assert (x1 - x0, y1 - y0, z1 - z0) == (12, 7, 7.5)  # 10 x 5 mm with 1 mm around; their mean deep
    assert (z0 + z1) / 2 == -540
    thin = lesion_boxes_lps([replace(LESION, spacing_mm=(0.5, 0.5, 20.0))], choice)[0]
    assert thin[5] - thin[2] == 20  # never less than the key slice


def test_ranges_that_touch_are_one_volume():
    lesions = on_slice(109, 103, 115), on_slice(118, 116, 120), on_slice(60, 55, 65)
    built = build_deeplesion(table(*lesions))
    assert {entry.image: len(entry.boxes) for entry in built.entries} == {
        "000012_01_03_103-120.nii.gz": 2, "000012_01_03_055-065.nii.gz": 1,
    }  # fmt: skip
    assert built.entries[0].box_frame == "lps_mm"
    assert built.entries[0].part == "test"
    assert built.official == "parts"


def test_spacing_may_change_within_a_series():
    built = build_deeplesion(table(on_slice(80, 44, 111), on_slice(126, 112, 132, spacing_mm=(0.5, 0.5, 1.0))))
    assert [entry.image[13:20] for entry in built.entries] == ["044-111", "112-132"]
    with pytest.raises(ValueError, match="one spacing"):
        lesion_boxes_lps([LESION, replace(LESION, spacing_mm=(1.0, 1.0, 1.0))])


def test_key_slices():
    built = build_deeplesion(table(LESION, LESION, on_slice(110, 103, 115)), choice=DeepLesionChoice(slices=True))
    first, second = built.entries
    assert (first.image, len(first.boxes), second.image) == ("000012_01_03/109.png", 2, "000012_01_03/110.png")
    assert first.boxes[0].box == LESION.box_edge
    assert (first.box_frame, first.patient_id) == ("edge_px", "000012")
    facts = first.boxes[0].facts
    assert (facts["diameter_mm"], facts["lesion_type"], facts["line"]) == (10, "lung", 2)


def test_types_and_flags_become_ignored_regions():
    lesions = LESION, on_slice(110, 103, 115, lesion_type=4), on_slice(111, 103, 115, noisy=True)
    choice = DeepLesionChoice(types=["lung"], leave_out=["noisy", "skew"])
    (entry,) = build_deeplesion(table(*lesions), choice=choice).entries
    assert [item.reason for item in entry.ignored] == ["lesion type liver", "marks are noisy"]
    assert len(entry.boxes) == 1


def test_files_decide_how_series_are_cut(tmp_path: Path):
    for name in ("000012_01_03_100-112.nii.gz", "000012_01_03_113-120.nii", "notes.txt"):
        (tmp_path / name).touch()
    lesions = LESION, on_slice(118, 116, 120), on_slice(130, 125, 135)
    built = build_deeplesion(table(*lesions), tmp_path)
    assert [entry.image for entry in built.entries] == ["000012_01_03_100-112.nii.gz", "000012_01_03_113-120.nii"]
    assert built.problems == (f"{tmp_path}: no volume of 000012_01_03 holds slice 130; convert it again",)


def test_one_file_with_two_spacings(tmp_path: Path):
    (tmp_path / "000012_01_03_100-140.nii.gz").touch()
    built = build_deeplesion(table(LESION, on_slice(130, 125, 135, spacing_mm=(1.0, 1.0, 1.0))), tmp_path)
    assert len(built.entries[0].boxes) == 1
    assert "different spacings; slice 130 left out" in built.problems[0]


@pytest.mark.parametrize("slices", [False, True])
def test_missing_images_are_named(tmp_path: Path, slices: bool):
    faulty = DeepLesionTable("DL_info.csv", (LESION,), (2,), (LabelProblem("DL_info.csv", 3, "odd"),))
    built = build_deeplesion(faulty, tmp_path, DeepLesionChoice(slices=slices))
    assert built.entries == ()
    assert built.problems[0] == "DL_info.csv, line 3: odd"
    assert "no such image; 1 lesion left out" in built.problems[1]


def test_mistakes():
    with pytest.raises(ValueError, match="no lesion type"):
        DeepLesionChoice(types=["brain"])
    with pytest.raises(ValueError, match=r"flags are swapped, .* got odd"):
        DeepLesionChoice(leave_out=["odd"])
    with pytest.raises(ValueError, match="depth must be"):
        DeepLesionChoice(depth="deep")


@pytest.mark.parametrize("margin", [float("nan"), float("inf"), -1.0])
def test_margins_that_are_none(margin: float):
    with pytest.raises(ValueError, match="margin_px must be a finite number"):
        DeepLesionChoice(margin_px=margin)
    with pytest.raises(ValueError, match="margin_mm must be a finite number"):
        DeepLesionChoice(margin_mm=margin)
