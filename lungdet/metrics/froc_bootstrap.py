"""How far the scores of a detector would move with other scans: a bootstrap over scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .froc_curve import number_or_none
from .mark_table import MarkTable
from .nodule_matching import ScanMatch
from .protocols import LUNA16, ScoringProtocol, find_protocol

Array = NDArray[np.float64]
Interval = tuple[float, float]
POINTS_PER_OCTAVE = 8
MAX_RESAMPLES = 100_000  # more would tell nothing new, and fill the memory
RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False)
class FrocIntervals:
    """Percentile intervals over resampled scans.

    Attributes:
        confidence: such as 0.95.
        resamples: how often the scans were drawn.
        seed: of the draws.
        fp_rates: as in the result.
        sensitivities: low and high at each rate; NaN where there is no nodule.
        cpm: low and high.
        strata: low and high of the sensitivities, ``(S, R, 2)``, in the order of the result's strata.
        strata_cpm: ``(S, 2)``.
        band_fp_rates: ``(B,)`` false-positive rates of the curve's band, equidistant on a logarithmic axis.
        band_sensitivities: ``(B, 2)``.
        band_recalls: ``(Q,)`` recalls of the band around the precision-recall curve.
        band_precisions: ``(Q, 2)``; 0 where a resampling does not reach the recall.
    """

    confidence: float
    resamples: int
    seed: int
    fp_rates: tuple[float, ...]
    sensitivities: tuple[Interval, ...]
    cpm: Interval
    strata: Array
    strata_cpm: Array
    band_fp_rates: Array
    band_sensitivities: Array
    band_recalls: Array
    band_precisions: Array

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; NaN becomes None."""
        return {
            "confidence": self.confidence,
            "resamples": self.resamples,
            "seed": self.seed,
            "method": "percentiles of scans drawn with replacement",
            "cpm": _plain(np.array(self.cpm)),
            "sensitivities": _plain(np.array(self.sensitivities)),
            "strata_cpm": _plain(self.strata_cpm),
            "strata_sensitivities": _plain(self.strata),
            "band": {"fp_rates": _plain(self.band_fp_rates), "sensitivities": _plain(self.band_sensitivities)},
        }


def bootstrap_froc(
    scans: Sequence[ScanMatch],
    fp_rates: Sequence[float] | None = None,
    protocol: str | ScoringProtocol = LUNA16,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> FrocIntervals:
    """Draw whole scans with replacement, as LUNA16 does, and take percentiles of what is read each time.

    Nodules of one scan are not independent, so scans are drawn and not nodules. A stratum that is absent from a draw
    gives no value for it.

    Args:
        scans: one match for each scan.
        fp_rates: as in :func:`~lungdet.metrics.froc`.
        protocol: likewise.
        resamples: how often to draw.
        confidence: part of the draws that the interval holds.
        seed: of the draws: the same scans, in the same order, give the same intervals.

    Returns:
        The intervals.

    Raises:
        ValueError: there is no scan, or an argument is out of its range.

    Example:
        >>> scans = [ScanMatch((0.9,), (0.5,), marks=2), ScanMatch((-np.inf,), (), marks=0)]
        >>> bootstrap_froc(scans, resamples=200).cpm
        (0.0, 1.0)
    """
    if len(scans) == 0:
        raise ValueError("a bootstrap needs at least one scan")
    if resamples < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(f"resamples must be positive and confidence in (0, 1), got {resamples} and {confidence}")
    if resamples > MAX_RESAMPLES:
        raise ValueError(f"resamples must be at most {MAX_RESAMPLES}, got {resamples}")
    rule = find_protocol(protocol).changed(fp_rates=fp_rates)
    table, count = MarkTable(scans), len(rule.fp_rates)
    band = band_rates(rule.fp_rates)
    rates = np.concatenate([rule.fp_rates, band])
    read = np.empty((resamples, 1 + len(table.strata), len(rates)))
    precisions = np.empty((resamples, len(RECALLS)))
    weights = np.random.default_rng(seed).multinomial(len(scans), np.full(len(scans), 1 / len(scans)), size=resamples)
    for draw, weight in enumerate(weights):
        counts = table.count(weight)
        read[draw] = table.sensitivities(counts, rates, rule.reading)
        precisions[draw] = table.precisions(counts, RECALLS)
    intervals = percentile_bounds(read, confidence)  # (groups, rates, 2)
    cpms = percentile_bounds(read[:, :, :count].mean(axis=2), confidence)  # (groups, 2)
    return FrocIntervals(
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        fp_rates=rule.fp_rates,
        sensitivities=tuple((low, high) for low, high in intervals[0, :count].tolist()),
        cpm=(float(cpms[0, 0]), float(cpms[0, 1])),
        strata=intervals[1:, :count],
        strata_cpm=cpms[1:],
        band_fp_rates=band,
        band_sensitivities=intervals[0, count:],
        band_recalls=RECALLS,
        band_precisions=percentile_bounds(precisions, confidence),
    )


def band_rates(fp_rates: Sequence[float]) -> Array:
    """Rates from the lowest to the highest, eight to an octave.

    Example:
        >>> band_rates((0.5, 1.0)).round(3).tolist()
        [0.5, 0.545, 0.595, 0.648, 0.707, 0.771, 0.841, 0.917, 1.0]
    """
    low, high = np.log2(min(fp_rates)), np.log2(max(fp_rates))
    return np.asarray(np.exp2(np.linspace(low, high, round(POINTS_PER_OCTAVE * float(high - low)) + 1)))


def percentile_bounds(values: Array, confidence: float) -> Array:
    """Low and high along the first axis, put last; NaN where no draw has a value."""
    missing = np.isnan(values).all(axis=0)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    bounds = np.nanquantile(np.where(missing, 0.0, values), tails, axis=0)
    return np.moveaxis(np.where(missing, np.nan, bounds), 0, -1)


def _plain(values: Array) -> Any:
    """Nested lists, with None for NaN."""
    if values.ndim == 1:
        return [number_or_none(value) for value in values.tolist()]
    return [_plain(value) for value in values]
