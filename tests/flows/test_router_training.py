"""The router's bundle trains, calibrates, goes on after a kill, scores and labels, all by MONAI's command."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from lungdet.cli import main
from lungdet.routing import Router

EPOCHS = 3


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_bundle, picture_list) -> Path:
    """Folder of a training that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("router") / "runs"
    log = run_bundle(
        "train.yaml", bundle="body_part_router", num_epochs=str(EPOCHS), output_dir=str(folder), **picture_list
    )
    assert "macro_f1" in log
    return folder


@pytest.mark.slow
def test_a_training_leaves_weights_a_router_and_a_history(trained: Path):
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())
    router = Router.load(trained / "router.json", checkpoint=trained / "model.pt")
    assert router.class_list.names == ("chest", "hand", "spine")
    assert router.out_of_domain is not None
    with (trained / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(0 <= float(row["macro_f1"]) <= 1 for row in rows)
    assert {"train_loss", "gradient_norm", "learning_rate", "seconds"} <= rows[0].keys()


@pytest.mark.slow
def test_tensorboard_has_losses_and_scores(trained: Path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "tensorboard"))
    events.Reload()
    assert {"train/loss", "train/learning_rate", "train/gradient_norm", "macro_f1"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("macro_f1")] == [1, 2, 3]


@pytest.mark.slow
def test_a_killed_training_ends_as_if_nothing_had_happened(
    trained: Path, tmp_path: Path, start_bundle, run_bundle, picture_list
):
    folder = tmp_path / "runs"
    settings = {**picture_list, "num_epochs": str(EPOCHS), "output_dir": str(folder), "resume": "true"}
    process = start_bundle("train.yaml", bundle="body_part_router", **settings)
    deadline = time.monotonic() + 300
    while not (folder / "last.pt").is_file() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate(timeout=60)[0]
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    stopped_after = torch.load(folder / "last.pt", weights_only=True)["epoch"]
    assert stopped_after < EPOCHS

    log = run_bundle("train.yaml", bundle="body_part_router", **settings)
    assert f"going on after epoch {stopped_after} of {EPOCHS}" in log
    for name in ("network", "average"):
        whole, resumed = (torch.load(path / "last.pt", weights_only=True)[name] for path in (trained, folder))
        assert whole.keys() == resumed.keys()
        assert all(torch.equal(value, resumed[key]) for key, value in whole.items())
    assert (trained / "model.pt").read_bytes() == (folder / "model.pt").read_bytes()
    assert (trained / "router.json").read_bytes() == (folder / "router.json").read_bytes()


@pytest.mark.slow
def test_its_weights_score_and_label(trained: Path, tmp_path: Path, run_bundle, picture_list):
    weights = {"checkpoint": str(trained / "model.pt"), "router_file": str(trained / "router.json")}
    settings = {"bundle": "body_part_router", **weights}
    evaluation = {"disturbances": "['inversion']", "output_dir": str(tmp_path / "eval")}
    run_bundle("evaluate.yaml", **settings, **picture_list, **evaluation)
    score = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert score["pictures"] == 6
    assert (tmp_path / "eval" / "confusion.png").stat().st_size > 1000

    chests = {"radiographs": f"{picture_list['dataset_dir']}/chest", "class_list": picture_list["class_list"]}
    run_bundle("inference.yaml", **settings, **chests, output_dir=str(tmp_path / "labels"))
    with (tmp_path / "labels" / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 14
    assert {row["decision"] for row in rows} <= {"answer", "review"}
    assert all((row["label"] == "review") == (row["decision"] == "review") for row in rows)
    content = json.loads((tmp_path / "labels" / "labels.json").read_text())
    assert content["classes"] == ["chest", "hand", "spine"]


@pytest.mark.slow
def test_the_configs_of_the_bundle_that_it_leaves_score(trained: Path, tmp_path: Path, picture_list):
    root, output = trained / "bundle", tmp_path / "eval"
    configs = [str(root / "configs" / name) for name in ("common.yaml", "evaluate.yaml")]
    settings = {"bundle_root": root, "datalist": picture_list["datalist"], "dataset_dir": picture_list["dataset_dir"]}
    settings |= {"output_dir": output, "disturbances": "[]"}
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--config_file", str(configs)]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    score = json.loads((output / "metrics.json").read_text())
    assert score["pictures"] == 6
    assert score["decision"]["temperature"] != 1  # calibrated: its own router.json was read


@pytest.mark.slow
def test_the_training_leaves_a_bundle_that_labels(trained: Path, picture_list, capsys):
    picture = f"{picture_list['dataset_dir']}/hand/0.png"
    assert main(["label", "--bundle", str(trained / "bundle"), picture]) == 0
    file, label, *_ = capsys.readouterr().out.split("\t")
    assert file == picture
    assert label in {"chest", "hand", "spine", "review"}
