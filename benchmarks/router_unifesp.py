"""Train on real radiographs from scratch, and score on patients kept out: 22 classes, and 4 groups of them."""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path
from typing import Any

import detector_results
import yaml
from detector_sources import fingerprint
from fire.parser import DefaultParseValue
from router_answers import OpenRouter, answers_to, make_list, open_router, pictures_in
from router_scores import judge, judge_groups
from router_training import RECIPE, refit, train

CLASSES = "unifesp22"
QUICK = {"num_epochs": 1, "val_interval": 1, "image_size": 32}
BUNDLE_SETTINGS = ("class_list", "image_size", "network_name")  # those of the recipe that common.yaml has, too


def main(options: argparse.Namespace) -> None:
    datalist, folder = prepare(options)
    cost = trained(options, datalist, folder, overrides(options))
    opened = open_trained(options)
    items = pictures_in(datalist, "test", options.radiographs.parent)
    rows, classes = scored(opened, items)
    result = {"rows": rows, "classes": classes, "cost": cost, "weights": opened.router.weights_sha256}
    detector_results.append(options.out, "router unifesp", settings(options), result)
    if cost:
        print(f"\n{cost['cpu_minutes']:.1f} CPU minutes, {cost['threads']} threads, {cost['minutes']:.1f} by the clock")
    print(f"\n{detector_results.markdown(rows)}\n\n{detector_results.markdown(classes)}")


def trained(
    options: argparse.Namespace, datalist: Path, folder: Path, changed: dict[str, Any]
) -> dict[str, Any] | None:
    """Train, or take what is there; return the cost."""
    files = (datalist, options.radiographs.parent, folder)
    if not options.keep:
        return train(*files, options.threads, changed)
    refit(*files, changed)
    return None


def scored(opened: OpenRouter, items: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows for both tasks, as the pictures are and inverted; and for each of the 22 classes."""
    pictures = opened.pictures(item["image"] for item in items)
    shown = {"as they are": answers_to(opened, items, pictures)}
    shown["inverted"] = answers_to(opened, items, pictures, "inversion")
    rows = [
        {"task": task, "pictures shown": how, **judged(given, opened.router).row()}
        for task, judged in (("4 groups", judge_groups), ("22 classes", judge))
        for how, given in shown.items()
    ]
    return rows, judge(shown["as they are"], opened.router).per_class()


def prepare(options: argparse.Namespace) -> tuple[Path, Path]:
    """The list, and the folder of what is trained on it."""
    datalist = make_list(options.radiographs, CLASSES, options.work, options.seed)
    return datalist, trained_in(options)


def trained_in(options: argparse.Namespace) -> Path:
    """The folder of these weights: other settings are another training, in a folder of its own."""
    name = f"{CLASSES}_seed{options.seed}"
    given = "_".join(f"{setting}-{value}" for setting, value in sorted(extra(options).items()))
    if not given:
        return options.work / name
    safe = re.sub(r"[^\w.-]", "-", given)[:60]
    digest = "" if safe == given else "-" + hashlib.sha256(given.encode()).hexdigest()[:8]
    return options.work / f"{name}_{safe}{digest}"


def recipe() -> dict[str, Any]:
    """The settings in which the training differs from the bundle's."""
    content: dict[str, Any] = yaml.safe_load(RECIPE.read_text())
    return content


def open_trained(options: argparse.Namespace) -> OpenRouter:
    """Open what ``unifesp`` has trained."""
    folder = trained_in(options)
    if not (folder / "model.pt").is_file():
        raise SystemExit(
            f"{folder}: no weights there: first run `router.py unifesp --radiographs {options.radiographs}`"
        )
    known = {**recipe(), **overrides(options)}
    return open_router(folder, {name: known[name] for name in BUNDLE_SETTINGS if name in known})


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """What a line of results says of how it came about."""
    return {
        "seed": options.seed,
        "recipe": recipe(),
        "quick": options.quick,
        "set": extra(options),
        "bundle": fingerprint("bundles/body_part_router/configs"),
    }


def overrides(options: argparse.Namespace) -> dict[str, Any]:
    """Settings over those of the recipe, read as MONAI's command line reads them."""
    given = {name: DefaultParseValue(value) for name, value in extra(options).items()}
    return {**(QUICK if options.quick else {}), **given}


def extra(options: argparse.Namespace) -> dict[str, str]:
    """More settings of the bundle, ``name=value``, as they were typed."""
    typed = list(getattr(options, "set", []))
    if any("=" not in each for each in typed):
        raise SystemExit(f"--set: wanted NAME=VALUE, got {' '.join(typed)}")
    return dict(each.split("=", 1) for each in typed)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_radiographs(parser)
    parser.add_argument("--keep", action="store_true", help="train nothing: fit and score the weights of the last run")


def add_radiographs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--radiographs", type=Path, required=True, help="CSV with image,label,patient")
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="other settings of the bundle, the same for all parts",
    )
