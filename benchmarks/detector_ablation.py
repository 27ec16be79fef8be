"""What each part of the detector is worth: variants trained for the same CPU seconds on the same stream of patches."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import detector_results
import torch
from detector_patches import TRAIN_SEEDS, PatchStream
from detector_scans import fill_cache, made_by, open_configs, read_scans, seed_range
from detector_score import open_detector
from detector_scoring import detector_finder, score
from detector_sources import ALL, fingerprint
from detector_training import TrainingLog, train
from torch import Tensor

from lungdet.detection import DetectionCriterion
from lungdet.inferers import AutocastInferer
from lungdet.networks import NoduleDetector
from lungdet.networks.blocks import to_channels_last

SLICE_MM = 1.4


def main(options: argparse.Namespace) -> None:
    fill_cache(options.cache, options.scans, options.slices_mm, options.config_overrides, options.processes)
    for settings in variants(options):
        if is_done(options.out, settings):
            print(f"already in {options.out}: {settings['mixer']}, second look {settings['second_look']}")
            continue
        stream = PatchStream(options.train_seeds, options.cache, options.config_overrides, settings["seed"])
        print(f"{settings['mixer']}, second look {settings['second_look']}, seed {settings['seed']}", flush=True)
        network, log = train_variant(settings, stream, options)
        detector_results.append(options.out, "ablation", settings, judge(network, log, options))
        if options.checkpoints:
            save(network, options.checkpoints, settings)
    print_table(options.out)


def variants(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The settings of each training, those of the first seed first: a table is useful from then on."""
    for seed, look, mixer in product(range(options.seeds), options.second_look, options.mixers):
        yield {
            "mixer": mixer,
            "second_look": look,
            "seed": seed,
            "seconds": options.seconds,
            "learning_rate": options.learning_rate,
            **recipe(options),
            "train_seeds": [min(options.train_seeds), max(options.train_seeds)],
            "scored_on": [min(options.scans), max(options.scans)],
            "slices_mm": options.slices_mm,
            "overrides": options.config_overrides,
            "device": options.device,
            "cache": made_by(options.cache),
        }


def recipe(options: argparse.Namespace) -> dict[str, Any]:
    """What of the bundle's training recipe is in use."""
    parser = open_configs(options.config_overrides, "train.yaml")
    return {name: parser[name] for name in ("patch_size", "patches_per_scan", "scans_per_step")}


def is_done(out: Path, settings: Mapping[str, Any]) -> bool:
    """Whether the same code with as many threads has done it."""
    wanted = json.loads(json.dumps(settings))  # a tuple comes back from a file as a list
    here = (fingerprint(*ALL), torch.get_num_threads())
    return any(line["settings"] == wanted and made_on(line) == here for line in detector_results.read(out, "ablation"))


def made_on(line: Mapping[str, Any]) -> tuple[str, int]:
    """Code and threads of a result; of one without a hash of its code, the commit."""
    return line.get("code", line["commit"]), line["threads"]


def train_variant(
    settings: Mapping[str, Any], stream: PatchStream, options: argparse.Namespace
) -> tuple[NoduleDetector, TrainingLog]:
    torch.manual_seed(settings["seed"])
    network, inferer = open_detector(overrides_of(settings), None, options.device)
    to_channels_last(network).train()
    loss_of = partial(detector_loss, network, DetectionCriterion(), AutocastInferer(inferer.precision))
    parameters = list(network.parameters())
    log = train(loss_of, parameters, stream, settings["seconds"], settings["learning_rate"], options.device)
    return network.eval(), log


def overrides_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {"network_def#mixer": settings["mixer"], "network_def#second_look": settings["second_look"] == "yes"}
    return {**settings["overrides"], **chosen}


def detector_loss(
    network: NoduleDetector,
    criterion: DetectionCriterion,
    run: AutocastInferer,
    images: Tensor,
    targets: list[dict[str, Tensor]],
) -> Tensor:
    return criterion(run(images, network), targets)


def judge(network: NoduleDetector, log: TrainingLog, options: argparse.Namespace) -> dict[str, Any]:
    """Score a trained network at every slice thickness asked for."""
    _, inferer = open_detector(options.config_overrides, None, options.device)
    find = detector_finder(network, inferer)
    scores = {
        f"{mm:g}": score(find, read_scans(options.cache, options.scans, mm), options.device).to_json()
        for mm in options.slices_mm
    }
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return {"training": log.to_json(), "parameters": parameters, "scores": scores}


def save(network: NoduleDetector, folder: Path, settings: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{settings['mixer']}_look_{settings['second_look']}_{settings['seconds']:g}s_{settings['seed']}.pt"
    torch.save({"model": network.state_dict()}, folder / name)


def print_table(out: Path) -> None:
    """One row a variant, code and number of threads, over its seeds; all other settings of the file must be alike."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for line in detector_results.read(out, "ablation"):
        chosen = line["settings"]
        key = (chosen["mixer"], chosen["second_look"], chosen["seconds"], *made_on(line))
        groups.setdefault(key, []).append(line["result"])
    rows = []
    for (mixer, look, seconds, code, threads), results in groups.items():
        row: dict[str, Any] = {"mixer": mixer, "second look": look, "training s": seconds, "seeds": len(results)}
        row |= {"code": code, "threads": threads}
        for mm in results[0]["scores"]:
            cpms = [result["scores"][mm]["protocols"]["luna16"]["cpm"] for result in results]
            row[f"CPM {mm} mm"] = statistics.mean(cpms)
            row[f"from, to {mm} mm"] = [min(cpms), max(cpms)]
        first = next(iter(results[0]["scores"].values()))
        row["CI of seed 0"] = first["protocols"]["luna16"]["cpm_interval"]
        row["patches"] = statistics.mean(result["training"]["patches"] for result in results)
        row["seconds a scan"] = statistics.mean(
            next(iter(result["scores"].values()))["seconds_median"] for result in results
        )
        row["parameters"] = f"{results[0]['parameters']:,}"
        rows.append(row)
    print(detector_results.markdown(rows))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=400, help="of training, for each variant")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each variant, each with its seed")
    parser.add_argument("--mixers", nargs="+", default=["convlstm", "convlstm_forward", "conv3d", "none"])
    parser.add_argument("--second-look", nargs="+", choices=["yes", "no"], default=["yes", "no"])
    parser.add_argument("--slices-mm", type=float, nargs="+", default=[SLICE_MM])
    parser.add_argument("--checkpoints", type=Path, help="folder for the weights of every variant")
    add_training_arguments(parser)


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that all trainings share."""
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--train-seeds", type=seed_range, default=TRAIN_SEEDS, help="patients of the backgrounds, A:B")
    parser.add_argument("--device", default="cpu")
