"""What disturbed pictures cost: inverted, turned, collimated, written on, under-exposed, coarsely quantised."""

from __future__ import annotations

import argparse

import detector_results
from router_answers import answers_to, pictures_in
from router_scores import judge, judge_groups
from router_unifesp import add_radiographs, open_trained, prepare, settings

from lungdet.transforms.disturb import DISTURBANCES


def main(options: argparse.Namespace) -> None:
    datalist, _ = prepare(options)
    opened = open_trained(options)
    items = pictures_in(datalist, "test", options.radiographs.parent)
    pictures = opened.pictures(item["image"] for item in items)
    rows = []
    for name in DISTURBANCES:
        given = answers_to(opened, items, pictures, name)
        groups, classes = judge_groups(given, opened.router), judge(given, opened.router)
        far = opened.router.out_of_domain
        unknown = None if far is None else float((far.score(given.embeddings, given.logits) > 1).mean())
        rows.append(
            {
                "disturbance": name,
                "4 groups, accuracy": float(groups.right.mean()),
                "macro F1": groups.row()["macro F1"],
                "22 classes, accuracy": float(classes.right.mean()),
                "their macro F1": classes.row()["macro F1"],
                "told to be foreign": unknown,
            }
        )
    detector_results.append(options.out, "router robustness", settings(options), {"rows": rows})
    print(detector_results.markdown(rows))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_radiographs(parser)
