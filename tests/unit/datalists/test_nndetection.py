import json
from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists import LabelledBox, ScanEntry, read_nndetection, write_nndetection
from lungdet.datalists.nndetection import case_name, instance_mask
from lungdet.phantoms import DAMAGES, write_dicom_series, write_nifti
from lungdet.readers import AnnotationError, read_ct
from lungdet.records import CTVolume, SeriesInfo

SPACING = (2.0, 2.0, 2.5)


BOXES = ((-10.0, -8.0, 3.0, 4.0, 5.0, 14.0), (20.0, 30.0, 40.0, 26.0, 37.0, 46.0))  # LPS mm


@pytest.fixture
def base(tmp_path: Path) -> Path:
    array = np.random.default_rng(0).integers(-1000, 400, (40, 36, 30)).astype(np.int16)
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = (-30, -20, -10)
    for name in ("1.nii.gz", "2.nii.gz"):
        write_nifti(CTVolume(array, affine, SeriesInfo("made")), tmp_path / "a" / name)
    return tmp_path


def entries() -> dict[str, list[ScanEntry]]:
    boxes = tuple(LabelledBox(box) for box in BOXES)
    return {
        "training": [ScanEntry("a/1.nii.gz", "p", "lps_mm", boxes)],
        "test": [ScanEntry("a/2.nii.gz", "q", "lps_mm")],
    }


def test_there_and_back(base: Path):
    parts = entries()
    assert write_nndetection(base / "raw", parts, base, name="Task001") == ()
    files = sorted(str(path.relative_to(base / "raw")) for path in (base / "raw").rglob("*") if path.is_file())
    assert files == [
        "dataset.json", "imagesTr/a-1_0000.nii.gz", "imagesTs/a-2_0000.nii.gz", "labelsTr/a-1.json",
        "labelsTr/a-1.nii.gz", "labelsTs/a-2.json", "labelsTs/a-2.nii.gz",
    ]  # fmt: skip
    task = json.loads((base / "raw" / "dataset.json").read_text())
    assert (task["labels"], task["dim"]) == ({"0": "nodule"}, 3)
    built = read_nndetection(base / "raw")
    assert [entry.part for entry in built.entries] == ["training", "test"]
    wanted = np.array([item.box for item in parts["training"][0].boxes])
    found = np.array([item.box for item in built.entries[0].boxes])
    assert np.abs(found - wanted).max() <= max(SPACING)  # masks know no parts of voxels
    assert built.entries[1].boxes == ()
    image = read_ct(base / "raw" / built.entries[0].image)
    assert np.array_equal(image.array, read_ct(base / "a" / "1.nii.gz").array)


def test_scans_that_cannot_be_read_are_told(base: Path):
    (base / "a" / "2.nii.gz").write_bytes(b"x")
    parts = entries()
    parts["test"].append(ScanEntry("a 1.nii.gz", "r", "lps_mm"))
    problems = write_nndetection(base / "raw", parts, base)
    assert len(problems) == 2
    assert "2.nii.gz" in problems[0]
    assert problems[1] == "a 1.nii.gz: its case a-1 is already taken by a/1.nii.gz"


def test_scans_are_read_as_the_list_was_made(base: Path):
    write_dicom_series(read_ct(base / "a" / "1.nii.gz"), base / "b")
    DAMAGES["gap"](base / "b")
    parts = {"training": [ScanEntry("b", "p", "lps_mm", (LabelledBox(BOXES[0]),))]}
    assert "on_gap='interpolate'" in write_nndetection(base / "raw", parts, base)[0]
    assert write_nndetection(base / "raw", parts, base, reading={"on_gap": "interpolate"}) == ()
    assert read_ct(base / "raw" / "imagesTr" / "b_0000.nii.gz").array.shape == (40, 36, 30)


def test_masks():
    volume = CTVolume(np.zeros((10, 10, 10), np.int16), np.eye(4), SeriesInfo("cube"))
    boxes = [
        LabelledBox((-0.5, -0.5, -0.5, 4.5, 4.5, 4.5)),  # voxels 0 to 4
        LabelledBox((6.9, 6.9, 6.9, 7.1, 7.1, 7.1)),  # less than a voxel
        LabelledBox((50.0, 50.0, 50.0, 60.0, 60.0, 60.0)),  # elsewhere
    ]
    mask = instance_mask(boxes, volume)
    assert np.unique(mask).tolist() == [0, 1, 2]
    assert np.argwhere(mask == 1).min(axis=0).tolist() == [0, 0, 0]
    assert np.argwhere(mask == 1).max(axis=0).tolist() == [4, 4, 4]
    assert np.argwhere(mask == 2).tolist() == [[7, 7, 7]]
    assert (mask == 1).sum() == 81  # whole numbers with x^2 + y^2 + z^2 <= 6.25
    assert instance_mask([], volume).sum() == 0


def test_names_of_cases():
    assert case_name(ScanEntry("x.mhd", "p", "lps_mm", series_uid="1.2.3")) == "1.2.3"
    assert case_name(ScanEntry("../x y/é.mhd", "p", "lps_mm")) == "x-y"
    assert case_name(ScanEntry("///", "p", "lps_mm")) == "case"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "no instances"),
        ("[]", "no instances"),
        ('{"instances": {"one": 0}}', "no instances"),
        ('{"instances": {"1": "nodule"}}', "no instances"),
        ('{"instances": {"999": 0}}', "no voxel has number 999"),
        ("{", "no JSON"),
    ],
)
def test_faulty_cases_are_left_out(base: Path, content: str, message: str):
    write_nndetection(base / "raw", entries(), base)
    (base / "raw" / "labelsTr" / "a-1.json").write_text(content)
    built = read_nndetection(base / "raw")
    assert [entry.part for entry in built.entries] == ["test"]
    assert message in built.problems[0]


def test_mistakes(base: Path):
    with pytest.raises(AnnotationError, match="holds no labelsTr"):
        read_nndetection(base)
    with pytest.raises(ValueError, match="must be in LPS mm"):
        write_nndetection(base / "raw", {"training": [ScanEntry("a.png", "p", "edge_px")]}, base)


def test_nodules_without_a_voxel_are_told_and_left_out(base: Path):
    outside, hidden = (900.0, 0.0, 0.0, 905.0, 5.0, 5.0), (-4.0, -3.0, 7.0, -2.0, -1.0, 9.0)
    boxes = (LabelledBox(outside, 1), LabelledBox(hidden, 1), LabelledBox(BOXES[0], 0), LabelledBox(BOXES[1], 1))
    problems = write_nndetection(base / "raw", {"training": [ScanEntry("a/1.nii.gz", "p", "lps_mm", boxes)]}, base)
    assert len(problems) == 2
    assert "a/1.nii.gz: the nodule in (900.0," in problems[0]
    built = read_nndetection(base / "raw")
    assert built.problems == ()
    assert [item.label for item in built.entries[0].boxes] == [0, 1]
