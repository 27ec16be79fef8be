import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lungdet import cli
from lungdet.datalists import read_picture_list
from lungdet.phantoms import make_radiograph
from lungdet.readers import AnnotationError
from lungdet.workflows.radiograph_list import RadiographListOptions, make_radiograph_list

QUIET = {"progress": False}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Twenty hands and twenty knees."""
    for kind in ("hand", "knee"):
        (tmp_path / "tree" / kind).mkdir(parents=True)
        for seed in range(20):
            picture = (make_radiograph(seed, kind, rows=16, columns=16) * 255).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "tree" / kind / f"{seed}.png")
    return tmp_path / "tree"


def test_seventy_fifteen_fifteen_and_the_same_again(tree: Path, tmp_path: Path):
    paths = [tmp_path / f"{name}.json" for name in ("first", "second", "other")]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        result = make_radiograph_list(tree, path, RadiographListOptions(seed=seed, **QUIET))
        assert result.good
        assert {part: len(entries) for part, entries in result.parts.items()} == {
            "training": 28,
            "validation": 6,
            "test": 6,
        }
    first, second, other = (path.read_bytes() for path in paths)
    assert first == second != other
    content = read_picture_list(paths[0])
    assert content["options"]["shares"] == [70, 15, 15]
    assert content["options"]["unknown_patients"] == 40
    assert content["notes"][0].startswith("no patients are known")
    assert [sum(item["label"] == label for item in content["test"]) for label in (0, 1)] == [3, 3]


def test_an_official_split_that_leaks(tree: Path, tmp_path: Path):
    table = tree / "labels.csv"
    lines = ["image,label,patient,split", "hand/0.png,hand,7,train", "hand/1.png,hand,7,test", "knee/0.png,knee,8,val"]
    table.write_text("\n".join(lines))
    result = make_radiograph_list(table, tmp_path / "list.json", RadiographListOptions(**QUIET))
    assert result.leaks == ("patient 7 is in training and test",)
    assert not result.good
    assert json.loads((tmp_path / "list.json").read_text())["options"]["known_leaks"] == list(result.leaks)
    assert "leaks between parts: 1" in str(result)
    assert "no picture of knee in training" in result.notes
    mended = make_radiograph_list(table, tmp_path / "list.json", RadiographListOptions(shares=(2, 0, 1), **QUIET))
    assert mended.leaks == ()
    assert not mended.parts["validation"]


def test_the_command(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = str(tmp_path / "list.json")
    assert cli.main(["datalist", "radiographs", str(tree), "-o", target, "--split", "8", "1", "1", "--seed", "3"]) == 0
    told = capsys.readouterr().out
    assert "pictures" in told
    assert f"list: {target}" in told
    assert len(read_picture_list(target)["training"]) == 32
    (tree / "hand" / "broken.png").write_text("nothing")
    assert cli.main(["datalist", "radiographs", str(tree), "-o", target, "--no-content"]) == 0  # not looked into
    assert cli.main(["datalist", "radiographs", str(tree), "-o", target]) == 1
    assert "left out: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--classes", "vindr6"], "no such class list"),
        (["--classes", "vindr5", "--multi-label"], "give no multi_label"),
        (["--by-group"], "class list with groups"),
        (["--folds", "5"], "makes no folds"),
        (["--classes", "vindr5"], "no labelled picture"),
        (["--patient-pattern", "("], "regular expression"),
    ],
)
def test_what_does_not_fit(
    tree: Path, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    target = tmp_path / "list.json"
    assert cli.main(["datalist", "radiographs", str(tree), "-o", str(target), *more]) == 1
    assert message in capsys.readouterr().err
    assert not target.exists()


def test_the_output_is_no_input(tree: Path):
    table = tree / "labels.csv"
    table.write_text("image,label\nhand/0.png,hand\nknee/0.png,knee\n")
    with pytest.raises(ValueError, match="overwritten"):
        make_radiograph_list(table, table, RadiographListOptions(**QUIET))
    with pytest.raises(AnnotationError, match="no column"):
        make_radiograph_list(tree / "labels.csv", tree / "list.json", _patients(tree))


def _patients(tree: Path) -> RadiographListOptions:
    (tree / "patients.csv").write_text("patient_id,series_uid\n1,2\n")
    return RadiographListOptions(patients=tree / "patients.csv", **QUIET)
