"""No result replaces what it is made of."""

import os
from pathlib import Path

import pytest

from lungdet import cli
from lungdet.workflows.datalist import make_datalist, write_tensorbox
from lungdet.workflows.targets import prepare_file, refuse_inputs


def test_an_input_is_no_target(tmp_path: Path):
    (tmp_path / "a.json").write_text("[]")
    os.symlink(tmp_path / "a.json", tmp_path / "link.json")
    for target in (tmp_path / "a.json", tmp_path / "link.json", tmp_path / "x" / ".." / "a.json"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(ValueError, match=r"a.json, and would be overwritten"):
            prepare_file(target, [tmp_path / "a.json"])
    assert prepare_file(tmp_path / "new" / "b.json", [tmp_path / "a.json"]).parent.is_dir()


def test_labels_in_a_folder_are_inputs_and_old_lists_are_not(tmp_path: Path):
    (tmp_path / "annotations.csv").touch()
    (tmp_path / "list.json").touch()
    with pytest.raises(ValueError, match=r"annotations.csv: is a file of the input"):
        refuse_inputs([tmp_path / "annotations.csv"], [tmp_path])
    refuse_inputs([tmp_path / "list.json", tmp_path / "none.csv"], [tmp_path])


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(ValueError, match=r"is a folder; name the file"):
        prepare_file(tmp_path, [])


@pytest.mark.parametrize("kind", ["tensorbox", "deeplesion", "lidc"])
def test_lists_do_not_overwrite_their_sources(tmp_path: Path, kind: str):
    source = tmp_path / "lung_val.json"
    source.write_text('[{"image_path": "LIDC-IDRI-0001.dat_1_.bmp", "rects": []}]')
    with pytest.raises(ValueError, match="would be overwritten"):
        make_datalist(kind, [source], source)
    assert source.read_text().startswith("[{")


def test_parts_do_not_overwrite_their_sources(tmp_path: Path):
    source = tmp_path / "train.json"
    source.write_text('[{"image_path": "LIDC-IDRI-0001.dat_1_.bmp", "rects": []}]')
    result = make_datalist("tensorbox", [source], tmp_path / "list.json")
    with pytest.raises(ValueError, match="would be overwritten"):
        write_tensorbox(result, tmp_path)
    assert write_tensorbox(result, tmp_path / "new")[0].read_text().startswith("[")


def test_scores_do_not_overwrite_their_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1,0,0,0,5\n")
    Path("froc.csv").write_text("seriesuid,coordX,coordY,coordZ,probability\n1,0,0,0,0.5\n")
    before = Path("froc.csv").read_bytes()
    arguments = ["evaluate", "froc", "--annotations", "a.csv", "--predictions", "froc.csv", "--bootstraps", "0"]
    assert cli.main([*arguments, "--no-figures", "-o", "."]) == 1
    assert "froc.csv: is the input froc.csv" in capsys.readouterr().err
    assert Path("froc.csv").read_bytes() == before
    Path("busy").touch()
    assert cli.main([*arguments, "-o", "busy"]) == 1
    assert "results cannot be written there" in capsys.readouterr().err
    assert cli.main([*arguments, "--no-figures", "-o", "out"]) == 0
