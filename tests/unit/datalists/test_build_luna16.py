from pathlib import Path

import pytest

from lungdet.datalists import build_luna16, read_patients
from lungdet.readers import AnnotationError, read_luna16

HEAD = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "annotations.csv").write_text(HEAD + "1.2,10,20,30,4\n1.2,0,0,0,8\n")
    (tmp_path / "annotations_excluded.csv").write_text(HEAD + "1.3,1,2,3,-1\n1.2,1,2,3,6\n")
    (tmp_path / "seriesuids.csv").write_text("1.2\n1.3\n1.4\n")
    for name in ("subset0/1.2.mhd", "subset0/1.3.mhd", "subset1/1.4.mhd"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).touch()
    return tmp_path


def test_boxes_and_ignored_regions(folder: Path):
    built = build_luna16(read_luna16(folder))
    first, second, third = built.entries
    assert [item.box for item in first.boxes] == [(8, 18, 28, 12, 22, 32), (-4, -4, -4, 4, 4, 4)]
    assert first.boxes[0].facts == {"diameter_mm": 4.0, "line": 2}
    assert first.ignored[0].box == (-2, -1, 0, 4, 5, 6)
    assert first.ignored[0].reason == "excluded finding"
    assert second.boxes == ()
    assert second.ignored[0].box == (-4, -3, -2, 6, 7, 8)
    assert "10 mm" in second.ignored[0].reason
    assert (third.boxes, third.ignored) == ((), ())
    assert {entry.image for entry in built.entries} == {"1.2.mhd", "1.3.mhd", "1.4.mhd"}
    assert first.sources == ("annotations.csv", "annotations_excluded.csv")
    assert built.official == ""
    assert "no patients" in built.notes[0]


def test_images_and_folds(folder: Path):
    base = folder / "images"
    built = build_luna16(read_luna16(folder, base), base)
    assert [(entry.image, entry.fold) for entry in built.entries] == [
        ("subset0/1.2.mhd", 0), ("subset0/1.3.mhd", 0), ("subset1/1.4.mhd", 1),
    ]  # fmt: skip
    assert built.official == "folds"
    assert built.problems == ()


def test_a_missing_scan_is_left_out(folder: Path):
    base = folder / "images"
    (base / "subset0" / "1.3.mhd").rename(base / "1.3.mhd")
    (base / "subset1" / "1.4.mhd").unlink()
    built = build_luna16(read_luna16(folder, base), base)
    assert [entry.image for entry in built.entries] == ["subset0/1.2.mhd", "1.3.mhd"]
    assert built.official == ""  # one lies in no subset
    assert all(entry.fold is None for entry in built.entries)
    assert "no scan 1.4.mhd" in built.problems[0]


def test_without_excluded_findings(folder: Path):
    (folder / "annotations_excluded.csv").unlink()
    assert all(entry.ignored == () for entry in build_luna16(read_luna16(folder)).entries)


def test_patients(folder: Path):
    (folder / "patients.csv").write_text("patient_id,series_uid\nA,1.2\nA,1.3\nA,1.2\n")
    built = build_luna16(read_luna16(folder), patients=read_patients(folder / "patients.csv"))
    assert [entry.patient_id for entry in built.entries] == ["A", "A", "1.4"]
    assert [note.split(":")[0] for note in built.notes] == [
        "the table of patients names none for 1 of 3 series, such as 1.4"
    ]


@pytest.mark.parametrize("row", [",1.3", "B,", "B,1.2"])
def test_patients_that_contradict(folder: Path, row: str):
    (folder / "patients.csv").write_text(f"patient_id,series_uid\nA,1.2\n{row}\n")
    with pytest.raises(AnnotationError, match=r"line 3: .* is empty, or contradicts an earlier line"):
        read_patients(folder / "patients.csv")
