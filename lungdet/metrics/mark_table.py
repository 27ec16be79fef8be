"""All marks of all scans, sorted once: then the curve of any resampling of the scans is a matter of cumulative sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .nearest_point import read_nearest_corner
from .nodule_matching import ScanMatch
from .protocols import Reading

Array = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Counts:
    """Hits and false positives along the thresholds of a :class:`MarkTable`, for scans taken with weights.

    Attributes:
        false: ``(F + 1,)`` false positives among the 0 to F highest-scored ones.
        hits: ``(K, H + 1)`` likewise the hits in each of K groups of nodules.
        nodules: ``(K,)`` nodules in each group, found or not.
        scans: sum of the weights.
    """

    false: Whole
    hits: Whole
    nodules: Whole
    scans: int


class MarkTable:
    """Marks of matched scans by falling score.

    Args:
        scans: one match for each scan.

    Attributes:
        thresholds: ``(T,)`` distinct scores, falling.
        hits_at, false_at: ``(T + 1,)`` how many of the sorted hits and false positives count at each threshold; none at
            the first place, which stands for a threshold of infinity.
        strata: the groups of nodules other than all of them, as ``(kind, label)``, in the order of ``members[1:]``.
        members: ``(K, N)`` which of all nodules belong to which group; the first group is all nodules.
    """

    def __init__(self, scans: Sequence[ScanMatch]) -> None:
        self.scans = len(scans)
        nodule_scores = np.array([score for scan in scans for score in scan.nodule_scores], dtype=np.float64)
        false_scores = np.array([score for scan in scans for score in scan.false_scores], dtype=np.float64)
        self.nodule_scan = np.repeat(np.arange(len(scans)), [scan.nodules for scan in scans])
        self.strata, self.members = _group_nodules(scans, len(nodule_scores))
        found = np.flatnonzero(np.isfinite(nodule_scores))
        self.hit_nodule = found[np.argsort(-nodule_scores[found], kind="stable")]
        order = np.argsort(-false_scores, kind="stable")
        self.false_scan = np.repeat(np.arange(len(scans)), [len(scan.false_scores) for scan in scans])[order]
        hits, false = nodule_scores[self.hit_nodule], false_scores[order]
        self.thresholds: Array = np.unique(np.concatenate([hits, false]))[::-1]
        self.hits_at = _count_from(hits, self.thresholds)
        self.false_at = _count_from(false, self.thresholds)

    def count(self, weights: Whole | None = None) -> Counts:
        """Sum up the scans, each as often as ``weights``, ``(scans,)``, says; once if None."""
        weight = np.ones(self.scans, dtype=np.int64) if weights is None else weights
        of_nodule = self.members * weight[self.nodule_scan]  # (K, N)
        return Counts(
            false=_cumulative(weight[self.false_scan][None])[0],
            hits=_cumulative(of_nodule[:, self.hit_nodule]),
            nodules=of_nodule.sum(axis=1),
            scans=int(weight.sum()),
        )

    def sensitivities(self, counts: Counts, fp_rates: Sequence[float] | Array, reading: Reading) -> Array:
        """Read the curves of all groups, ``(K, R)``; NaN for a group without nodules.

        Interpolated: linearly between operating points. Where the curve rises straight up the top counts, and beyond
        the end of the curve its end. Nearest: see :func:`~lungdet.metrics.nearest_point.read_nearest_corner`.
        """
        limits = _whole_where_meant(np.asarray(fp_rates, dtype=np.float64) * counts.scans)  # in false positives
        hits = self._interpolate(counts, limits) if reading == "interpolated" else self._nearest(counts, limits)
        return np.asarray(hits / np.where(counts.nodules > 0, counts.nodules, np.nan)[:, None])

    def precisions(self, counts: Counts, recalls: Array) -> Array:
        """Precision at the highest threshold that reaches each recall, ``(R,)``; 0 where none does."""
        wanted = np.ceil(_whole_where_meant(recalls * counts.nodules[0]))
        needed = np.searchsorted(counts.hits[0], np.maximum(wanted, 1), side="left")
        reached = needed < counts.hits.shape[1]
        at = np.searchsorted(self.hits_at, np.where(reached, needed, 0), side="left")
        hits, false = counts.hits[0][self.hits_at[at]], counts.false[self.false_at[at]]
        return np.where(reached, hits / np.maximum(hits + false, 1), 0.0)

    def _interpolate(self, counts: Counts, limits: Array) -> Array:
        at = self._last_point_within(counts, limits)
        after = np.minimum(at + 1, len(self.thresholds))
        below, above = counts.false[self.false_at[at]], counts.false[self.false_at[after]]
        part = np.where(above > below, (limits - below) / np.maximum(above - below, 1), 0.0)
        low, high = counts.hits[:, self.hits_at[at]], counts.hits[:, self.hits_at[after]]
        return np.asarray(low + part * (high - low))

    def _nearest(self, counts: Counts, limits: Array) -> Whole:
        end = int(self._last_point_within(counts, 2 * limits.max(keepdims=True))[0]) + 2
        false, hits = counts.false[self.false_at[:end]], counts.hits[:, self.hits_at[:end]]
        all_false = int(counts.false[-1])
        return np.stack([read_nearest_corner(false, group, limits, all_false) for group in hits])

    def _last_point_within(self, counts: Counts, limits: Array) -> Whole:
        """Index of the last operating point that has no more false positives than each limit."""
        marks = np.searchsorted(counts.false, limits, side="right") - 1
        return np.asarray(np.searchsorted(self.false_at, marks, side="right") - 1)


def _group_nodules(scans: Sequence[ScanMatch], nodules: int) -> tuple[tuple[tuple[str, str], ...], Whole]:
    kinds = dict.fromkeys(kind for scan in scans for kind in scan.strata)
    strata: list[tuple[str, str]] = []
    members = [np.ones(nodules, dtype=np.int64)]
    for kind in kinds:
        labels = [label for scan in scans for label in scan.strata.get(kind, ("",) * scan.nodules)]
        for label in dict.fromkeys(sorted(filter(None, labels), key=_natural)):
            strata.append((kind, label))
            members.append(np.array([one == label for one in labels], dtype=np.int64))
    return tuple(strata), np.stack(members)


def _natural(label: str) -> tuple[float, str]:
    """Sort labels that begin with a number by it."""
    head = label.lstrip("<>= ").split(" ")[0].split("-")[0]
    try:
        return (float(head) - 0.5 * label.startswith("<"), label)
    except ValueError:
        return (float("inf"), label)


def _count_from(scores: Array, thresholds: Array) -> Whole:
    """How many of the scores, sorted falling, are at least each threshold; 0 at the first place."""
    counts = np.searchsorted(-scores, -thresholds, side="right")
    return np.concatenate([[0], counts]).astype(np.int64)


def _cumulative(weights: Whole) -> Whole:
    """Sums of the first 0 to N columns, ``(K, N + 1)``."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1), dtype=np.int64)
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


def _whole_where_meant(numbers: Array) -> Array:
    """Undo rounding such as ``0.29 * 100 = 28.999999999999996``: a step of the curve hangs on it."""
    whole = np.rint(numbers)
    return np.where(np.abs(numbers - whole) < 1e-9 * np.maximum(1.0, np.abs(numbers)), whole, numbers)
