"""Sensitivity against false positives per scan, from matched scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .nodule_matching import ScanMatch

LUNA16_FP_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, eq=False)
class FrocResult:
    """A FROC curve and its summary.

    Attributes:
        fp_rates: false positives per scan at which the sensitivity was read.
        sensitivities: the sensitivity there, interpolated linearly on the curve; NaN where there is no nodule.
        cpm: their mean, the competition performance metric of LUNA16.
        curve_fp_rates: ``(T,)`` false positives per scan at each threshold, rising, from 0.
        curve_sensitivities: ``(T,)`` the sensitivity there.
        curve_thresholds: ``(T,)`` the score from which marks count, falling, from infinity.
        scans: number of scans, with or without marks.
        nodules: number of nodules.
        true_positives: nodules found.
        false_positives: marks on nothing.
        marks: marks that were kept.
        double_hits: marks on a nodule beyond its best one.
        on_excluded: marks on excluded findings alone.
    """

    fp_rates: tuple[float, ...]
    sensitivities: tuple[float, ...]
    cpm: float
    curve_fp_rates: NDArray[np.float64]
    curve_sensitivities: NDArray[np.float64]
    curve_thresholds: NDArray[np.float64]
    scans: int
    nodules: int
    true_positives: int
    false_positives: int
    marks: int
    double_hits: int
    on_excluded: int

    @property
    def false_negatives(self) -> int:
        """Nodules that no mark has found."""
        return self.nodules - self.true_positives


def froc(scans: Sequence[ScanMatch], fp_rates: Sequence[float] = LUNA16_FP_RATES) -> FrocResult:
    """Draw the FROC curve of matched scans.

    Nodules that were missed and scans without marks stay in the denominators. The curve ends at the lowest score; a
    rate beyond its end takes the sensitivity of the end.

    Args:
        scans: one match for each scan; draw them with replacement for a bootstrap.
        fp_rates: false positives per scan at which to read the sensitivity.

    Returns:
        The curve and its summary.

    Raises:
        ValueError: there is no scan.

    Example:
        >>> scan = ScanMatch((0.9, 0.4), (0.7, 0.2), nodules=4, marks=4, double_hits=0, on_excluded=0)
        >>> froc([scan], fp_rates=(0.5, 1.0)).sensitivities
        (0.25, 0.5)
    """
    if len(scans) == 0:
        raise ValueError("a FROC curve needs at least one scan")
    hits = np.array([score for scan in scans for score in scan.hit_scores], dtype=np.float64)
    false = np.array([score for scan in scans for score in scan.false_scores], dtype=np.float64)
    nodules = sum(scan.nodules for scan in scans)
    thresholds = np.unique(np.concatenate([hits, false]))[::-1]
    found = len(hits) - np.searchsorted(np.sort(hits), thresholds, side="left")
    wrong = len(false) - np.searchsorted(np.sort(false), thresholds, side="left")
    curve_sensitivities = np.concatenate([[0.0], found]) / (nodules or np.nan)
    curve_fp_rates = np.concatenate([[0.0], wrong]) / len(scans)
    sensitivities = _read(curve_fp_rates, curve_sensitivities, fp_rates)
    return FrocResult(
        fp_rates=tuple(float(rate) for rate in fp_rates),
        sensitivities=sensitivities,
        cpm=float(np.mean(sensitivities)),
        curve_fp_rates=curve_fp_rates,
        curve_sensitivities=curve_sensitivities,
        curve_thresholds=np.concatenate([[np.inf], thresholds]),
        scans=len(scans),
        nodules=nodules,
        true_positives=len(hits),
        false_positives=len(false),
        marks=sum(scan.marks for scan in scans),
        double_hits=sum(scan.double_hits for scan in scans),
        on_excluded=sum(scan.on_excluded for scan in scans),
    )


def _read(
    curve_fp_rates: NDArray[np.float64], curve_sensitivities: NDArray[np.float64], fp_rates: Sequence[float]
) -> tuple[float, ...]:
    """Interpolate the curve linearly; where it rises straight up, the top counts."""
    at = np.searchsorted(curve_fp_rates, fp_rates, side="right") - 1  # the last point that is not beyond
    after = np.minimum(at + 1, len(curve_fp_rates) - 1)
    step = curve_fp_rates[after] - curve_fp_rates[at]
    part = (np.asarray(fp_rates) - curve_fp_rates[at]) / np.where(step > 0, step, 1.0)
    points = curve_sensitivities[at] + np.where(step > 0, part, 0.0) * (
        curve_sensitivities[after] - curve_sensitivities[at]
    )
    return tuple(float(point) for point in points)
