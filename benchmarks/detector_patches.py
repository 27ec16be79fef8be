"""Patches for training, the same stream for every network that is compared."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detector_machine import commit
from detector_scans import SOURCES, open_common
from monai.utils import convert_to_tensor
from torch import Tensor

from lungdet.transforms import MakeBackgroundd, RandPhantomPatchd, ScaleHUd

Target = dict[str, Tensor]
Batch = tuple[Tensor, list[Target]]
TRAIN_SEEDS = range(1000, 1024)  # they meet neither validation nor evaluation
PATCH_SIZE = (96, 96, 64)


class PatchStream:
    """Endless batches of patches: nodules drawn afresh into backgrounds that are painted once.

    Args:
        backgrounds: as :func:`load_backgrounds` gives them.
        seed: of all draws: two streams of one seed are alike.
        patch_size: voxels.
        scans: backgrounds in a batch.
        patches: patches of each of them.
    """

    def __init__(
        self,
        backgrounds: Sequence[Mapping[str, Any]],
        seed: int,
        patch_size: Sequence[int] = PATCH_SIZE,
        scans: int = 2,
        patches: int = 4,
    ) -> None:
        self.backgrounds, self.scans = backgrounds, scans
        self.order = np.random.default_rng(seed)
        self.crop = RandPhantomPatchd(spatial_size=tuple(patch_size), num_samples=patches)
        self.crop.set_random_state(seed)
        self.scale = ScaleHUd("image", window="detection", invert=False)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            chosen = self.order.choice(len(self.backgrounds), self.scans, replace=False)
            patches = [patch for index in chosen for patch in self.crop(dict(self.backgrounds[index]))]
            yield to_batch([self.scale(patch) for patch in patches])


def to_batch(patches: Sequence[Mapping[str, Any]]) -> Batch:
    """Stack the images, ``(B, 1, X, Y, Z)``, and keep boxes apart, since each patch has its own number of them."""
    images = torch.stack([convert_to_tensor(patch["image"], track_meta=False) for patch in patches]).float()
    boxes = ("box", "ignore_box")
    return images, [{key: torch.as_tensor(patch[key]).float().reshape(-1, 6) for key in boxes} for patch in patches]


def load_backgrounds(seeds: Sequence[int], folder: Path, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Paint the backgrounds that ``folder`` does not hold yet, and return all of them.

    Args:
        seeds: of the patients.
        folder: where they are kept, apart for each state of the sources.
        settings: overrides of the bundle's ``common.yaml``, which says the grid.
    """
    warnings.simplefilter("ignore")
    parser = open_common(settings)
    spacing, shape = (tuple(parser.get_parsed_content(name)) for name in ("spacing_mm", "scan_shape"))
    paint = MakeBackgroundd(spacing_mm=spacing, shape=shape)
    folder = folder / f"backgrounds_{commit(*SOURCES)}"
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for seed in seeds:
        path = folder / f"{seed}_{'x'.join(map(str, shape))}_{spacing[0]:g}mm.pickle"
        if not path.is_file():
            part = path.with_suffix(".part")
            part.write_bytes(pickle.dumps(paint({"seed": seed})))
            part.replace(path)
        items.append(pickle.loads(path.read_bytes()))  # noqa: S301 - our own file, written above
    return items
