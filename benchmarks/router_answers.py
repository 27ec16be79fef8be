"""What a router's network answers to the pictures of a list: logits and embeddings, with the truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detector_sources import ROOT
from monai.utils import convert_to_tensor
from numpy.typing import NDArray
from torch import Tensor

from lungdet.engines import list_pictures
from lungdet.records import ClassList
from lungdet.routing import Router
from lungdet.transforms import Disturb
from lungdet.workflows.bundle import load_weights, open_bundle
from lungdet.workflows.radiograph_list import RadiographListOptions, make_radiograph_list

BUNDLE = ROOT / "bundles" / "body_part_router"
BATCH = 32
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """Outputs for ``N`` pictures.

    Attributes:
        logits: ``(N, K)``.
        embeddings: ``(N, D)``.
        truth: ``(N, K)`` zeros and ones.
        patients: ``N`` names.
    """

    logits: Array
    embeddings: Array
    truth: Array
    patients: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OpenRouter:
    """A bundle with the weights and the router file of one training."""

    network: Any
    inferer: Any
    preprocessing: Any
    class_list: ClassList
    router: Router

    def pictures(self, images: Iterable[str]) -> list[Tensor]:
        """Read and fit pictures, ``(1, side, side)`` each."""
        items = (self.preprocessing({"image": image})["image"] for image in images)
        return [convert_to_tensor(item, track_meta=False) for item in items]

    @torch.no_grad()
    def outputs(self, pictures: Sequence[Tensor], disturbance: str = "none") -> tuple[Array, Array]:
        """Return logits ``(N, K)`` and embeddings ``(N, D)``."""
        disturb = Disturb(disturbance)
        parts = []
        for start in range(0, len(pictures), BATCH):
            batch = torch.stack([torch.as_tensor(disturb(each)) for each in pictures[start : start + BATCH]])
            parts.append(self.inferer(batch, self.network))
        logits, embeddings = (
            torch.cat([part[name] for part in parts]).double().numpy() for name in ("logits", "embedding")
        )
        return logits, embeddings


def open_router(folder: Path | None = None, settings: Mapping[str, Any] | None = None) -> OpenRouter:
    """Open the bundle with what a training left in ``folder``, or as it is shipped."""
    files = (
        {} if folder is None else {"checkpoint": str(folder / "model.pt"), "router_file": str(folder / "router.json")}
    )
    parser = open_bundle(BUNDLE, {**(settings or {}), **files, "device": torch.device("cpu")})
    take = parser.get_parsed_content
    network = take("network").eval()
    digest = load_weights(network, take("checkpoint"), "cpu")
    router = Router.load(take("router_file"), weights_sha256=digest)
    return OpenRouter(network, take("inferer"), take("preprocessing"), take("classes"), router)


def make_list(source: Path, class_list: str, work: Path, seed: int) -> Path:
    """Split labelled pictures 70/15/15 by patient, as ``lungdet datalist radiographs`` does, and return the list."""
    output = work / f"{class_list}_seed{seed}.json"
    work.mkdir(parents=True, exist_ok=True)
    made = make_radiograph_list(source, output, RadiographListOptions(classes=class_list, seed=seed, progress=False))
    if not made.good:
        raise SystemExit(f"{source}: something was left out or leaks:\n{made}")
    return output


def pictures_in(datalist: Path, part: str, dataset_dir: Path, quick: bool = False) -> list[dict[str, Any]]:
    """Items of one part; of a quick run every eighth."""
    return list_pictures(datalist, part, dataset_dir)[:: 8 if quick else 1]


def answers(opened: OpenRouter, items: Sequence[Mapping[str, Any]], disturbance: str = "none") -> Answers:
    """Ask the network about labelled pictures."""
    return answers_to(opened, items, opened.pictures(item["image"] for item in items), disturbance)


def answers_to(
    opened: OpenRouter, items: Sequence[Mapping[str, Any]], pictures: Sequence[Tensor], disturbance: str = "none"
) -> Answers:
    """The same with pictures that have been read already."""
    logits, embeddings = opened.outputs(pictures, disturbance)
    labels = np.stack([np.asarray(item["label"]) for item in items])
    truth = np.eye(logits.shape[1])[labels] if labels.ndim == 1 else labels.astype(np.float64)
    return Answers(logits, embeddings, truth, tuple(item["patient"] for item in items))
