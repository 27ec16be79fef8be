"""Two processes train one network, and score as one does."""

import csv
import json
from pathlib import Path

import pytest
import torch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_available(), reason="this build of PyTorch has no torch.distributed"),
]
SCANS = {"seeds": "$range(60,63)", "slice_mm": "3.5"}  # three for two processes: one share is longer
SAVE_EACH_RANK = {
    "run": [
        "$@train#trainer.run()",
        "$torch.save(@network.module.state_dict(), @output_dir + f'/rank_{dist.get_rank()}.pt')",
    ]
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_bundle) -> Path:
    """Folder of a training in two processes, with the weights that each of them ended with."""
    folder = tmp_path_factory.mktemp("distributed")
    (folder / "save_each_rank.json").write_text(json.dumps(SAVE_EACH_RANK))
    configs = ("train.yaml", "multi_gpu_train.yaml", str(folder / "save_each_rank.json"))
    run_bundle(*configs, processes=2, num_epochs="2", output_dir=str(folder / "runs"))
    return folder / "runs"


def test_both_processes_end_with_the_same_network(trained: Path):
    first, second = (torch.load(trained / f"rank_{rank}.pt", weights_only=True) for rank in (0, 1))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_one_process_writes(trained: Path):
    with (trained / "history.csv").open(newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]
    pids = {path.name.split(".")[-2] for path in (trained / "tensorboard").glob("events.*")}
    assert len(pids) <= 1
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert not any(name.startswith("module.") for name in weights)
    assert torch.load(trained / "last.pt", weights_only=True)["iteration"] == 2  # 4 scans, 2 a step and process


def test_the_score_is_that_of_one_process(trained: Path, tmp_path: Path, run_bundle):
    settings = {**SCANS, "checkpoint": str(trained / "model.pt")}
    run_bundle("evaluate.yaml", **settings, output_dir=str(tmp_path / "one"))
    run_bundle("evaluate.yaml", "multi_gpu_evaluate.yaml", processes=2, **settings, output_dir=str(tmp_path / "two"))
    one, two = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two"))
    assert one["scans"] == 3
    assert without_times(one) == without_times(two)
    tables = []
    for name in ("one", "two"):
        with (tmp_path / name / "scans.csv").open(newline="") as stream:
            tables.append([without_times(row) for row in csv.DictReader(stream)])
    assert tables[0] == tables[1]


def without_times(content: dict) -> dict:
    return {key: value for key, value in content.items() if "second" not in key}
