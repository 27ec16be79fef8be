"""The router's benchmarks run, a rerun shows the same figures, and what they compute is what they say."""

import importlib
import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lungdet.phantoms import make_radiograph
from lungdet.records import BodyPartClass, ClassList
from lungdet.routing import Calibration, LabelChoice, Router

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"chest": "chest", "abdomen": "abdomen", "hand": "hand", "spine": "lumbar_spine", "knee": "knee wrist"}
FOREIGN = ("AbdomenCT", "BreastMRI", "ChestCT", "HeadCT", "CXR", "Hand")


@pytest.fixture(scope="module", autouse=True)
def benchmarks_on_path():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Ten patients for each of five kinds of radiographs in a CSV, and two pictures of each foreign kind."""
    folder = tmp_path_factory.mktemp("archive")
    lines = ["image,label,patient"]
    for kind, label in KINDS.items():
        for seed in range(10):
            name = f"{kind}{seed}.png"
            save(make_radiograph(seed, kind, rows=64, columns=56), folder / name)
            lines.append(f"{name},{label},{kind}{seed}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    for name in FOREIGN:
        (folder / name).mkdir()
        for seed in range(2):
            save(np.random.default_rng(seed).random((32, 32)), folder / name / f"{seed}.png")
    return folder


def save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray((np.asarray(pixels) * 255).astype(np.uint8)).save(path)


def run(*parts: list[str]) -> str:
    """Run several parts in one process, as importing takes longer than all of them."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); import router\n"
    code += "\n".join(f"router.main({part!r})" for part in parts)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def part(name: str, archive: Path, work: Path, *more: str) -> list[str]:
    common = ["--quick", "--work", str(work), "--out", str(work / "out.jsonl")]
    return [name, *common, "--radiographs", str(archive / "labels.csv"), *more]


def lines(work: Path) -> list[dict]:
    return [json.loads(line) for line in (work / "out.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_rerun_shows_the_same_figures_and_the_other_parts_use_its_weights(archive: Path, tmp_path: Path):
    one, two = tmp_path / "a", tmp_path / "b"
    shown = run(
        part("unifesp", archive, one),
        part("unifesp", archive, two),
        part("unifesp", archive, one, "--keep"),
        part("robustness", archive, one),
        part("domain", archive, one, "--mednist", str(archive)),
    )
    assert all(word in shown for word in ("22 classes", "burned_in_text", "all noise"))
    first, kept, robust, domain = (line["result"] for line in lines(one))
    (second,) = (line["result"] for line in lines(two))
    assert {row["task"] for row in first["rows"]} == {"4 groups", "22 classes"}
    for other in (second, kept):
        assert {name: other[name] for name in ("rows", "classes", "weights")} == {
            name: first[name] for name in ("rows", "classes", "weights")
        }
    assert robust["rows"][0]["disturbance"] == "none"
    assert robust["rows"][0]["macro F1"] == first["rows"][0]["macro F1"]
    assert all(0.0 <= row["AUROC"] <= 1.0 for row in domain["rows"][1:])


def test_weights_must_be_there(archive: Path, tmp_path: Path):
    unifesp = importlib.import_module("router_unifesp")
    options = Namespace(work=tmp_path, seed=0, quick=True, radiographs=archive / "labels.csv")
    with pytest.raises(SystemExit, match="first run"):
        unifesp.open_trained(options)


def test_other_settings_are_another_training(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    unifesp, router = importlib.import_module("router_unifesp"), importlib.import_module("router")
    opened = []
    monkeypatch.setattr(unifesp, "open_router", lambda folder, settings: opened.append((folder, settings)))
    monkeypatch.setattr(unifesp, "fingerprint", lambda folder: "")
    given = ([], ["image_size=96", "dropout=0.5"], ["dropout=0.5", "image_size=96"], ["pretrained=/a/b.pt"])
    for more in given:
        # Every part that opens the weights takes the settings.
        for name in ("unifesp", "robustness"):
            options = router.read_arguments(part(name, archive, tmp_path, *(["--set", *more] if more else [])))
            options.quick = False
            unifesp.trained_in(options).mkdir(exist_ok=True)
            (unifesp.trained_in(options) / "model.pt").touch()
            unifesp.open_trained(options)
            assert unifesp.settings(options)["set"] == dict(each.split("=") for each in more)
    folders = [folder.relative_to(tmp_path) for folder, _ in opened[::2]]
    assert folders[0] == Path("unifesp22_seed0")
    assert folders[1] == folders[2] == Path("unifesp22_seed0_dropout-0.5_image_size-96")
    assert len(set(folders)) == 3
    assert all(len(folder.parts) == 1 for folder in folders)
    assert [settings["image_size"] for _, settings in opened[::2]] == [128, 96, 96, 128]
    options.set = ["image_size"]
    with pytest.raises(SystemExit, match="NAME=VALUE"):
        unifesp.open_trained(options)


def small_router() -> Router:
    classes = (BodyPartClass("a", group="x"), BodyPartClass("b", group="y"), BodyPartClass("c", group="y"))
    listed = ClassList("three", classes, multi_label=True, groups=("x", "y"))
    return Router(listed, Calibration(), LabelChoice(True, "softmax"))


def test_groups_are_sums_and_labels_share():
    answers = importlib.import_module("router_answers")
    scores = importlib.import_module("router_scores")
    logits = np.log([[0.4, 0.3, 0.3], [0.8, 0.1, 0.1]])
    truth = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    given = answers.Answers(logits, np.zeros((2, 4)), truth, ("p", "q"))
    groups = scores.judge_groups(given, small_router())
    assert groups.right.tolist() == [True, True]  # 0.6 for y, 0.8 for x
    assert groups.confidence.tolist() == pytest.approx([0.6, 0.8])
    labels = scores.judge(given, small_router())
    assert labels.chosen.astype(int).tolist() == [[1, 1, 1], [1, 0, 0]]  # all with half of the best
    row = labels.row()
    assert row["accuracy"] == 0.5
    assert row["macro F1"] == pytest.approx((2 / 3 + 1 + 1) / 3)
    assert row["ECE"] == pytest.approx((1 + 0.2) / 2)  # sure of all three and wrong; right with 0.8


def test_few_pictures_have_a_calibration_error_by_chance_and_many_have_none():
    scores = importlib.import_module("router_scores")
    assert scores.error_by_chance(np.array([0.5])) == 0.5  # right or wrong, it is off by a half
    assert scores.error_by_chance(np.full(50, 0.8)) > 0.02
    assert scores.error_by_chance(np.full(20_000, 0.8)) < 0.005


def test_noise_is_the_same_every_time_and_in_range():
    domain = importlib.import_module("router_domain")
    for kind in domain.NOISE:
        first, second = domain.noise(kind, 16, 3), domain.noise(kind, 16, 3)
        assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
        assert all(each.shape == (1, 16, 16) and each.min() >= 0 and each.max() <= 1 for each in first)
    with pytest.raises(ValueError, match="no noise"):
        domain.noise("sound", 16, 1)
