"""Patches for training, the same stream for every network that is compared: the one the bundle trains on."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detector_scans import open_configs
from detector_sources import PHANTOMS, fingerprint
from monai.transforms import Compose
from monai.utils import convert_to_tensor
from torch import Tensor

Target = dict[str, Tensor]
Batch = tuple[Tensor, list[Target]]
TRAIN_SEEDS = range(1000, 1040)  # they meet neither validation nor evaluation


class PatchStream:
    """Endless batches of patches: nodules drawn afresh into backgrounds that are painted once.

    Args:
        seeds: of the patients.
        folder: where backgrounds are kept.
        settings: overrides of the bundle's ``common.yaml`` and ``train.yaml``, which say all the rest.
        seed: of all draws: two streams of one seed are alike.
    """

    def __init__(self, seeds: Sequence[int], folder: Path, settings: Mapping[str, Any], seed: int) -> None:
        warnings.simplefilter("ignore")
        parser = open_configs(settings, "train.yaml")
        paint, *draw = parser.get_parsed_content("train#on_phantoms").flatten().transforms
        self.backgrounds = load_backgrounds(paint, seeds, folder)
        self.scans = int(parser.get_parsed_content("scans_per_step"))
        self.draw = Compose(draw).set_random_state(seed)
        self.order = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            chosen = self.order.choice(len(self.backgrounds), self.scans, replace=False)
            yield to_batch([patch for index in chosen for patch in self.draw(dict(self.backgrounds[index]))])


def to_batch(patches: Sequence[Mapping[str, Any]]) -> Batch:
    """Stack the images, ``(B, 1, X, Y, Z)``, and keep boxes apart, since each patch has its own number of them."""
    images = torch.stack([convert_to_tensor(patch["image"], track_meta=False) for patch in patches]).float()
    boxes = ("box", "ignore_box")
    return images, [{key: torch.as_tensor(patch[key]).float().reshape(-1, 6) for key in boxes} for patch in patches]


def load_backgrounds(paint: Any, seeds: Sequence[int], folder: Path) -> list[dict[str, Any]]:
    """Paint the patients that ``folder`` does not hold yet, and return all of them.

    Args:
        paint: the bundle's ``MakeBackgroundd``.
        seeds: of the patients.
        folder: they are kept in it, apart for each state of the sources.
    """
    name = f"{'x'.join(map(str, paint.shape))}_{'x'.join(f'{mm:g}' for mm in paint.spacing_mm)}mm"
    folder = folder / f"backgrounds_{fingerprint(*PHANTOMS)}_{name}"
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for seed in seeds:
        path = folder / f"{seed}.pickle"
        if not path.is_file():
            part = path.with_suffix(".part")
            part.write_bytes(pickle.dumps(paint({"seed": seed})))
            part.replace(path)
        items.append(pickle.loads(path.read_bytes()))  # noqa: S301 - our own file, written above
    return items
