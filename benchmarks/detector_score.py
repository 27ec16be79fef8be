"""Score weights on the cached scans: CPM with intervals, strata, thick slices, seconds and memory."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import detector_results
from detector_scans import fill_cache, made_by, open_configs, read_scans
from detector_scoring import Score, detector_finder, retention_rows, score

from lungdet.inferers import SlabStreamInferer
from lungdet.networks import NoduleDetector
from lungdet.workflows.bundle import load_weights


def main(options: argparse.Namespace) -> None:
    overrides = options.config_overrides
    fill_cache(options.cache, options.scans, options.slices_mm, overrides, options.processes)
    network, inferer = open_detector(overrides, options.checkpoint, options.device)
    looks = [True, False] if network.second_look is not None else [False]
    for look in looks:
        scores: dict[float, Score] = {}
        for slice_mm in options.slices_mm:
            with second_look(network, look):
                scans = read_scans(options.cache, options.scans, slice_mm)
                scores[slice_mm] = score(detector_finder(network, inferer), scans, options.device)
            settings = {
                "checkpoint": options.checkpoint,
                "overrides": overrides,
                "second_look": look,
                "slice_mm": slice_mm,
                "seeds": list(options.scans),
                "precision": inferer.precision,
                "cache": made_by(options.cache),
            }
            detector_results.append(options.out, "score", settings, scores[slice_mm].to_json())
        print_scores(scores, look)


def open_detector(
    overrides: Mapping[str, Any], checkpoint: str | None, device: str
) -> tuple[NoduleDetector, SlabStreamInferer]:
    """The bundle's network with weights, in evaluation mode, and its inferer; random weights without a checkpoint."""
    parser = open_configs({**overrides, "device": device})
    network = parser.get_parsed_content("network_def").to(device)
    if checkpoint:
        load_weights(network, checkpoint, device)
    return network.eval(), parser.get_parsed_content("inferer")


@contextmanager
def second_look(network: NoduleDetector, wanted: bool) -> Iterator[None]:
    """Switch the second look off for a while."""
    there = network.second_look
    network.second_look = there if wanted else None
    try:
        yield
    finally:
        network.second_look = there


def print_scores(scores: Mapping[float, Score], look: bool) -> None:
    print(f"\n### {'with' if look else 'without'} the second look\n")
    print(detector_results.markdown([{"slice mm": mm, **each.row()} for mm, each in scores.items()]))
    first = min(scores)
    print(f"\nBy size and kind, {first:g} mm slices\n")
    print(detector_results.markdown(scores[first].strata_rows()))
    if len(scores) > 1:
        print()
        print(detector_results.markdown(retention_rows({mm: each.cpm for mm, each in scores.items()})))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    default = Path(__file__).parents[1] / "bundles" / "nodule_detector" / "models" / "model.pt"
    parser.add_argument("--checkpoint", default=str(default), help="weights; '' for random ones")
    parser.add_argument("--slices-mm", type=float, nargs="+", default=[1.4, 2.5, 5.0])
    parser.add_argument("--device", default="cpu")
