"""Whether the router tells what is no radiograph of its kind: CT, MR and noise against radiographs kept out."""

from __future__ import annotations

import argparse
from pathlib import Path

import detector_results
import numpy as np
import torch
from router_answers import BUNDLE, OpenRouter, pictures_in
from router_unifesp import add_radiographs, open_trained, prepare, settings
from torch import Tensor
from torch.nn.functional import interpolate

from lungdet.metrics import auroc
from lungdet.readers import list_radiographs

FOREIGN = ("AbdomenCT", "BreastMRI", "ChestCT", "HeadCT")
ALIKE = ("CXR", "Hand")  # radiographs of another archive: no claim is made about them
NOISE = ("white noise", "smooth noise", "stripes", "blank")
NOISE_PICTURES, NOISE_SEED = 100, 20


def main(options: argparse.Namespace) -> None:
    datalist, _ = prepare(options)
    opened = open_trained(options)
    items = pictures_in(datalist, "test", options.radiographs.parent)
    own = opened.pictures(item["image"] for item in items)
    known = foreignness(opened, own)
    every = 25 if options.quick else 1
    kinds = {name: read(opened, options.mednist / name, every) for name in (*FOREIGN, *ALIKE)}
    kinds |= {name: noise(name, own[0].shape[-1], max(1, NOISE_PICTURES // every)) for name in NOISE}
    scores = {name: foreignness(opened, pictures) for name, pictures in kinds.items()}
    scores["all CT and MR"] = np.concatenate([scores[name] for name in FOREIGN])
    scores["all noise"] = np.concatenate([scores[name] for name in NOISE])
    rows = [{"pictures": f"{len(items)} test radiographs", "to a person": sent_away(opened, own), **told(known, known)}]
    for name, found in scores.items():
        away = sent_away(opened, kinds[name]) if name in kinds else None
        rows.append({"pictures": f"{len(found)} {name}", "to a person": away, **told(known, found)})
    detector_results.append(options.out, "router domain", settings(options), {"rows": rows})
    print(detector_results.markdown(rows))


def read(opened: OpenRouter, folder: Path, every: int) -> list[Tensor]:
    return opened.pictures(str(file) for file in list(list_radiographs(folder))[::every])


def foreignness(opened: OpenRouter, pictures: list[Tensor]) -> np.ndarray:
    """Score of "not one of mine" of each picture; above 1 it is foreign."""
    if opened.router.out_of_domain is None:
        raise SystemExit(f"{BUNDLE}: its router file knows nothing of what is foreign")
    logits, embeddings = opened.outputs(pictures)
    return opened.router.out_of_domain.score(embeddings, logits)


def sent_away(opened: OpenRouter, pictures: list[Tensor]) -> float:
    """Share of the pictures that get no answer, for any reason."""
    decisions = opened.router.decide_batch(*opened.outputs(pictures))
    return float(np.mean([decision.decision == "review" for decision in decisions]))


def told(known: np.ndarray, found: np.ndarray) -> dict[str, float | None]:
    """AUROC of ``found`` against ``known``, and how many are called foreign."""
    foreign = np.r_[np.zeros(len(known)), np.ones(len(found))]
    area = None if found is known else auroc(np.r_[known, found], foreign)
    return {"called foreign": float((found > 1).mean()), "AUROC": area}


def noise(kind: str, side: int, count: int) -> list[Tensor]:
    """Pictures without content, ``(1, side, side)`` in [0, 1]: the same for the same kind, side and count."""
    generator = torch.Generator().manual_seed(NOISE_SEED)
    return [_one(kind, side, generator) for _ in range(count)]


def _one(kind: str, side: int, generator: torch.Generator) -> Tensor:
    if kind == "white noise":
        return torch.rand(1, side, side, generator=generator)
    if kind == "smooth noise":
        coarse = torch.rand(1, 1, 8, 8, generator=generator)
        return interpolate(coarse, (side, side), mode="bicubic", align_corners=False)[0].clamp(0, 1)
    if kind == "stripes":
        period, angle, phase = torch.rand(3, generator=generator).tolist()
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        along = rows * np.sin(np.pi * angle) + columns * np.cos(np.pi * angle)
        return (along * (0.1 + period) + 2 * np.pi * phase).sin()[None].float() / 2 + 0.5
    if kind == "blank":
        return torch.full((1, side, side), float(torch.rand(1, generator=generator)))
    raise ValueError(f"no noise {kind!r}; there are {', '.join(NOISE)}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_radiographs(parser)
    parser.add_argument("--mednist", type=Path, required=True, help="MedNIST, a folder for each class")
