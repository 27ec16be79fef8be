"""From labels to a training list by the command line, and from the list to tensors."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import Dataset
from monai.transforms import Compose

from lungdet import cli
from lungdet.datalists import load_entries
from lungdet.phantoms import make_chest, write_nifti, write_truth
from lungdet.transforms import BoxToVoxeld, LoadCTd

UIDS = [f"1.2.3.4.{number}" for number in range(4)]


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scans as MetaImage in two subsets, with the CSV files of LUNA16."""
    import itk

    root = tmp_path_factory.mktemp("luna")
    rows = ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    for number, uid in enumerate(UIDS):
        chest = make_chest(number, spacing_mm=(4.0, 4.0, 5.0), shape=(72, 63, 48))
        write_nifti(chest.volume, root / "scan.nii")
        image = itk.imread(str(root / "scan.nii"))
        (root / f"subset{number % 2}").mkdir(exist_ok=True)
        itk.imwrite(image, str(root / f"subset{number % 2}" / f"{uid}.mhd"))
        write_truth(chest.nodules, uid, None, root / "truth.csv")
        rows += (root / "truth.csv").read_text().splitlines()[1:]
    (root / "annotations.csv").write_text("\n".join(rows) + "\n")
    (root / "annotations_excluded.csv").write_text(rows[0] + f"\n{UIDS[0]},0,0,0,-1\n")
    (root / "seriesuids.csv").write_text("\n".join(UIDS))
    return root


def test_from_luna16_to_tensors(luna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = tmp_path / "list.json"
    assert cli.main(["datalist", "luna16", str(luna), "--images", str(luna), "-o", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "images by fold: fold 0: 2, fold 1: 2" in printed
    assert printed.splitlines()[-1] == f"list: {target}"
    load = Compose([LoadCTd("image"), BoxToVoxeld(["box", "ignore_box"])])
    items = Dataset(load_entries(target, base_dir=luna), load)
    assert len(items) == 4
    for item in items:
        assert item["box"].shape == (len(item["label"]), 6)
        for box in item["box"]:
            low, high = box[:3].floor().int().tolist(), box[3:].ceil().int().tolist()
            inside = item["image"][0, low[0] : high[0], low[1] : high[1], low[2] : high[2]]
            assert torch.as_tensor(inside).max() > -700  # the boxes lie on something denser than lung
    assert sum(len(item["box"]) for item in items) > 4
    assert np.allclose(
        items[0]["ignore_box"][0, 3:] - items[0]["ignore_box"][0, :3], [10 / 4, 10 / 4, 10 / 5], atol=1e-3
    )


def test_what_is_left_out_is_told(luna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "labels").mkdir()
    text = (luna / "annotations.csv").read_text()
    (tmp_path / "labels" / "annotations.csv").write_text(text + f"{UIDS[0]},nan,0,0,5\n9.9,1,2,3,4\n")
    arguments = ["datalist", "luna16", str(tmp_path / "labels"), "--images", str(luna), "-o", str(tmp_path / "l.json")]
    assert cli.main(arguments) == 1
    printed = capsys.readouterr().out
    assert "left out: 2" in printed
    assert "coordX is 'nan'" in printed
    assert "no scan 9.9.mhd" in printed
    assert (tmp_path / "l.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["luna16", "no/such/folder"], "no/such/folder: holds no annotations.csv"),
        (["deeplesion", "no.csv"], "No such file"),
        (["luna16", "LUNA", "--folds", "9"], "9 folds of 4 patients"),
        (["lidc", "LUNA", "--min-readers", "0"], "min_readers must be 1 or more"),
    ],
)
def test_errors_take_one_line(luna: Path, tmp_path: Path, arguments, message, capsys: pytest.CaptureFixture[str]):
    arguments = [str(luna) if argument == "LUNA" else argument for argument in arguments]
    assert cli.main(["datalist", *arguments, "-o", str(tmp_path / "l.json")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lungdet: error: ")
    assert message in line
    assert not (tmp_path / "l.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["luna16"],
        ["x", "y", "-o", "z"],
        ["luna16", "y", "-o", "z", "--split", "1", "-1", "0"],
        ["luna16", "y", "-o", "z", "--split", "1"],
    ],
)
def test_wrong_usage_leaves_with_two(arguments: list[str]):
    with pytest.raises(SystemExit) as caught:
        cli.main(["datalist", *arguments])
    assert caught.value.code == 2


def test_shares_and_seed(luna: Path, tmp_path: Path):
    target = tmp_path / "list.json"
    options = ["--split", "2", "1", "1", "--seed", "7", "-o", str(target)]
    assert cli.main(["datalist", "luna16", str(luna), *options]) == 0
    content = json.loads(target.read_text())
    assert [len(content[part]) for part in ("training", "validation", "test")] == [2, 1, 1]
    assert (content["options"]["seed"], content["options"]["split"]) == (7, "shares")
