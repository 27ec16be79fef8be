"""MONAI's 3D RetinaNet beside lungdet: a small one trained on the same patches, and what the zoo's costs."""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import detector_results
import torch
from detector_ablation import add_training_arguments, recipe
from detector_machine import in_fresh_process, measured
from detector_patches import Batch, PatchStream
from detector_scans import fill_cache, made_by, read_scan, read_scans
from detector_scoring import score
from detector_training import train
from peers import retinanet

from lungdet.networks.blocks import to_channels_last

ROOM_MM = (358.4, 358.4, 280.0)  # 256 x 256 x 200 voxels of 1.4 mm
PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def main(options: argparse.Namespace) -> None:
    jobs = {"zoo": zoo_cost, "overfit": overfit, "small": train_small}
    for name in options.what:
        jobs[name](options)


def zoo_cost(options: argparse.Namespace) -> None:
    """Seconds of a few patches of the zoo's network, times the voxels of a scan; it has no weights here.

    A scan is counted twice: as the windows of the zoo's own inference, with their overlap and padding, and, as a lower
    bound of any way to cut it, by its bare voxels.
    """
    patch = tuple(options.zoo_patch)
    size = [round(mm / step) for mm, step in zip(ROOM_MM, retinanet.ZOO_SPACING_MM, strict=True)]
    windows = count_windows(size, retinanet.ZOO_WINDOW, retinanet.OVERLAP)
    whole, bare = patches_of(size, patch)
    rows = []
    for precision in PRECISIONS:
        seconds, peak = in_fresh_process(zoo_patch, precision, patch, options.zoo_patches)
        rows.append(
            {
                "network": "RetinaNet, model zoo",
                "precision": precision,
                "patch": " x ".join(map(str, patch)),
                "seconds a patch": seconds,
                f"windows of {' x '.join(map(str, retinanet.ZOO_WINDOW))}": windows,
                "seconds a scan, extrapolated": seconds * whole,
                "of its bare voxels": seconds * bare,
                "peak MiB of a patch": peak,
            }
        )
    settings = {"scan": size, "spacing_mm": retinanet.ZOO_SPACING_MM, "measured_patches": options.zoo_patches}
    detector_results.append(options.out, "retinanet_zoo", settings, {"rows": rows})
    print(detector_results.markdown(rows))


def patches_of(size: Sequence[int], patch: Sequence[int]) -> tuple[float, float]:
    """How many measured patches are as many voxels as all windows of a scan, and as the scan itself.

    Example:
        >>> patches_of((510, 510, 224), (512, 512, 192))[0]
        2.0
    """
    windows = count_windows(size, retinanet.ZOO_WINDOW, retinanet.OVERLAP)
    voxels = math.prod(patch)
    return windows * math.prod(retinanet.ZOO_WINDOW) / voxels, math.prod(size) / voxels


def zoo_patch(precision: str, patch: Sequence[int], count: int) -> tuple[float, float]:
    """Median seconds and highest peak of the zoo's network on noise."""
    retinanet.AutocastRetinaNet.precision = PRECISIONS[precision]
    network, image = retinanet.zoo_detector().network.eval(), torch.rand(1, 1, *patch)

    def run() -> None:
        with torch.inference_mode():
            network(image)

    runs = [measured(run) for _ in range(count)]
    return statistics.median(seconds for _, seconds, _ in runs), max(peak for _, _, peak in runs)


def count_windows(size: Sequence[int], window: Sequence[int], overlap: float) -> int:
    """Windows that MONAI's sliding window takes.

    Example:
        >>> count_windows((510, 510, 224), (192, 192, 80), 0.25)
        64
    """
    return math.prod(
        max(math.ceil((n - side) / int(side * (1 - overlap))), 0) + 1 for n, side in zip(size, window, strict=True)
    )


def train_small(options: argparse.Namespace) -> None:
    """Train the small network on the stream that the detector's variants see, and score it on the same scans."""
    fill_cache(options.cache, options.scans, options.slices_mm, options.config_overrides, options.processes)
    stream = PatchStream(options.train_seeds, options.cache, options.config_overrides, options.seed)
    detector, log = fit(cut(stream, options.step_patches), options.seconds, options)
    weights = save(detector, options)
    find = partial(retinanet.find, detector, window=options.window)
    scores = {mm: score(find, read_scans(options.cache, options.scans, mm), options.device) for mm in options.slices_mm}
    first = (options.cache, options.scans[0], options.slices_mm[0])
    peak = in_fresh_process(small_peak, weights, options.anchors, first, options.window, options.precision)
    parameters = sum(parameter.numel() for parameter in detector.network.parameters())
    result = {
        "training": log.to_json(),
        "parameters": parameters,
        "peak_mib": peak,
        "scores": {f"{mm:g}": each.to_json() for mm, each in scores.items()},
    }
    detector_results.append(options.out, "retinanet_small", small_settings(options), result)
    name = {"network": f"RetinaNet, {parameters / 1e6:.2f} M", "training s": log.seconds, "patches": log.patches}
    rows = [{**name, "slice mm": mm, **each.row(), "peak MiB": peak} for mm, each in scores.items()]
    print(detector_results.markdown(rows))


def small_settings(options: argparse.Namespace) -> dict[str, Any]:
    names = ("seconds", "learning_rate", "anchors", "seed", "step_patches", "window", "precision", "device")
    return {
        **{name: getattr(options, name) for name in names},
        "train_seeds": [min(options.train_seeds), max(options.train_seeds)],
        "scored_on": [min(options.scans), max(options.scans)],
        "overrides": options.config_overrides,
        **recipe(options),
        "cache": made_by(options.cache),
    }


def save(detector: Any, options: argparse.Namespace) -> Path:
    """Write the weights beside the cached scans, or where ``--checkpoints`` says."""
    folder: Path = options.checkpoints or options.cache
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"retinanet_{options.seconds:g}s_{options.seed}.pt"
    torch.save({"model": detector.network.state_dict()}, path)
    return path


def small_peak(
    weights: Path, anchors: Sequence[float], scan: tuple[Path, int, float], window: Any, precision: str
) -> float:
    """MiB above network and scan that one scan takes, in a process that has done nothing else."""
    retinanet.AutocastRetinaNet.precision = PRECISIONS[precision]
    detector = retinanet.small_detector(anchors=[[side] * 3 for side in anchors]).eval()
    detector.network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["model"])
    image = read_scan(*scan).image[None]
    retinanet.find(detector, image[..., :32, :32, :16])  # torch loads its kernels
    return measured(lambda: retinanet.find(detector, image, window))[2]


def overfit(options: argparse.Namespace) -> None:
    """Whether it learns at all: the same few patches again and again, then what it finds in them."""
    few = list(islice(PatchStream(options.train_seeds[:2], options.cache, options.config_overrides, options.seed), 2))
    detector, log = fit(repeat_all(few), options.seconds, options)
    rows = []
    for images, targets in few:
        for image, target in zip(images, targets, strict=True):
            boxes, scores = retinanet.find(detector, image[None].to(options.device))
            hit = hits(boxes, target["box"])
            best = {"best score on a nodule": float(scores[hit].max()) if hit.any() else 0.0}
            wrong = float(scores[~hit].max()) if (~hit).any() else 0.0
            rows.append({"nodules": len(target["box"]), **best, "best score elsewhere": wrong})
    settings = {"seconds": options.seconds, "learning_rate": options.learning_rate, "anchors": options.anchors}
    detector_results.append(options.out, "retinanet_overfit", settings, {"training": log.to_json(), "rows": rows})
    print(detector_results.markdown(rows))
    print(f"\nloss {log.to_json()['loss_first_tenth']:.3f} at first, {log.to_json()['loss_last_tenth']:.3f} at last")


def fit(batches: Any, seconds: float, options: argparse.Namespace) -> tuple[Any, Any]:
    """A trained small detector, in evaluation mode, and the log of its training."""
    torch.manual_seed(options.seed)
    retinanet.AutocastRetinaNet.precision = PRECISIONS[options.precision]
    detector = retinanet.small_detector(anchors=[[side] * 3 for side in options.anchors]).to(options.device).train()
    to_channels_last(detector)
    parameters = list(detector.network.parameters())
    loss_of = partial(retinanet.loss_of, detector)
    log = train(loss_of, parameters, batches, seconds, options.learning_rate, options.device)
    return detector.eval(), log


def cut(batches: Iterable[Batch], size: int) -> Iterator[Batch]:
    """The same patches in batches of ``size``: a network that is slow to train takes more, smaller steps."""
    for images, targets in batches:
        for start in range(0, len(images), size):
            yield images[start : start + size], targets[start : start + size]


def repeat_all(batches: Sequence[Any]) -> Any:
    return (batch for again in repeat(batches) for batch in again)


def hits(boxes: torch.Tensor, nodules: torch.Tensor) -> torch.Tensor:
    """Which boxes have their centre within a nodule's box: ``(N,)`` for ``(N, 6)`` and ``(M, 6)``."""
    centers = ((boxes[:, :3] + boxes[:, 3:]) / 2)[:, None]
    return ((centers >= nodules[:, :3]) & (centers < nodules[:, 3:])).all(dim=2).any(dim=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--what", nargs="+", choices=["zoo", "overfit", "small"], default=["zoo", "small"])
    parser.add_argument("--seconds", type=float, default=1200, help="of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--anchors", type=float, nargs="+", default=[3.0, 3.8, 4.8], help="sides in voxels")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="bfloat16")
    parser.add_argument("--window", type=int, nargs=3, help="sliding window at inference; the whole scan if not given")
    parser.add_argument("--slices-mm", type=float, nargs="+", default=[1.4])
    parser.add_argument("--step-patches", type=int, default=4, help="patches of one step of training")
    parser.add_argument("--zoo-patch", type=int, nargs=3, default=list(retinanet.ZOO_PATCH))
    parser.add_argument("--zoo-patches", type=int, default=2, help="how many are measured")
    parser.add_argument("--checkpoints", type=Path)
    add_training_arguments(parser)
