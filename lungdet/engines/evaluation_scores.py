"""Scores of evaluated scans, by every rule that the field uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lungdet import __version__
from lungdet.metrics import (
    LUNA16,
    SIMPLIFIED,
    FrocIntervals,
    FrocResult,
    PrecisionRecall,
    ScoringProtocol,
    bootstrap_froc,
    froc,
    match_detections,
    precision_recall,
    precision_recall_of_scans,
)
from lungdet.metrics.froc_curve import number_or_none
from lungdet.reports.score_tables import froc_to_text

from .scored_scan import ScoredScan

MIN_IOUS = (0.1, 0.5)
NO_EXCLUSIONS = "the truth names nothing to ignore: marks on what is no nodule for sure count as false positives"


@dataclass(frozen=True, eq=False)
class EvaluationScores:
    """Scores of a set of scans.

    Attributes:
        scans: the scans, by name.
        threshold: score at which the counts of single scans are taken.
        froc: for each protocol the curve, and how far it would move with other scans.
        precision_recall: of the official protocol's marks.
        average_precisions: by rule.
    """

    scans: tuple[ScoredScan, ...]
    threshold: float
    froc: dict[str, tuple[FrocResult, FrocIntervals]]
    precision_recall: PrecisionRecall
    average_precisions: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds: plain numbers, at full precision, None for what cannot be told."""
        rows = [scan_row(scan, self.threshold) for scan in self.scans]
        found, false = (sum(int(row[name]) for row in rows) for name in ("hits", "false_positives"))
        nodules = sum(len(scan.truth) for scan in self.scans)
        seconds = np.array([scan.seconds for scan in self.scans])
        timed = seconds[np.isfinite(seconds)]
        return {
            "software": f"lungdet {__version__}",
            "scans": len(self.scans),
            "nodules": nodules,
            "cpm": {name: number_or_none(result.cpm) for name, (result, _) in self.froc.items()},
            "average_precision": {name: number_or_none(value) for name, value in self.average_precisions.items()},
            "operating_point": {
                "threshold": self.threshold,
                "sensitivity": found / nodules if nodules else None,
                "false_positives_per_scan": false / len(self.scans),
                "precision": found / (found + false) if found + false else None,
            },
            "seconds_per_scan": {
                "median": float(np.median(timed)) if len(timed) else None,
                "max": float(timed.max()) if len(timed) else None,
            },
            "protocols": {name: _with_intervals(*scores) for name, scores in self.froc.items()},
        }

    def to_text(self) -> str:
        """Return tables of both protocols."""
        content = self.to_json()
        lines = [froc_to_text(part) for part in content["protocols"].values()]
        precision = ", ".join(
            f"{name} {value:.4f}" for name, value in content["average_precision"].items() if value is not None
        )
        return "\n\n".join([*lines, f"average precision: {precision or '-'}"])


def score_scans(
    scans: Sequence[ScoredScan],
    threshold: float = 0.3,
    size_edges_mm: Sequence[float] = (6.0, 10.0, 15.0),
    resamples: int = 1000,
    seed: int = 0,
) -> EvaluationScores:
    """Score scans; their order does not matter.

    Raises:
        ValueError: there is no scan.
    """
    ordered = sorted(scans, key=lambda scan: (scan.name, len(scan.truth), len(scan.boxes), scan.scores.tolist()))
    scores = {}
    for protocol in (LUNA16, SIMPLIFIED):
        rule = _usable(protocol, ordered)
        matches = [scan.match(rule, size_edges_mm) for scan in ordered]
        intervals = bootstrap_froc(matches, protocol=rule, resamples=resamples, seed=seed)
        scores[protocol.name] = froc(matches, protocol=rule), intervals
        if protocol is LUNA16:
            curve = precision_recall_of_scans(matches)
    averages = {"distance": curve.average_precision()}
    averages |= {f"iou_{least:g}": _precision_by_iou(ordered, least).average_precision() for least in MIN_IOUS}
    return EvaluationScores(tuple(ordered), threshold, scores, curve, averages)


def scan_row(scan: ScoredScan, threshold: float) -> dict[str, Any]:
    """A scan's row of ``scans.csv``."""
    hits = int((scan.best_scores() >= threshold).sum())
    false = scan.scores[scan.is_false()]
    return {
        "scan": scan.name,
        "nodules": len(scan.truth),
        "hits": hits,
        "misses": len(scan.truth) - hits,
        "false_positives": int((false >= threshold).sum()),
        "threshold": threshold,
        "top_false_score": float(false.max()) if len(false) else "",
        "seconds": round(scan.seconds, 3) if np.isfinite(scan.seconds) else "",
    }


def _usable(protocol: ScoringProtocol, scans: Sequence[ScoredScan]) -> ScoringProtocol:
    """Say in the name that there was no exclusion list, as ``evaluate_froc`` does."""
    if protocol.uses_excluded and all(scan.ignored is None for scan in scans):
        return replace(protocol, name=f"{protocol.name} (no exclusion list)", uses_excluded=False)
    return protocol


def _with_intervals(result: FrocResult, intervals: FrocIntervals) -> dict[str, Any]:
    """One protocol in the form of ``froc.json``, with the interval of each stratum beside it."""
    bounds = intervals.to_json()
    del bounds["band"]  # it has hundreds of points, and can be made again from the seed
    del bounds["strata_sensitivities"]
    content = {**result.to_json(), "notes": [], "intervals": bounds}
    for part, interval in zip(content["strata"], bounds.pop("strata_cpm"), strict=True):
        part["cpm_interval"] = interval
    if result.protocol.name.endswith("(no exclusion list)"):
        content["notes"] = [NO_EXCLUSIONS]
    return content


def _precision_by_iou(scans: Sequence[ScoredScan], min_iou: float) -> PrecisionRecall:
    """As :class:`~lungdet.metrics.AveragePrecision`: one to one, marks on what is ignored left out."""
    scores, hits = [], []
    for scan in scans:
        hit = match_detections(scan.boxes, scan.scores, scan.truth, [min_iou])[0]
        ignored = ~scan.is_false() & ~scan.on_nodules().any(axis=1)
        scores.append(scan.scores[hit | ~ignored])
        hits.append(hit[hit | ~ignored])
    return precision_recall(np.concatenate(scores), np.concatenate(hits), sum(len(scan.truth) for scan in scans))
