"""Precision against recall, and what is read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .nodule_matching import ScanMatch

Array = NDArray[np.float64]
Interpolation = Literal["area", "coco", "steps"]


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision and recall at every score; equal scores make one point, since no threshold parts them.

    Attributes:
        thresholds: ``(T,)`` scores from which detections count, falling.
        counts: ``(T,)`` how many detections count there.
        precisions: ``(T,)`` part of the detections that are right.
        recalls: ``(T,)`` part of the truth that is found; NaN where there is none.
        truths: number of true objects.
    """

    thresholds: Array
    counts: NDArray[np.int64]
    precisions: Array
    recalls: Array
    truths: int

    def average_precision(self, interpolation: Interpolation = "area") -> float:
        """Area under the curve; 0 without detections, NaN without truth.

        Args:
            interpolation: ``"area"``: each precision is raised to the highest one at its recall or beyond, and the
                exact area is taken (PASCAL VOC since 2010). ``"coco"``: the mean of these at recalls 0, 0.01, ... 1.
                ``"steps"``: nothing is raised (scikit-learn's ``average_precision_score``).

        Raises:
            ValueError: ``interpolation`` is none of these.

        Example:
            >>> curve = precision_recall([0.9, 0.8, 0.7], [True, False, True], truths=2)
            >>> [round(curve.average_precision(rule), 3) for rule in ("area", "coco", "steps")]
            [0.833, 0.835, 0.833]
        """
        if interpolation not in ("area", "coco", "steps"):
            raise ValueError(f"interpolation must be 'area', 'coco' or 'steps', got {interpolation!r}")
        if self.truths == 0:
            return float("nan")
        if len(self.counts) == 0:
            return 0.0
        raised = np.maximum.accumulate(self.precisions[::-1])[::-1]
        if interpolation == "coco":
            # Recalls are compared as COCO does it, with the smallest slack against rounding.
            at = np.searchsorted(self.recalls, np.linspace(0, 1, 101) - 1e-12, side="left")
            return float(np.append(raised, 0.0)[at].mean())
        heights = raised if interpolation == "area" else self.precisions
        return float((np.diff(self.recalls, prepend=0.0) * heights).sum())

    @property
    def equal_error_rate(self) -> float:
        """Recall where it equals the precision, as TensorBox printed it beside its curves; NaN where it never does.

        They are equal when there are as many detections as objects. Between two points it is the mean of their recalls.
        """
        after = int(np.searchsorted(self.counts, self.truths))
        if self.truths == 0 or after == len(self.counts):
            return float("nan")
        before = after if self.counts[after] == self.truths or after == 0 else after - 1
        return float((self.recalls[before] + self.recalls[after]) / 2)


def precision_recall(scores: ArrayLike, is_hit: ArrayLike, truths: int) -> PrecisionRecall:
    """Draw the curve of detections of which it is known whether they are right.

    Args:
        scores: ``(N,)``.
        is_hit: ``(N,)`` bool; an object is hit once at most.
        truths: number of true objects, found or not.

    Raises:
        ValueError: shapes differ, a score is not finite, or there are more hits than objects.
    """
    score, hit = np.asarray(scores, dtype=np.float64), np.asarray(is_hit, dtype=np.bool_)
    if score.ndim != 1 or score.shape != hit.shape:
        raise ValueError(f"scores and is_hit must be (N,), got {score.shape} and {hit.shape}")
    if not np.isfinite(score).all():
        raise ValueError("scores must be finite")
    if hit.sum() > truths:
        raise ValueError(f"{hit.sum()} hits of {truths} objects: an object is hit once at most")
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.diff(score[order], append=-np.inf))  # the last of equal scores
    hits, counts = np.cumsum(hit[order])[last], last + 1
    return PrecisionRecall(
        thresholds=score[order][last],
        counts=counts,
        precisions=hits / counts,
        recalls=hits / (truths or np.nan),
        truths=truths,
    )


def precision_recall_of_scans(scans: Sequence[ScanMatch]) -> PrecisionRecall:
    """Draw the curve of matched scans; marks that the FROC ignores are ignored here, too.

    Example:
        >>> precision_recall_of_scans([ScanMatch((0.9, -np.inf), (0.5,), marks=2)]).precisions.tolist()
        [1.0, 0.5]
    """
    hits = [score for scan in scans for score in scan.hit_scores]
    false = [score for scan in scans for score in scan.false_scores]
    is_hit = [True] * len(hits) + [False] * len(false)
    return precision_recall(hits + false, is_hit, sum(scan.nodules for scan in scans))
