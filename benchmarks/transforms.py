"""HU scaling, patches and padding of a 512 x 512 x 300 scan, beside the MONAI transforms that do part of it.

Run ``python benchmarks/transforms.py [--repeats 5] [--size 512 512 300]``. One run, ours and the peer in turns; it
prints medians, ratios (above 1: lungdet is faster) and the memory of the results that is not the scan's own, and
asserts nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from monai.apps.detection.transforms.dictionary import RandCropBoxByPosNegLabeld
    from monai.data import MetaTensor
    from monai.inferers.merger import AvgMerger
    from monai.transforms import DivisiblePad, GridPatch, ScaleIntensityRanged, ThresholdIntensityd

from lungdet.transforms import (
    GridPatches,
    MaskPaddingd,
    PadToMultiple,
    RandCropAroundBoxesd,
    ScaleHUd,
    StitchPatches,
)

Job = tuple[str, str, Callable[[dict[str, Any]], Any], Callable[[dict[str, Any]], Any]]
PATCH = (128, 128, 96)


def make_scan(size: tuple[int, int, int], order: str) -> dict[str, Any]:
    x, y, z = size
    block = torch.randint(-2000, 1500, (1, z, y, x), dtype=torch.int16, generator=torch.Generator().manual_seed(0))
    image = block.permute(0, 3, 2, 1)
    centers = torch.rand(10, 3, generator=torch.Generator().manual_seed(1)) * torch.tensor(size) * 0.8 + 15
    return {
        "image": MetaTensor(image if order == "reader's view" else image.contiguous()),
        "box": torch.cat([centers - 5, centers + 5], dim=1),
        "label": torch.zeros(10, dtype=torch.long),
    }


def monai_stitch(patches: list[torch.Tensor], size: tuple[int, ...]) -> torch.Tensor:
    padded = [-(-length // patch) * patch for length, patch in zip(size, PATCH, strict=True)]
    merger = AvgMerger(merged_shape=(1, 1, *padded), cropped_shape=(1, 1, *size))
    for patch in patches:
        merger.aggregate(patch.as_tensor()[None], patch.meta["patch_origin"].tolist())
    return merger.finalize()


def make_jobs() -> Iterator[Job]:
    yield (
        "window to [0, 1]",
        "ScaleIntensityRanged",
        ScaleHUd("image"),
        ScaleIntensityRanged("image", -1000, 400, 0, 1, clip=True),
    )
    yield (
        "padding to air",
        "ThresholdIntensityd",
        MaskPaddingd("image"),
        ThresholdIntensityd("image", -1024, above=True, cval=-1000),
    )
    grid = GridPatches(PATCH, pad_value=-1000)
    peer = GridPatch(PATCH, pad_mode="constant", constant_values=-1000)
    yield ("patches, partition", "GridPatch", lambda item: grid(item["image"]), lambda item: peer(item["image"]))
    half = GridPatches(PATCH, tuple(n // 2 for n in PATCH), pad_value=-1000)
    half_peer = GridPatch(PATCH, overlap=0.5, pad_mode="constant", constant_values=-1000)
    yield (
        "patches, half overlap",
        "GridPatch",
        lambda item: half(item["image"]),
        lambda item: half_peer(item["image"]),
    )
    yield (
        "4 crops around boxes",
        "RandCropBoxByPosNegLabeld",
        RandCropAroundBoxesd("image", "box", PATCH, "label", num_samples=4).set_random_state(0),
        RandCropBoxByPosNegLabeld("image", "box", "label", PATCH, num_samples=4).set_random_state(0),
    )
    pad, pad_peer = PadToMultiple(32, -1000), DivisiblePad(32, value=-1000, method="end")
    yield (
        "pad to multiple of 32",
        "DivisiblePad",
        lambda item: pad(item["image"]),
        lambda item: pad_peer(item["image"]),
    )
    yield (
        "stitch, partition",
        "AvgMerger",
        lambda item: StitchPatches()(item["parts"]),
        lambda item: monai_stitch(item["parts"], tuple(item["image"].shape[1:])),
    )
    yield (
        "stitch, half overlap",
        "AvgMerger",
        lambda item: StitchPatches()(item["halves"]),
        lambda item: monai_stitch(item["halves"], tuple(item["image"].shape[1:])),
    )


def tensors_of(result: Any) -> Iterator[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, dict):
        yield from tensors_of([value for key, value in result.items() if key == "image"])
    elif isinstance(result, list):
        for value in result:
            yield from tensors_of(value)


def new_megabytes(result: Any, image: torch.Tensor) -> float:
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors_of(result)}
    storages.pop(image.untyped_storage().data_ptr(), None)
    return sum(storages.values()) / 1e6


def seconds(job: Callable[[dict[str, Any]], Any], item: dict[str, Any]) -> tuple[float, float]:
    start = time.perf_counter()
    result = job(dict(item))
    return time.perf_counter() - start, new_megabytes(result, item["image"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 300))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    size = " x ".join(map(str, arguments.size))
    print(f"{torch.get_num_threads()} threads, int16 scan of {size}, medians of {arguments.repeats}")
    print(f"{'job':<24}{'memory order':<16}{'lungdet s':>10}{'MB':>6}  {'peer':<26}{'peer s':>8}{'MB':>6}{'ratio':>8}")
    for order in ("reader's view", "C-ordered"):
        item = make_scan(tuple(arguments.size), order)
        item["parts"] = GridPatches(PATCH, pad_value=-1000)(item["image"].float())
        item["halves"] = GridPatches(PATCH, tuple(n // 2 for n in PATCH), pad_value=-1000)(item["image"].float())
        for name, peer_name, job, peer in make_jobs():
            ours, theirs = [], []
            for _ in range(arguments.repeats):
                ours.append(seconds(job, item))
                theirs.append(seconds(peer, item))
            mine, other = (statistics.median(run[0] for run in runs) for runs in (ours, theirs))
            print(
                f"{name:<24}{order:<16}{mine:>10.4f}{ours[0][1]:>6.0f}"
                f"  {peer_name:<26}{other:>8.3f}{theirs[0][1]:>6.0f}{other / mine:>8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
