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
from lungdet.transforms import BoxToVoxeld, LoadCTd

UIDS = [f"1.2.3.4.{number}" for number in range(4)]


@pytest.fixture(scope="module")
def luna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four scans with two balls each as MetaImage in two subsets, with the CSV files of LUNA16."""
    import itk

    root = tmp_path_factory.mktemp("luna")
    generator = np.random.default_rng(0)
    rows = ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    origin, spacing = np.array([-90.0, -80.0, -250.0]), np.array([2.0, 2.0, 2.5])
    x, y, z = (origin[axis] + spacing[axis] * np.arange(size) for axis, size in enumerate((90, 80, 60)))
    for number, uid in enumerate(UIDS):
        array = np.full((60, 80, 90), -850, np.int16)  # (Z, Y, X), as ITK has it
        for side in (-1, 1):
            center = np.array([side * 40.0, 0.0, -170.0]) + generator.uniform(-20, 20, 3)
            diameter = generator.uniform(8, 25)
            away = (x - center[0]) ** 2 + (y[:, None] - center[1]) ** 2 + (z[:, None, None] - center[2]) ** 2
            array[away <= (diameter / 2) ** 2] = 0
            rows.append(",".join([uid, *map(repr, [*center.tolist(), float(diameter)])]))
        image = itk.image_from_array(array)
        image.SetOrigin(origin.tolist())
        image.SetSpacing(spacing.tolist())
        (root / f"subset{number % 2}").mkdir(exist_ok=True)
        itk.imwrite(image, str(root / f"subset{number % 2}" / f"{uid}.mhd"))
    (root / "annotations.csv").write_text("\n".join(rows) + "\n")
    (root / "annotations_excluded.csv").write_text(rows[0] + f"\n{UIDS[0]},0,0,-180,-1\n")
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
        assert item["box"].shape == (len(item["label"]), 6) == (2, 6)
        inside = torch.zeros_like(item["image"], dtype=torch.bool)
        for box in item["box"]:
            low, high = box[:3].floor().int().tolist(), box[3:].ceil().int().tolist()
            inside[:, low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
        ball = torch.as_tensor(item["image"]) > -500
        assert not (ball & ~inside).any()  # nothing of a ball is outside its box,
        assert ball.sum() > 0.2 * inside.sum()  # and the box is not much larger: pi / 6, less what is lost at its rim
    sizes = items[0]["ignore_box"][0, 3:] - items[0]["ignore_box"][0, :3]
    assert np.allclose(sizes, [10 / 2, 10 / 2, 10 / 2.5], atol=1e-3)


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
        (["luna16", "LUNA", "--images", "LUNA", "--on-gap", "interpolate"], "on_gap: only a list of lidc with images"),
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
