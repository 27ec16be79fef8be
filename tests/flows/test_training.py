"""The bundle trains, validates, saves, goes on after a kill, and scores, all by MONAI's command."""

import csv
import json
import signal
import time
from pathlib import Path

import pytest
import torch

EPOCHS = 3


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_bundle) -> Path:
    """Folder of a training that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("training") / "runs"
    log = run_bundle("train.yaml", num_epochs=str(EPOCHS), output_dir=str(folder))
    assert "cpm" in log
    return folder


@pytest.mark.slow
def test_a_training_leaves_weights_and_a_history(trained: Path):
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())
    with (trained / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(0 <= float(row["cpm"]) <= 1 for row in rows)
    assert {"train_loss", "train_loss_center", "gradient_norm", "learning_rate", "seconds"} <= rows[0].keys()


@pytest.mark.slow
def test_tensorboard_has_losses_scores_and_pictures(trained: Path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "tensorboard"))
    events.Reload()
    scalars, images = events.Tags()["scalars"], events.Tags()["images"]
    assert {"train/loss", "train/loss_center", "train/learning_rate", "train/gradient_norm"} <= set(scalars)
    assert {"train_loss", "cpm"} <= set(scalars)
    assert {"validation/scan_0", "validation/scan_1"} <= set(images)
    assert [event.step for event in events.Scalars("cpm")] == [1, 2, 3]


@pytest.mark.slow
def test_a_killed_training_ends_as_if_nothing_had_happened(trained: Path, tmp_path: Path, start_bundle, run_bundle):
    folder = tmp_path / "runs"
    settings = {"num_epochs": str(EPOCHS), "output_dir": str(folder), "resume": "true"}
    process = start_bundle("train.yaml", **settings)
    deadline = time.monotonic() + 300
    while not (folder / "last.pt").is_file() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    stopped_after = torch.load(folder / "last.pt", weights_only=True)["epoch"]
    assert stopped_after < EPOCHS

    log = run_bundle("train.yaml", **settings)
    assert f"going on after epoch {stopped_after} of {EPOCHS}" in log
    for name in ("last.pt", "model.pt"):
        whole, resumed = (torch.load(path / name, weights_only=True) for path in (trained, folder))
        assert_equal(whole, resumed)
    columns = []
    for path in (trained, folder):
        with (path / "history.csv").open(newline="") as stream:
            columns.append([{**row, "seconds": ""} for row in csv.DictReader(stream)])
    assert columns[0] == columns[1]


def assert_equal(whole, resumed) -> None:
    """Compare nested containers, tensors bit by bit."""
    assert type(whole) is type(resumed)
    if isinstance(whole, torch.Tensor):
        assert torch.equal(whole, resumed)
    elif isinstance(whole, dict):
        assert whole.keys() == resumed.keys()
        for key in whole:
            assert_equal(whole[key], resumed[key])
    elif isinstance(whole, (list, tuple)):
        assert len(whole) == len(resumed)
        for pair in zip(whole, resumed, strict=True):
            assert_equal(*pair)
    else:
        assert whole == resumed


@pytest.mark.slow
def test_its_weights_can_be_scored(trained: Path, tmp_path: Path, run_bundle):
    seeds = {"seeds": "$range(60,62)", "slice_mm": "3.5"}
    run_bundle("evaluate.yaml", **seeds, checkpoint=str(trained / "model.pt"), output_dir=str(tmp_path / "eval"))
    score = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert score["scans"] == 2
    assert score["nodules"] > 0
