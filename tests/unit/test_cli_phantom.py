"""``lungdet phantom`` writes trunks and synthetic DeepLesion folders."""

import json
from pathlib import Path

import numpy as np
import pytest

from lungdet import cli
from lungdet.readers import read_ct, read_deeplesion


def test_a_torso_is_written_with_its_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    size = ["--spacing", "8", "8", "20", "--size", "56", "48", "12", "--lesions", "2", "--seed", "4"]
    assert cli.main(["phantom", str(tmp_path / "t"), "--kind", "torso", *size]) == 0
    assert "12 slices" in capsys.readouterr().out
    truth = json.loads((tmp_path / "t" / "truth.json").read_text())
    volume = read_ct(tmp_path / "t" / "dicom")
    assert volume.array.shape == (56, 48, 12)
    assert volume.info.series_uid == truth["series_uid"]
    assert len(truth["coordinates"]) == len(truth["parts"]) == 12
    assert (np.diff(truth["coordinates"]) < 0).all()  # slices rise to the head, the coordinate to the feet
    assert truth["landmarks_mm"]["carina"] > truth["landmarks_mm"]["iliac_crest"]
    assert len(truth["lesions"]) == 2


@pytest.mark.parametrize(("first", "second"), [("torso", "chest"), ("chest", "torso")])
def test_a_scan_is_not_mixed_with_another(first: str, second: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "dicom").mkdir()  # empty: taken
    size = {"torso": ["--spacing", "12", "12", "40", "--size", "32", "32", "4"],
            "chest": ["--spacing", "8", "8", "8", "--size", "40", "40", "30"]}  # fmt: skip
    assert cli.main(["phantom", str(tmp_path), "--kind", first, *size[first]]) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert cli.main(["phantom", str(tmp_path), "--kind", second, "--seed", "2", *size[second]]) == 1
    assert "is filled already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_less_than_no_lesions_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cli.main(["phantom", str(tmp_path), "--kind", "torso", "--lesions", "-1"])
    assert "wanted a whole number, 0 or more" in capsys.readouterr().err


def test_a_deeplesion_folder_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    few = ["--patients", "1", "--image-size", "48", "--context", "0", "--seed", "2"]
    assert cli.main(["phantom", str(tmp_path), "--kind", "deeplesion", *few]) == 0
    table = read_deeplesion(tmp_path / "DL_info.csv")
    assert f"{len(table)} lesions of 1 patient" in capsys.readouterr().out
    assert (tmp_path / "Images_png" / table.lesions[0].png_path).is_file()
    assert cli.main(["phantom", str(tmp_path), "--kind", "deeplesion", *few]) == 1
    assert "holds a DeepLesion folder already" in capsys.readouterr().err
