"""Reading, splitting and writing put together."""

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists import DeepLesionChoice, LabelledBox, LidcChoice, ScanEntry, read_datalist
from lungdet.datalists.built import BuiltList
from lungdet.phantoms import write_nifti
from lungdet.readers import AnnotationError, read_tensorbox
from lungdet.readers.png_file import write_png16
from lungdet.records import CTVolume, SeriesInfo
from lungdet.workflows.datalist import DatalistOptions, make_datalist, split_entries, write_tensorbox
from lungdet.workflows.deeplesion_volumes import is_whole_nifti

HEAD = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"
DL_HEAD = (
    "File_name,Patient_index,Study_index,Series_ID,Key_slice_index,Measurement_coordinates,Bounding_boxes,"
    "Lesion_diameters_Pixel_,Normalized_lesion_location,Coarse_lesion_type,Possibly_noisy,Slice_range,Spacing_mm_px_,"
    "Image_size,DICOM_windows,Patient_gender,Patient_age,Train_Val_Test\n"
)
DL_ROW = (
    '{p:06d}_01_01_002.png,{p},1,1,2,"3, 4, 9, 4, 6, 2, 6, 6","-2, -3, 14, 11","6, 4","0.4, 0.3, 0.5",5,0,"1, 3",'
    '"0.5, 0.5, 5","16, 12","-1500, 500",F,62.0,{part}\n'
)


@pytest.fixture
def luna(tmp_path: Path) -> Path:
    uids = [f"1.2.{number}" for number in range(40)]
    (tmp_path / "seriesuids.csv").write_text("\n".join(uids))
    rows = (f"{uid},{n},2,3,{3 + n % 25}\n" for n, uid in enumerate(uids) if n % 3)
    (tmp_path / "annotations.csv").write_text(HEAD + "".join(rows))
    return tmp_path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "DL_info.csv"
    path.write_text(DL_HEAD + "".join(DL_ROW.format(p=p, part=1 + p % 3) for p in range(1, 7)))
    return path


def test_default_split_of_luna16(luna: Path):
    result = make_datalist("luna16", [luna], luna / "list.json", DatalistOptions(progress=False))
    content = read_datalist(luna / "list.json")
    counts = {part: len(content[part]) for part in ("training", "validation", "test")}
    assert counts == {"training": 32, "validation": 4, "test": 4}
    assert (result.good, result.problems, result.leaks) == (True, (), ())
    assert content["options"]["split"] == "default"
    assert str(luna) not in json.dumps(content)  # no path of the machine gets in
    assert "luna16" in content["name"]
    assert str(result).splitlines()[0].split()[:2] == ["images", "patients"]


def test_the_same_options_give_the_same_file(luna: Path):
    for name in ("a.json", "b.json"):
        make_datalist("luna16", [luna], luna / name, DatalistOptions(seed=5, progress=False))
    make_datalist("luna16", [luna], luna / "c.json", DatalistOptions(seed=6, progress=False))
    assert (luna / "a.json").read_bytes() == (luna / "b.json").read_bytes()
    assert (luna / "a.json").read_bytes() != (luna / "c.json").read_bytes()


def test_official_folds_of_luna16(luna: Path):
    for number in range(40):
        path = luna / "images" / f"subset{number % 10}" / f"1.2.{number}.mhd"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    options = DatalistOptions(images=luna / "images", progress=False)
    result = make_datalist("luna16", [luna], luna / "list.json", options)
    assert Counter(entry.fold for entry in result.parts["training"]) == dict.fromkeys(range(10), 4)
    own = DatalistOptions(images=luna / "images", shares=(0.5, 0, 0.5), progress=False)
    result = make_datalist("luna16", [luna], luna / "list.json", own)
    assert {entry.fold for entry in result.parts["training"] + result.parts["test"]} == {None}
    assert "images by fold" not in str(result)


def test_folds_of_our_own(luna: Path):
    result = make_datalist("luna16", [luna], luna / "list.json", DatalistOptions(folds=4, progress=False))
    assert {part: len(entries) for part, entries in result.parts.items()} == {"training": 40}
    assert Counter(entry.fold for entry in result.parts["training"]) == dict.fromkeys(range(4), 10)
    options = DatalistOptions(folds=3, shares=(9, 0, 1), progress=False)
    result = make_datalist("luna16", [luna], luna / "list.json", options)
    assert len(result.parts["test"]) == 4
    assert {entry.fold for entry in result.parts["test"]} == {None}


def test_leaks_of_official_folds_are_told(luna: Path):
    (luna / "subset0").mkdir()
    (luna / "subset1").mkdir()
    for number in range(40):
        (luna / f"subset{number % 2}" / f"1.2.{number}.mhd").touch()
    (luna / "patients.csv").write_text("patient_id,series_uid\nA,1.2.0\nA,1.2.1\n")
    options = DatalistOptions(images=luna, patients=luna / "patients.csv", progress=False)
    result = make_datalist("luna16", [luna], luna / "list.json", options)
    assert result.leaks == ("patient A is in fold 0 and fold 1",)
    assert not result.good
    assert "leaks between parts or folds: 1" in str(result)
    assert "names none for 38 of 40 series, such as 1.2.2" in str(result)
    assert read_datalist(luna / "list.json")["options"]["known_leaks"] == ["patient A is in fold 0 and fold 1"]


def test_official_split_of_deeplesion(table: Path):
    result = make_datalist("deeplesion", [table], table.with_name("list.json"))
    assert {part: len(entries) for part, entries in result.parts.items()} == {"training": 2, "validation": 2, "test": 2}
    content = read_datalist(table.with_name("list.json"))
    assert content["options"]["split"] == "parts"
    assert content["options"]["depth"] == "slice"
    assert content["labels"] == {"0": "lesion"}
    (box,) = content["test"][0]["box"]
    assert box == [-1.5, -2, -7.5, 6.5, 5, -2.5]  # one-based -2..14 and -3..11 in voxels of 0.5 mm; slice 2 of 5 mm


def test_volumes_are_made_of_slices(table: Path):
    png = table.with_name("png")
    for patient in range(1, 6):
        (png / f"{patient:06d}_01_01").mkdir(parents=True)
        for number in (1, 2, 3):
            pixels = np.full((12, 16), 32768 + number, dtype=np.uint16)
            write_png16(png / f"{patient:06d}_01_01" / f"{number:03d}.png", pixels)
    (png / "000005_01_01" / "002.png").write_bytes(b"")
    images = table.with_name("nifti")
    options = DatalistOptions(images=images, deeplesion_png=png, progress=False)
    for _ in range(2):  # the second time volumes are there
        result = make_datalist("deeplesion", [table], table.with_name("list.json"), options)
        assert sum(map(len, result.parts.values())) == 4
        told = "\n".join(result.problems)
        assert "002.png: no PNG" in told
        assert "000006_01_01: 3 of 3 slices are missing" in told
    assert len(list(images.iterdir())) == 4
    cut, whole = images / "000001_01_01_001-003.nii.gz", (images / "000001_01_01_001-003.nii.gz").read_bytes()
    cut.write_bytes(whole[:-20])
    make_datalist("deeplesion", [table], table.with_name("list.json"), options)
    assert gzip.decompress(cut.read_bytes()) == gzip.decompress(whole)
    with pytest.raises(ValueError, match="name the folder"):
        make_datalist("deeplesion", [table], table.with_name("l.json"), DatalistOptions(deeplesion_png=png))


def test_a_new_folder_for_volumes_that_cannot_be_made(table: Path):
    options = DatalistOptions(images=table.with_name("new"), deeplesion_png=table.with_name("none"), progress=False)
    with pytest.raises(AnnotationError, match=r"the first of 12 problems: .*000001_01_01: 3 of 3 slices are missing"):
        make_datalist("deeplesion", [table], table.with_name("list.json"), options)


def test_a_volume_that_was_cut_off_is_made_again(tmp_path: Path):
    array = np.random.default_rng(0).integers(-1000, 400, (16, 12, 3)).astype(np.int16)
    path = write_nifti(CTVolume(array, np.diag([0.5, 0.5, -5.0, 1.0]), SeriesInfo("made")), tmp_path / "a.nii.gz")
    whole = path.read_bytes()
    assert is_whole_nifti(path, 3)
    assert not is_whole_nifti(path, 4)
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert not is_whole_nifti(path, 3), length
    path.write_bytes(b"no gzip at all" * 99)
    assert not is_whole_nifti(path, 3)
    assert not is_whole_nifti(tmp_path / "none.nii.gz", 3)


def test_key_slices_become_a_tensorbox_list(table: Path, tmp_path: Path):
    options = DatalistOptions(deeplesion=DeepLesionChoice(slices=True, margin_px=0))
    result = make_datalist("deeplesion", [table], tmp_path / "list.json", options)
    paths = write_tensorbox(result, tmp_path / "boxes")
    assert [path.name for path in paths] == ["train.json", "val.json", "test.json"]
    again = make_datalist("tensorbox", paths, tmp_path / "again.json")
    for part in ("training", "validation", "test"):
        assert [e.image for e in again.parts[part]] == [e.image for e in result.parts[part]]
        assert [e.boxes[0].box for e in again.parts[part]] == [e.boxes[0].box for e in result.parts[part]]
    assert read_tensorbox(paths[0]).images[0].boxes_edge == ((2.5, 1.5, 8.5, 5.5),)


def test_bad_lists_are_told_and_the_run_goes_on(tmp_path: Path):
    (tmp_path / "a.json").write_text('[{"image_path": "p.png", "rects": []}, 3]')
    (tmp_path / "b.json").write_text("{")
    sources = [tmp_path / "a.json", tmp_path / "b.json", tmp_path / "c.json"]
    result = make_datalist("tensorbox", sources, tmp_path / "list.json", DatalistOptions(shares=(1, 0, 0)))
    assert len(result.problems) == 3
    assert "left out: 3" in str(result)
    assert len(result.parts["training"]) == 1


def test_slices_without_patients_are_not_split(tmp_path: Path):
    rows = [{"image_path": f"p{n // 5}_slice{n % 5:02d}.png", "rects": []} for n in range(50)]
    (tmp_path / "boxes.json").write_text(json.dumps(rows))
    result = make_datalist("tensorbox", [tmp_path / "boxes.json"], tmp_path / "list.json")
    assert {part: len(entries) for part, entries in result.parts.items()} == {"training": 50}
    assert "50 of 50 images tell no patient" in str(result)
    for options in (DatalistOptions(shares=(8, 1, 1)), DatalistOptions(folds=2)):
        with pytest.raises(ValueError, match="patients of 50 of 50 images are not known, so a split would leak"):
            make_datalist("tensorbox", [tmp_path / "boxes.json"], tmp_path / "list.json", options)
    table = "".join(f"{row['image_path'][:2]},{row['image_path']}\n" for row in rows)
    (tmp_path / "patients.csv").write_text("patient_id,image_path\n" + table)
    for options in (DatalistOptions(patient_pattern=r"p\d"), DatalistOptions(patients=tmp_path / "patients.csv")):
        result = make_datalist("tensorbox", [tmp_path / "boxes.json"], tmp_path / "list.json", options)
        assert {part: len(each) for part, each in result.parts.items()} == {"training": 40, "validation": 5, "test": 5}
        assert (result.leaks, result.notes) == ((), ())


def test_patients_where_they_are_no_use(luna: Path, table: Path):
    with pytest.raises(ValueError, match="DeepLesion names its patients"):
        make_datalist("deeplesion", [table], luna / "l.json", DatalistOptions(patients=table))
    with pytest.raises(ValueError, match="is for tensorbox and ct, not for luna16"):
        make_datalist("luna16", [luna], luna / "l.json", DatalistOptions(patient_pattern="x"))


def test_lidc_without_images(tmp_path: Path):
    from lungdet.phantoms import write_lidc_xml
    from lungdet.records import SeriesMarks

    write_lidc_xml(SeriesMarks("1.2", "1", 4, ()), tmp_path / "a.xml")
    (tmp_path / "p.csv").write_text("patient_id,series_uid\nA,1.2\n")
    options = DatalistOptions(
        patients=tmp_path / "p.csv", lidc=LidcChoice(min_readers=2), shares=(1, 0, 0), progress=False
    )
    result = make_datalist("lidc", [tmp_path], tmp_path / "list.json", options)
    assert result.parts["training"][0].patient_id == "A"
    assert read_datalist(tmp_path / "list.json")["options"]["min_readers"] == 2


def test_how_ct_are_read_is_told_in_a_list_of_lidc_with_images(tmp_path: Path, luna: Path):
    from lungdet.phantoms import write_lidc_xml
    from lungdet.records import SeriesMarks

    volume = CTVolume(np.full((8, 8, 4), -850, np.int16), np.diag([1.0, 1, 2, 1]), SeriesInfo("made"))
    write_nifti(volume, tmp_path / "ct" / "1.2.3.4.nii.gz")
    write_lidc_xml(SeriesMarks("1.2.3.4", "1", 4, ()), tmp_path / "a.xml")
    reading = {"on_single": "thickness"}
    options = DatalistOptions(images=tmp_path / "ct", reading=reading, progress=False)
    make_datalist("lidc", [tmp_path / "a.xml"], tmp_path / "list.json", options)
    assert read_datalist(tmp_path / "list.json")["options"]["on_single"] == "thickness"
    for kind, images in (("lidc", None), ("luna16", tmp_path / "ct")):
        with pytest.raises(ValueError, match="on_single: only a list of lidc with images reads CT"):
            make_datalist(kind, [luna], tmp_path / "list.json", DatalistOptions(images=images, reading=reading))


def test_nothing_to_list(tmp_path: Path):
    (tmp_path / "a.json").write_text("[3]")
    with pytest.raises(AnnotationError, match=r"nothing in it makes a list of tensorbox; the first of 1 problems"):
        make_datalist("tensorbox", [tmp_path / "a.json"], tmp_path / "list.json")
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(AnnotationError, match=r"nothing in it makes a list of tensorbox$"):
        make_datalist("tensorbox", [tmp_path / "a.json"], tmp_path / "list.json")
    assert not (tmp_path / "list.json").exists()


def test_mistakes(luna: Path):
    with pytest.raises(ValueError, match="kind must be one of"):
        make_datalist("luna", [luna], luna / "list.json")
    with pytest.raises(ValueError, match="one source is wanted here, got 2"):
        make_datalist("luna16", [luna, luna], luna / "list.json")


def test_official_parts_stay_when_folds_are_wanted():
    entries = tuple(
        ScanEntry(
            f"{n}", f"p{n}", "lps_mm", (LabelledBox((0.0, 0.0, 0.0, 1.0, 1.0, 1.0)),), part="training" if n else "test"
        )
        for n in range(5)
    )
    parts = split_entries(BuiltList("x", entries, official="parts"), DatalistOptions(folds=2))
    assert [len(parts[part]) for part in ("training", "validation", "test")] == [4, 0, 1]
    assert {entry.fold for entry in parts["training"]} == {0, 1}
