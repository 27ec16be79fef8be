"""The classifier's probability of a nodule among a detector's marks: calibrated on some chests, scored on others.

It is fitted to the marks that the detector shows, for those are what a user sees. A fit to all of them would learn from
hundreds of weak ones that most marks are wrong, and doubt the strong ones, which are mostly right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from nodules_filter_marks import LEAST_SCORE, SHOWN_FROM, Floats, ScanMarks, detector_sha256
from numpy.typing import NDArray

from lungdet.detection import fit_mark_filter
from lungdet.lesions import MarkCalibration
from lungdet.metrics import binary_scores

UNDECIDED = 0.5  # a detector's score that moves no probability: its logit is 0

Judged = Sequence[tuple[ScanMarks, Floats]]


def fit_on_marks(scans: Judged, seeds: range, least: float = SHOWN_FROM) -> MarkCalibration | None:
    """Fit a line through the logits to the marks from a score on; None if all of them are right, or all wrong."""
    said, right, _ = marks_from(scans, least)
    if right.all() or not right.any():
        print(f"no calibration on marks: {int(right.sum())} of {len(right)} are right, it needs right and wrong ones")
        return None
    line = fit_mark_filter(np.full(len(said), UNDECIDED), said, right)
    fitted = {"scans": len(scans), "marks": len(right), "false": int((~right).sum()), "seeds": str(seeds)}
    return MarkCalibration(line.classifier, line.intercept, least, detector_sha256(), fitted)


def marks_from(scans: Judged, least: float) -> tuple[Floats, NDArray[np.bool_], list[int]]:
    """Probability, truth and seed of the marks that count and have at least that score."""
    said, right, seeds = [np.zeros(0)], [np.zeros(0, dtype=bool)], []
    for scan, opinion in scans:
        hits, counts = scan.hits()
        kept = counts & (scan.scores >= least)
        said.append(opinion[kept])
        right.append(hits[kept])
        seeds += [scan.seed] * int(kept.sum())
    return np.concatenate(said), np.concatenate(right), seeds


def sureness_rows(scans: Judged, on_marks: MarkCalibration | None) -> list[dict[str, Any]]:
    """Scores before and after, of the marks that the detector shows and of all that were kept."""
    rows = []
    for least in (SHOWN_FROM, LEAST_SCORE):
        said, right, seeds = marks_from(scans, least)
        after = None if on_marks is None else np.array([on_marks(each) for each in said])
        for name, probabilities in (("plain", said), ("calibrated", after)):
            if probabilities is not None and len(right):
                facts = {"marks from": least, "probability": name, "marks": len(right), "false": int((~right).sum())}
                rows.append(facts | sureness(probabilities, right, seeds))
    return rows


def sureness(probabilities: Floats, right: NDArray[np.bool_], seeds: Sequence[int]) -> dict[str, Any]:
    """Of some marks; the bounds are over chests."""
    scores = binary_scores(probabilities, right, seeds)
    return {
        "ECE": scores.reliability.expected_error,
        "log loss": scores.log_loss.value,
        "95 %, log loss": [scores.log_loss.low, scores.log_loss.high],
        "without knowledge": scores.base_log_loss,
        "Brier": scores.brier.value,
        "bias": scores.bias.value,
    }
