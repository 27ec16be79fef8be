"""The shipped weights on the part of MedNIST that they were not trained on."""

from __future__ import annotations

import argparse
from pathlib import Path

import detector_results
from detector_sources import fingerprint
from router_answers import BUNDLE, answers, make_list, open_router, pictures_in
from router_scores import judge

CLASSES = "mednist6"


def main(options: argparse.Namespace) -> None:
    datalist = make_list(options.mednist, CLASSES, options.work, options.seed)
    opened = open_router()
    items = pictures_in(datalist, "test", options.mednist, options.quick)
    judged = judge(answers(opened, items), opened.router)
    weights = BUNDLE / "models" / "model.pt"
    row = {**judged.row(), "wrong": int((~judged.right).sum()), "weights, bytes": weights.stat().st_size}
    classes = judged.per_class()
    told = {"seed": options.seed, "quick": options.quick, "bundle": fingerprint("bundles/body_part_router/configs")}
    detector_results.append(options.out, "router mednist", told, {"rows": [row], "classes": classes})
    print(detector_results.markdown([row]))
    print()
    print(detector_results.markdown(classes))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mednist", type=Path, required=True, help="MedNIST, a folder for each class")
