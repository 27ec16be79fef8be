"""Where the classifier starts from, and what that is worth when few nodules are labelled.

From scratch, against a backbone that learnt from two views of unlabelled cubes (``configs/pretrain.yaml``), and against
the detector's second look with and without the detector's weights. All train for as many steps on the same cubes of the
same patients, with the bundle's loss and augmentation and one learning rate; patients for labels, for pretraining and
for scores do not meet. Each score is the mean over trainings that differ in the order, the heads, and the rest of what
is drawn, with the lowest and the highest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import detector_results
import numpy as np
import torch
from detector_scans import ROOT, seed_range
from monai.bundle import ConfigParser
from torch import Tensor, nn

from lungdet.engines import draw_nodule_cubes, prepare_nodule_batch, prepare_view_batch
from lungdet.inferers import AutocastInferer
from lungdet.losses import NoduleHeadsLoss, ViewContrastLoss
from lungdet.metrics import NoduleHeads
from lungdet.networks.blocks import to_channels_last
from lungdet.networks.nets import ContrastNetwork, NoduleClassifier, start_nodule_classifier

BUNDLE = ROOT / "bundles" / "nodule_classifier"
DETECTOR = ROOT / "bundles" / "nodule_detector" / "models" / "model.pt"
PARTS = {"nodule": "nodule AUC", "kind": "type, mean recall", "ratings": "ratings, 1 - error"}
LEARNING_RATE, WEIGHT_DECAY, WARM_UP = 0.002, 0.05, 0.2

Item = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """Where a training starts.

    Attributes:
        name: in the table.
        backbone: of the classifier.
        start: ``""`` for scratch, ``views`` for the pretraining, ``detector`` for the detector's weights.
    """

    name: str
    backbone: str
    start: str = ""


WAYS = (
    Way("DenseNet, from scratch", "densenet"),
    Way("DenseNet, pretrained on views", "densenet", "views"),
    Way("second look, from scratch", "second_look"),
    Way("second look, the detector's weights", "second_look", "detector"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings of this part."""
    parser.add_argument("--labels", type=int, nargs="+", default=[200, 1000], help="labelled cubes to learn from")
    parser.add_argument("--trainings", type=int, default=2, help="of each way at each number of labels")
    parser.add_argument("--steps", type=int, default=60, help="of each training")
    parser.add_argument("--pretraining-steps", type=int, default=80)
    parser.add_argument("--batch", type=int, default=24, help="cubes in a step; as many pairs of views in pretraining")
    parser.add_argument("--cubes", type=int, default=125, help="of each patient")
    parser.add_argument("--labelled", type=seed_range, default=range(1500, 1508), help="patients: first:end")
    parser.add_argument("--unlabelled", type=seed_range, default=range(1600, 1608), help="patients: first:end")
    parser.add_argument("--score", type=seed_range, default=range(9000, 9004), help="patients: first:end")


def main(options: argparse.Namespace) -> None:
    """Train all ways and print the table."""
    torch.set_num_threads(1)
    if options.quick:
        options.labels, options.trainings, options.steps, options.pretraining_steps = [16], 1, 2, 2
        options.batch, options.cubes = 8, 16
        options.labelled, options.unlabelled, options.score = (
            part[:1] for part in (options.labelled, options.unlabelled, options.score)
        )
    started = time.process_time()
    settings = open_settings()
    labelled, scored = (cubes(settings, part, options.cubes) for part in (options.labelled, options.score))
    with tempfile.TemporaryDirectory() as folder:
        start = {"": None, "detector": DETECTOR, "views": Path(folder) / "views.pt"}
        found = pretrain(settings, cubes(settings, options.unlabelled, options.cubes), options, start["views"])
        rows = [
            row(way, count, [train(settings, way, start[way.start], labelled[:count], scored, options, seed)
                             for seed in range(options.trainings)])
            for way in WAYS for count in options.labels
        ]  # fmt: skip
    told = {name: str(value) for name, value in vars(options).items()}
    result = {"rows": rows, "views matched": found, "cpu_seconds": time.process_time() - started}
    detector_results.append(options.out, "nodules initialisation", told, result)
    print(detector_results.markdown(rows))
    print(f"\nviews of {options.batch} cubes matched at the end of the pretraining: {found:.0%}")


def open_settings() -> Any:
    """The bundle's settings of training and pretraining."""
    names = ("common.yaml", "train.yaml", "pretrain.yaml")
    parser = ConfigParser(ConfigParser.load_config_files([str(BUNDLE / "configs" / name) for name in names]))
    parser.update({"bundle_root": str(BUNDLE)})
    return parser


def cubes(settings: Any, patients: Sequence[int], count: int) -> list[Item]:
    """Cubes of patients, scaled, mixed and kept in half precision: the first of them are of all patients."""
    scale, shape = settings.get_parsed_content("scale_cubes"), settings.get_parsed_content("scan_shape")
    found = []
    for patient in patients:
        for item in draw_nodule_cubes([patient], count, shape=shape):
            image = torch.as_tensor(scale(item)["image"].as_tensor()).half()
            found.append({name: item[name] for name in ("nodule", "kind", "ratings")} | {"image": image})
    order = np.random.default_rng(0).permutation(len(found))
    return [found[place] for place in order]


def batches(items: Sequence[Item], size: int, steps: int, transform: Any, seed: int) -> Iterator[list[Item]]:
    """Draw so many batches, epoch after epoch, each item changed at random."""
    rng = np.random.default_rng(seed)
    transform.set_random_state(seed=seed)
    waiting: list[int] = []
    for _ in range(steps):
        while len(waiting) < min(size, len(items)):
            waiting += rng.permutation(len(items)).tolist()
        taken, waiting = waiting[:size], waiting[size:]
        yield [transform({**items[place], "image": items[place]["image"].float()}) for place in taken]


def learn(network: nn.Module, loss: nn.Module, steps: int, given: Iterator[tuple[Tensor, Any]]) -> None:
    """Train a network in bfloat16, under one cycle of the learning rate."""
    groups = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(groups, LEARNING_RATE, total_steps=steps + 1, pct_start=WARM_UP)
    answer = AutocastInferer("bfloat16")
    network.train()
    for inputs, targets in given:
        groups.zero_grad()
        loss(answer(inputs, network), targets).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        groups.step()
        cycle.step()
    network.eval()


def pretrain(settings: Any, items: Sequence[Item], options: argparse.Namespace, path: Path) -> float:
    """Teach a DenseNet without labels, save it, and return the share of partners found among the last views."""
    torch.manual_seed(0)
    network = to_channels_last(NoduleClassifier())
    loss, views = ViewContrastLoss(), settings.get_parsed_content("views")
    drawn = batches(items, options.batch, options.pretraining_steps, views, seed=0)
    learn(ContrastNetwork(network), loss, options.pretraining_steps, (prepare_view_batch(batch) for batch in drawn))
    torch.save(network.state_dict(), path)
    return loss.latest_parts["found"]


def train(
    settings: Any, way: Way, start: Path | None, items: Sequence[Item], scored: Sequence[Item], options: Any, seed: int
) -> dict[str, float]:
    """Train once, and score."""
    torch.manual_seed(seed)
    network = to_channels_last(NoduleClassifier(backbone=way.backbone))
    if start is not None:
        start_nodule_classifier(network, start)
    augmentation = settings.get_parsed_content("augmentation")
    drawn = batches(items, options.batch, options.steps, augmentation, seed)
    before = time.process_time()
    learn(network, NoduleHeadsLoss(), options.steps, (prepare_nodule_batch(batch) for batch in drawn))
    scores = score(network, scored, options.batch)
    print(way.name, len(items), seed, {name: round(value, 3) for name, value in scores.items()}, flush=True)
    return scores | {"seconds": time.process_time() - before}


def score(network: nn.Module, items: Sequence[Item], size: int) -> dict[str, float]:
    """Score on cubes of other patients."""
    metrics = {part: NoduleHeads(part) for part in PARTS}
    for first in range(0, len(items), size):
        taken = [{**item, "image": item["image"].float()} for item in items[first : first + size]]
        inputs, told = prepare_nodule_batch(taken)
        with torch.no_grad():
            logits = network(inputs)
        for metric in metrics.values():
            metric.update((logits, told))
    return {name: metrics[part].compute() for part, name in PARTS.items()}


def row(way: Way, count: int, trainings: Sequence[dict[str, float]]) -> dict[str, Any]:
    """A line of the table: means, and the range where there are several."""
    line: dict[str, Any] = {"start": way.name, "labelled cubes": count, "trainings": len(trainings)}
    for name in PARTS.values():
        values = [each[name] for each in trainings]
        line |= {name: float(np.mean(values)), f"{name}: range": [min(values), max(values)]}
    return line | {"seconds": float(np.mean([each["seconds"] for each in trainings]))}
