"""JSON, CSV and NIfTI say the same as the records."""

import csv
import json

import nibabel
import numpy as np
import pytest

from lungdet.phantoms import PhantomNodule, write_nifti, write_truth
from lungdet.phantoms.truth import CSV_COLUMNS


def test_json_and_csv_agree_with_the_records(small_phantom, tmp_path):
    nodules = small_phantom.nodules
    assert nodules
    write_truth(nodules, "1.2.3", tmp_path / "t.json", tmp_path / "t.csv", image="scan.nii.gz")
    (entry,) = json.loads((tmp_path / "t.json").read_text())["validation"]
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert (entry["image"], entry["box_frame"], entry["series_uid"]) == ("scan.nii.gz", "lps_mm", "1.2.3")
    assert entry["label"] == [0] * len(nodules)
    assert len(rows) == len(entry["box"]) == len(nodules)
    for nodule, box, row in zip(nodules, entry["box"], rows, strict=True):
        assert box == pytest.approx(nodule.box_lps_mm, abs=1e-4)
        assert row["seriesuid"] == "1.2.3"
        center = [float(row[name]) for name in CSV_COLUMNS[1:4]]
        assert center == pytest.approx(nodule.center_lps_mm, abs=1e-4)
        assert center == pytest.approx((np.array(box[:3]) + box[3:]) / 2, abs=1e-3)
        assert float(row["diameter_mm"]) == pytest.approx(nodule.diameter_mm, abs=1e-4)


def test_no_nodules_make_a_valid_empty_truth(tmp_path):
    write_truth((), "1.2.3", tmp_path / "deep" / "t.json", tmp_path / "t.csv")
    (entry,) = json.loads((tmp_path / "deep" / "t.json").read_text())["validation"]
    assert (entry["box"], entry["label"]) == ([], [])
    assert (tmp_path / "t.csv").read_text() == "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


def test_what_is_ignored_and_what_only_looks_like_a_nodule_is_told(small_phantom, tmp_path):
    ignored, looks = small_phantom.nodules[:1], small_phantom.lookalikes
    assert looks
    write_truth(
        small_phantom.nodules[1:],
        "1.2.3",
        tmp_path / "t.json",
        tmp_path / "t.csv",
        ignored=ignored,
        lookalikes=looks,
        excluded_csv_path=tmp_path / "e.csv",
    )
    (entry,) = json.loads((tmp_path / "t.json").read_text())["validation"]
    assert entry["ignore_box"] == [pytest.approx(ignored[0].box_lps_mm, abs=1e-4)]
    assert entry["ignored"][0]["kind"] == ignored[0].kind
    assert [look["kind"] for look in entry["lookalikes"]] == [look.kind for look in looks]
    assert entry["lookalikes"][0]["box_lps_mm"] == pytest.approx(looks[0].box_lps_mm, abs=1e-4)
    (row,) = csv.DictReader((tmp_path / "e.csv").open())
    assert float(row["diameter_mm"]) == pytest.approx(ignored[0].diameter_mm, abs=1e-4)
    assert len(list(csv.DictReader((tmp_path / "t.csv").open()))) == len(small_phantom.nodules) - 1


def test_only_what_is_asked_is_written(tmp_path):
    write_truth((), "1.2.3", csv_path=tmp_path / "t.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_nifti_is_the_volume_in_ras(name, small_phantom, tmp_path):
    volume = small_phantom.volume
    image = nibabel.load(write_nifti(volume, tmp_path / name))
    assert np.array_equal(np.asanyarray(image.dataobj), volume.array)
    assert image.affine == pytest.approx(np.diag([-1, -1, 1, 1]) @ volume.affine_lps)
    assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_nifti_wants_its_ending(small_phantom, tmp_path):
    with pytest.raises(ValueError, match=r"\.nii"):
        write_nifti(small_phantom.volume, tmp_path / "scan.mha")


@pytest.mark.parametrize("wrong", [{"diameter_mm": 0.0}, {"visible_fraction": 1.2}, {"box_lps_mm": (0, 0, 0, 1, 0, 1)}])
def test_a_nodule_that_cannot_be_is_refused(wrong):
    fields = {
        "center_lps_mm": (0.5, 0.5, 0.5),
        "box_lps_mm": (0, 0, 0, 1, 1, 1),
        "diameter_mm": 1.0,
        "kind": "solid",
        "location": "isolated",
        "contrast_hu": 800.0,
        "visible_fraction": 1.0,
    }
    PhantomNodule(**fields)
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        PhantomNodule(**{**fields, **wrong})
