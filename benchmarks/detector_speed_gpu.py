"""The same figures on a GPU, lungdet and RetinaNet in turns; one clear line where there is none.

The zoo's weights are not here: its network runs on random ones, and these decide how many boxes its suppression sorts.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import detector_results
import torch
from detector_ablation import detector_loss
from detector_machine import measured
from detector_score import open_detector
from detector_scoring import detector_finder
from peers import retinanet
from torch import Tensor, nn

from lungdet.detection import DetectionCriterion
from lungdet.inferers import AutocastInferer

BATCH, STEPS = 8, 10
ROOM_VOXELS = (256, 256, 200)  # of 1.4 mm, as large as 512 x 512 x 280 of 0.7 x 0.7 x 1.0 mm
ZOO_VOXELS = (512, 512, 224)
NOTE = "RetinaNet has random weights: its post-processing sorts whatever boxes these give."
Job = Callable[[], Any]


def main(options: argparse.Namespace) -> None:
    if not torch.cuda.is_available():
        print("\nNo GPU here: nothing was measured on one.")
        return
    rows = [row(name, job, options.repeats) for name, job in inference_jobs(options).items()]
    rows += [row(name, job, options.repeats, BATCH * STEPS) for name, job in training_jobs(options).items()]
    detector_results.append(
        options.out, "speed_gpu", {"device": torch.cuda.get_device_name(), "note": NOTE}, {"rows": rows}
    )
    print(f"\n{torch.cuda.get_device_name()}\n")
    print(f"{detector_results.markdown(rows)}\n\n{NOTE}")


def row(name: str, job: Job, repeats: int, patches: int | None = None) -> dict[str, Any]:
    """Median seconds and peak memory of a job, after one run that does not count."""
    job()
    runs = [measured(job, "cuda") for _ in range(repeats)]
    seconds = statistics.median(each for _, each, _ in runs)
    result = {"job": name, "seconds": seconds, "peak MiB": max(peak for *_, peak in runs)}
    return result if patches is None else {**result, "patches/s": patches / seconds}


def inference_jobs(options: argparse.Namespace) -> dict[str, Job]:
    """A whole chest from a tensor on the host to boxes on the host, each network on its own grid."""
    jobs: dict[str, Job] = {}
    scan, zoo_scan = host_scan(ROOM_VOXELS), host_scan(ZOO_VOXELS)
    for precision in ("bfloat16", "float16", "float32"):
        overrides = {**options.config_overrides, "precision": precision}
        find = detector_finder(*open_detector(overrides, options.checkpoint, "cuda"))
        jobs[f"lungdet, whole scan, {precision}"] = partial(find_from_host, find, scan)
    zoo = retinanet.zoo_detector().to("cuda").eval()
    find = partial(retinanet.find, zoo, window=retinanet.ZOO_WINDOW)
    jobs["RetinaNet of the zoo with random weights, whole scan, bfloat16"] = partial(find_from_host, find, zoo_scan)
    return jobs


def host_scan(size: Sequence[int]) -> Tensor:
    """Noise in pinned memory: made once, for drawing it would take longer than a network does."""
    return torch.rand(1, 1, *size, pin_memory=True)


def find_from_host(find: Callable[[Tensor], Any], scan: Tensor) -> Any:
    return find(scan.to("cuda", non_blocking=True))


def training_jobs(options: argparse.Namespace) -> dict[str, Job]:
    """Ten steps of eight patches each, which are noise with one nodule's box."""
    network, inferer = open_detector(options.config_overrides, None, "cuda")
    loss = partial(detector_loss, network.train(), DetectionCriterion(), AutocastInferer(inferer.precision))
    small, zoo = (make().to("cuda").train() for make in (retinanet.small_detector, retinanet.zoo_detector))
    jobs = {
        "lungdet, training, 96 x 96 x 64": (loss, network, (96, 96, 64)),
        "small RetinaNet, training, 96 x 96 x 64": (partial(retinanet.loss_of, small), small.network, (96, 96, 64)),
        "RetinaNet of the zoo, training, 192 x 192 x 80": (
            partial(retinanet.loss_of, zoo),
            zoo.network,
            (192, 192, 80),
        ),
    }
    return {name: partial(steps, *job) for name, job in jobs.items()}


def steps(loss_of: Callable[..., Tensor], network: nn.Module, size: Sequence[int]) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    images = torch.rand(BATCH, 1, *size, device="cuda")
    box = torch.tensor([[20.0, 20, 20, 26, 26, 26]], device="cuda")
    targets = [{"box": box, "ignore_box": box.new_empty(0, 6)}] * BATCH
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_of(images, targets).backward()
        optimizer.step()
