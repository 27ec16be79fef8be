"""Two processes train one router, and score as one does."""

import json
from pathlib import Path

import pytest
import torch

from lungdet.routing import Router

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_available(), reason="this build of PyTorch has no torch.distributed"),
]
SAVE_EACH_RANK = {
    "run": [
        "$@train#trainer.run()",
        "$torch.save(@train#average.state_dict(), @output_dir + f'/rank_{dist.get_rank()}.pt')",
    ]
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_bundle, picture_list) -> Path:
    """Folder of a training in two processes, with the averaged weights that each of them ended with."""
    folder = tmp_path_factory.mktemp("distributed")
    (folder / "save_each_rank.json").write_text(json.dumps(SAVE_EACH_RANK))
    configs = ("train.yaml", "multi_gpu_train.yaml", str(folder / "save_each_rank.json"))
    settings = {**picture_list, "num_epochs": "2", "output_dir": str(folder / "runs")}
    run_bundle(*configs, processes=2, bundle="body_part_router", **settings)
    return folder / "runs"


def test_both_processes_end_with_the_same_average(trained: Path):
    first, second = (torch.load(trained / f"rank_{rank}.pt", weights_only=True) for rank in (0, 1))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_a_share_smaller_than_a_batch_is_a_step_of_its_own(tmp_path: Path, run_bundle, picture_list):
    """30 pictures are 15 for each process, fewer than a batch of 16, though all together are more."""
    settings = {**picture_list, "num_epochs": "1", "batch_size": "16", "output_dir": str(tmp_path / "runs")}
    run_bundle("train.yaml", "multi_gpu_train.yaml", processes=2, bundle="body_part_router", **settings)
    assert (tmp_path / "runs" / "model.pt").is_file()


def test_one_process_writes(trained: Path):
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert not any(name.startswith("module.") for name in weights)
    assert Router.load(trained / "router.json", checkpoint=trained / "model.pt").class_list.name == "kinds"


def test_the_score_is_that_of_one_process(trained: Path, tmp_path: Path, run_bundle, picture_list):
    settings = {**picture_list, "disturbances": "[]", "bundle": "body_part_router"}
    settings |= {"checkpoint": str(trained / "model.pt"), "router_file": str(trained / "router.json")}
    run_bundle("evaluate.yaml", **settings, output_dir=str(tmp_path / "one"))
    run_bundle("evaluate.yaml", "multi_gpu_evaluate.yaml", processes=2, **settings, output_dir=str(tmp_path / "two"))
    one, two = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two"))
    assert without_times(one) == without_times(two)


def without_times(content: dict) -> dict:
    return {key: value for key, value in content.items() if "second" not in key and key != "speed"}
