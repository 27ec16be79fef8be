"""Score anything that finds boxes in an image, on scans with a known truth."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from detector_machine import measured
from detector_scans import Scan
from torch import Tensor

from lungdet.detection import DecodeBoxesd
from lungdet.inferers import SlabStreamInferer
from lungdet.metrics import NoduleFROC

Finder = Callable[[Tensor], tuple[Tensor, Tensor]]
PROTOCOLS = ("luna16", "simplified")
SIZE_EDGES_MM = (6.0, 10.0, 15.0)
MIN_SCORE = 0.01  # low scores belong on the curve


@dataclass
class Score:
    """What a detector scored, and what that cost.

    Attributes:
        protocols: for each protocol the result and the 95 % interval of its CPM.
        seconds: of each scan.
        peak_mib: of each scan, above what was held before it.
    """

    protocols: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    @property
    def cpm(self) -> float:
        """By the official protocol."""
        return float(self.protocols["luna16"]["cpm"])

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers for the file of results."""
        return {
            "protocols": self.protocols,
            "seconds_median": statistics.median(self.seconds),
            "seconds_max": max(self.seconds),
            # The first one is measured in a process that has not yet let go of memory that it could use again.
            "peak_mib_first": self.peak_mib[0],
            "peak_mib_max": max(self.peak_mib),
        }

    def row(self) -> dict[str, Any]:
        """The columns of a table."""
        official, simplified = (self.protocols[name] for name in PROTOCOLS)
        return {
            "scans": official["scans"],
            "nodules": official["nodules"],
            "CPM": official["cpm"],
            "95 % CI": official["cpm_interval"],
            "CPM simplified": simplified["cpm"],
            "its CI": simplified["cpm_interval"],
            "seconds a scan": statistics.median(self.seconds),
            "peak MiB": self.peak_mib[0],
        }

    def strata_rows(self) -> list[dict[str, Any]]:
        """Return a row for each group of nodules."""
        parts = self.protocols["luna16"]["strata"]
        return [{name: part[name] for name in ("kind", "label", "nodules", "true_positives", "cpm")} for part in parts]


def detector_finder(network: torch.nn.Module, inferer: SlabStreamInferer) -> Finder:
    """Our own way from an image to boxes: the inferer, then the bundle's decoding with a low threshold."""
    decode = DecodeBoxesd(keys="pred", min_score=MIN_SCORE)

    def find(image: Tensor) -> tuple[Tensor, Tensor]:
        item = decode({"pred": inferer(image, network)[0].cpu()})
        return item["pred_box"], item["pred_score"]

    return find


def score(find: Finder, scans: Iterable[Scan], device: torch.device | str = "cpu") -> Score:
    """Find in every scan, and score by both protocols."""
    result, metrics = Score(), {}
    for scan in scans:
        image = scan.image[None].to(device)
        (boxes, scores), seconds, peak = measured(lambda image=image: find(image), device)
        result.seconds.append(seconds)
        result.peak_mib.append(peak)
        metrics = metrics or make_metrics(scan)
        for metric in metrics.values():
            metric.update(([(boxes, scores)], [truth_of(scan)]))
    result.protocols = {name: summary(metric) for name, metric in metrics.items()}
    return result


def make_metrics(scan: Scan) -> dict[str, NoduleFROC]:
    """One metric a protocol; strata are those that the scans know."""
    return {
        name: NoduleFROC(
            protocol=name, spacing_mm=scan.spacing_mm, size_edges_mm=SIZE_EDGES_MM, strata_keys=tuple(scan.strata)
        )
        for name in PROTOCOLS
    }


def truth_of(scan: Scan) -> dict[str, Any]:
    return {"box": scan.box, "ignore_box": scan.ignore_box, **scan.strata}


def summary(metric: NoduleFROC) -> dict[str, Any]:
    """The result as plain numbers, with intervals of all and of each stratum."""
    result, intervals = metric.result().to_json(), metric.intervals()
    for part, interval in zip(result["strata"], intervals.strata_cpm.tolist(), strict=True):
        part["cpm_interval"] = interval
    return {**result, "cpm_interval": list(intervals.cpm)}


def retention_rows(cpm_by_slice: Mapping[float, float]) -> list[dict[str, Any]]:
    """How much of the CPM at the thinnest slices is left at the others."""
    thinnest = min(cpm_by_slice)
    return [
        {"slice mm": mm, "CPM": cpm, "kept": cpm / cpm_by_slice[thinnest] if cpm_by_slice[thinnest] else float("nan")}
        for mm, cpm in sorted(cpm_by_slice.items())
    ]
