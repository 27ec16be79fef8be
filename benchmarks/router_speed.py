"""Milliseconds a picture: how ``lungdet`` runs a network for radiographs, beside what PyTorch and onnxruntime can do.

Run ``python benchmarks/router_speed.py [--networks densenet121 densenet_compact] [--side 512] [--threads 2]``; it needs
the extra ``lungdet[onnx]``. One run, all in turns, on the same random pictures and weights; it prints medians, and how
far the default is from the fastest of the others, and asserts nothing.

* ``eager``: the network as it is, in float32
* ``channels_last``: images and weights laid out channels last
* ``bfloat16``: channels last, under autocast
* ``onnxruntime``: exported, with as many threads
* ``lungdet``: ``lungdet.inferers.fast_picture_network``, which is what ``lungdet label`` uses
"""

from __future__ import annotations

import argparse
import copy
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from detector_machine import describe_machine
from torch import Tensor, nn

from lungdet.inferers import fast_picture_network
from lungdet.networks.nets import RADIOGRAPH_NETWORKS, PictureClassifier, radiograph_network

PAUSE_SECONDS = 0.02  # onnxruntime's threads keep turning for a while after their work
OURS = "lungdet"


def main() -> None:
    options = arguments()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(options.threads)
    machine = describe_machine()
    print(f"{machine['cpu']}, {options.threads} threads, torch {torch.__version__}; milliseconds a picture, medians")
    print(f"{options.batch} x 1 x {options.side} x {options.side} at once, {options.repeats} turns")
    columns = ("eager", "channels_last", "bfloat16", "onnxruntime", OURS)
    print(f"| network | {' | '.join(columns)} | precision | lungdet / fastest other | embedding differs by |")
    print(f"|{'---|' * (len(columns) + 4)}")
    for name in options.networks:
        print(row(name, columns, options), flush=True)


def row(name: str, columns: tuple[str, ...], options: argparse.Namespace) -> str:
    """One line of the table."""
    images = torch.rand(options.batch, 1, options.side, options.side, generator=torch.Generator().manual_seed(0))
    network = used_network(name)
    fast = fast_picture_network(network)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        jobs = {**peers(network, images, Path(folder), options.threads), OURS: lambda: fast(images)}
        median = in_turns(jobs, options.repeats)
        wanted = network.embed(images)
        differs = float((fast.embed(images) - wanted).norm() / wanted.norm())
    each = {job: 1000 * seconds / options.batch for job, seconds in median.items()}
    ratio = each[OURS] / min(value for job, value in each.items() if job != OURS)
    cells = " | ".join(f"{each[column]:.1f}" for column in columns)
    return f"| {name} | {cells} | {fast.precision} | {ratio:.2f} | {100 * differs:.1f} % |"


def used_network(name: str) -> PictureClassifier:
    """Random weights, and norms that have seen pictures: numbers of a sane size, as after training."""
    torch.manual_seed(0)
    network = radiograph_network(name, num_classes=5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(torch.rand(4, 1, 128, 128))
    return network.eval()


def peers(network: PictureClassifier, images: Tensor, folder: Path, threads: int) -> dict[str, Callable[[], Any]]:
    """What the default is compared with."""
    laid_out = copy.deepcopy(network).to(memory_format=torch.channels_last)

    def channels_last() -> Tensor:
        return laid_out(images.contiguous(memory_format=torch.channels_last))

    def bfloat16() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return channels_last()

    return {
        "eager": lambda: network(images),
        "channels_last": channels_last,
        "bfloat16": bfloat16,
        "onnxruntime": in_onnxruntime(network, images, folder, threads),
    }


def in_onnxruntime(network: nn.Module, images: Tensor, folder: Path, threads: int) -> Callable[[], Any]:
    import onnxruntime

    torch.onnx.export(network, (images,), folder / "network.onnx", dynamo=True, verbose=False)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(folder / "network.onnx", settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: images.numpy()})


def in_turns(jobs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each job; the first two turns are for warming up."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(repeats + 2):
        for name, job in jobs.items():
            time.sleep(PAUSE_SECONDS)
            start = time.perf_counter()
            job()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", choices=list(RADIOGRAPH_NETWORKS), default=["densenet121"])
    parser.add_argument("--side", type=int, default=512, help="rows and columns of the pictures")
    parser.add_argument("--batch", type=int, default=1, help="pictures at once")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


if __name__ == "__main__":
    main()
