"""Two processes that see different data end with the mean of what both have counted."""

import os
import socket
from pathlib import Path

import pytest
import torch
from torch import distributed, multiprocessing, nn

from lungdet.engines import BufferAverager
from lungdet.workflows import bundle_root

pytestmark = pytest.mark.skipif(not distributed.is_available(), reason="this build of PyTorch has no torch.distributed")
STEPS, MEANS = 10, (0.0, 100.0)  # of the data of each process


def shared_options() -> dict:
    """What the bundle says of the network's buffers."""
    from monai.bundle import ConfigParser

    config = ConfigParser.load_config_file(str(bundle_root("nodule_detector") / "configs" / "multi_gpu_train.yaml"))
    return {"broadcast_buffers": config["network"].get("broadcast_buffers", True)}


def count_statistics(rank: int, port: int, folder: Path, options: dict) -> None:
    """One of the processes: ten steps of batch normalisation, then the average."""
    torch.set_num_threads(1)
    torch.manual_seed(rank)
    distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    norm = nn.BatchNorm1d(1, momentum=0.1)
    network = nn.parallel.DistributedDataParallel(norm, **options)
    for _ in range(STEPS):
        network(torch.randn(64, 1) * (1 + rank) + MEANS[rank]).sum().backward()
    before = {name: value.clone() for name, value in norm.named_buffers()}
    BufferAverager(network)(None)
    torch.save({"before": before, "after": dict(norm.named_buffers())}, folder / f"{rank}.pt")
    os._exit(0)  # what gloo's threads do while an interpreter ends is not under test, and has been seen to hang


def free_port() -> int:
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        return int(there.getsockname()[1])


def test_running_statistics_are_the_mean_of_both(tmp_path: Path):
    context, arguments = multiprocessing.get_context("spawn"), (free_port(), tmp_path, shared_options())
    processes = [context.Process(target=count_statistics, args=(rank, *arguments), daemon=True) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=240)
    assert [process.exitcode for process in processes] == [0, 0]
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    for name in ("running_mean", "running_var"):
        mean = (first["before"][name] + second["before"][name]) / 2
        assert torch.allclose(first["after"][name], mean), name
        assert torch.equal(first["after"][name], second["after"][name]), name
    counted = 1 - 0.9**STEPS
    assert float(first["before"]["running_mean"]) == pytest.approx(0.0, abs=0.5)
    assert float(second["before"]["running_mean"]) == pytest.approx(100 * counted, abs=0.5)
    assert float(first["after"]["running_mean"]) == pytest.approx(50 * counted, abs=0.5)
    assert float(first["after"]["running_var"]) == pytest.approx(2.5 * counted + 0.9**STEPS, rel=0.2)


def test_a_network_that_overwrites_buffers_is_refused():
    network = nn.BatchNorm1d(1)
    network.broadcast_buffers = True
    with pytest.raises(ValueError, match="broadcast_buffers=False"):
        BufferAverager(network)


def test_one_process_has_nothing_to_average():
    network = nn.BatchNorm1d(1)
    BufferAverager(network)(None)
    assert network.running_var.tolist() == [1.0]
