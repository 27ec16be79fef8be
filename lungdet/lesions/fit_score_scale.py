"""Fit a score's scale to scans of which the truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lungdet.records.scan_score import BODY_REGIONS

from .score_scale import ScoreScale

Array: TypeAlias = NDArray[np.float64]

KNOWN_PERCENT = (0.5, 99.5)
LUNG_PERCENT = (1.0, 99.0)
SCATTER_PERCENT = 95.0


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """One scan with the truth of every slice.

    Attributes:
        raw: ``(Z,)`` raw scores.
        z_mm: ``(Z,)`` LPS heights of the slices.
        u: ``(Z,)`` true coordinate in the body, 0 at the top of the trunk to 1 at its bottom.
        region: ``(Z,)`` true part of the body: ``chest``, ``abdomen`` or ``pelvis``.
        holds_lung: ``(Z,)`` whether the slice holds lung.
    """

    raw: Array
    z_mm: Array
    u: Array
    region: Sequence[str]
    holds_lung: NDArray[np.bool_]

    def __post_init__(self) -> None:
        lengths = {len(self.raw), len(self.z_mm), len(self.u), len(self.region), len(self.holds_lung)}
        if len(lengths) != 1 or len(self.raw) < 2:
            raise ValueError(f"a labelled scan has 2 or more slices, each with everything; got lengths {lengths}")
        unknown = sorted(set(self.region) - set(BODY_REGIONS))
        if unknown:
            raise ValueError(f"no such part of the body: {', '.join(unknown)}; there are {', '.join(BODY_REGIONS)}")


def fit_score_scale(scans: Sequence[LabelledScan], weights_sha256: str = "") -> ScoreScale:
    """Fit line, thresholds and what is usual to scans that the network was not trained on.

    Line: least squares of the true coordinate on the raw score, over all slices. Thresholds: those that name the most
    slices rightly. Every scan should show most of a body, or its rate says little.

    Raises:
        ValueError: there is no scan, a part of the body is missing in all of them, none holds lung, or the raw score
            does not rise or fall with the coordinate.
    """
    if not scans:
        raise ValueError("no labelled scan to fit a scale to")
    raw, u = (np.concatenate([np.asarray(getattr(scan, name), np.float64) for scan in scans]) for name in ("raw", "u"))
    scale, offset = np.polyfit(raw, u, 1)
    height = scale * raw + offset
    part = np.concatenate([[BODY_REGIONS.index(name) for name in scan.region] for scan in scans])
    missing = [name for number, name in enumerate(BODY_REGIONS) if not (part == number).any()]
    lung = np.concatenate([np.asarray(scan.holds_lung, bool) for scan in scans])
    if missing or not lung.any():
        raise ValueError(f"no slice of the scans shows {', '.join(missing) or 'lung'}: add scans that do")
    rates, scatter = _rates_and_scatter(scans, scale, offset)
    if not (rates > 0).all():
        raise ValueError("the height falls towards the feet in a scan: the network has not learnt the order of slices")
    return ScoreScale(
        scale=float(scale),
        offset=float(offset),
        chest_abdomen=best_threshold(height, part >= 1),
        abdomen_pelvis=best_threshold(height, part >= 2),
        lungs=_ends(height[lung], LUNG_PERCENT),
        known=_ends(height, KNOWN_PERCENT),
        rate_per_mm=(float(rates.min()), float(np.median(rates)), float(rates.max())),
        scatter=float(np.percentile(scatter, SCATTER_PERCENT)),
        weights_sha256=weights_sha256,
    )


def best_threshold(values: Array, above: NDArray[np.bool_]) -> float:
    """Find the number that best tells two sets apart; of several, the middle of the best ones.

    Args:
        values: ``(N,)``.
        above: ``(N,)`` whether the value should be at or above the threshold.

    Example:
        >>> best_threshold(np.array([1.0, 2.0, 4.0, 9.0]), np.array([False, False, True, True]))
        3.0
    """
    order = np.argsort(values, kind="stable")
    ordered, wanted = values[order], above[order]
    # Cut number n puts n values below it: right are those below that are not wanted, and those above that are.
    right = np.concatenate([[0], np.cumsum(~wanted)]) + np.concatenate([np.cumsum(wanted[::-1])[::-1], [0]])
    edges = np.concatenate([ordered[:1], (ordered[1:] + ordered[:-1]) / 2, ordered[-1:]])
    best = np.flatnonzero(right == right.max())
    return float(edges[best[len(best) // 2]])


def _rates_and_scatter(scans: Sequence[LabelledScan], scale: float, offset: float) -> tuple[Array, Array]:
    from scipy.stats import theilslopes  # slow to import, and only fits need it

    rates, scatter = [], []
    for scan in scans:
        height = scale * np.asarray(scan.raw, np.float64) + offset
        slope, level, *_ = theilslopes(height, -np.asarray(scan.z_mm, np.float64))
        rates.append(slope)
        scatter.append(np.abs(height - (level - slope * np.asarray(scan.z_mm))))
    return np.array(rates), np.concatenate(scatter)


def _ends(values: Array, percent: tuple[float, float]) -> tuple[float, float]:
    low, high = np.percentile(values, percent)
    return float(low), float(high)
