"""Time of non-maximum suppression of 3D boxes, beside MONAI, on one core.

Run ``OMP_NUM_THREADS=1 python benchmarks/nms.py [--boxes 5000] [--repeats 9]``. One run, ours and MONAI's
``non_max_suppression`` in turns, on the same boxes from scattered to all in one heap; it prints medians and asserts
nothing but that both keep the same boxes. MONAI has no suppression by distance to compare with.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from monai.data.box_utils import non_max_suppression

from lungdet.detection import nms_by_distance, nms_by_iou

SIDE = 15.0  # mean side of a box
EXTENTS = {"scattered": 400.0, "crowded": 150.0, "clustered": 60.0, "a heap": 20.0}  # side of the cube that holds them
IOU = 0.1


def random_boxes(count: int, extent: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 3, generator=generator) * extent
    size = SIDE * (0.5 + torch.rand(count, 3, generator=generator))
    return torch.cat([low, low + size], dim=1), torch.rand(count, generator=generator)


def in_turns(jobs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each job."""
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(repeats + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if turn:  # the first is for warming up
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--boxes", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{options.boxes} boxes of mean side {SIDE:g}, IoU > {IOU:g} dropped; milliseconds, medians")
    heads = f"{'kept':>7}{'MONAI, IoU':>13}{'lungdet, IoU':>14}{'ratio':>8}{'distance':>11}"
    print(f"{'boxes':<12}{'in a cube of':>14}{heads}")
    for name, extent in EXTENTS.items():
        boxes, scores = random_boxes(options.boxes, extent)
        kept = nms_by_iou(boxes, scores, IOU)
        if not torch.equal(kept, non_max_suppression(boxes, scores, IOU)):
            raise SystemExit(f"{name}: MONAI keeps other boxes")
        median = in_turns(
            {
                "monai": lambda boxes=boxes, scores=scores: non_max_suppression(boxes, scores, IOU),
                "iou": lambda boxes=boxes, scores=scores: nms_by_iou(boxes, scores, IOU),
                "distance": lambda boxes=boxes, scores=scores: nms_by_distance(boxes, scores),
            },
            options.repeats,
        )
        ours, other = median["iou"], median["monai"]
        print(
            f"{name:<12}{extent:>14g}{len(kept):>7}{1000 * other:>13.1f}{1000 * ours:>14.1f}{other / ours:>8.1f}"
            f"{1000 * median['distance']:>11.1f}"
        )


if __name__ == "__main__":
    main()
