"""Sensitivity against false positives per scan, from matched scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .mark_table import MarkTable
from .nodule_matching import ScanMatch
from .protocols import LUNA16, ScoringProtocol, find_protocol


@dataclass(frozen=True)
class Stratum:
    """Sensitivities of a part of the nodules. False positives have no size or type: all count for every stratum.

    Attributes:
        kind: what was divided by, such as ``"size"``.
        label: which part.
        nodules: how many there are.
        true_positives: how many were found.
        sensitivities: at the false-positive rates of the result.
        cpm: their mean.
    """

    kind: str
    label: str
    nodules: int
    true_positives: int
    sensitivities: tuple[float, ...]
    cpm: float


@dataclass(frozen=True, eq=False)
class FrocResult:
    """A FROC curve and its summary.

    Attributes:
        protocol: the rule, with its name: results of two protocols must not be compared.
        fp_rates: false positives per scan at which the sensitivity was read.
        sensitivities: the sensitivity there; NaN where there is no nodule.
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
        strata: sensitivities by size, type or whatever the nodules were labelled with.
    """

    protocol: ScoringProtocol
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
    strata: tuple[Stratum, ...] = ()

    @property
    def false_negatives(self) -> int:
        """Nodules that no mark has found."""
        return self.nodules - self.true_positives

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain numbers, at full precision; NaN becomes None."""
        counts = ("scans", "nodules", "true_positives", "false_negatives", "false_positives")
        return {
            "protocol": self.protocol.name,
            "rule": self.protocol.rule,
            "unit": self.protocol.unit,
            "cpm": number_or_none(self.cpm),
            "fp_rates": list(self.fp_rates),
            "sensitivities": [number_or_none(value) for value in self.sensitivities],
            **{name: getattr(self, name) for name in (*counts, "marks", "double_hits", "on_excluded")},
            "strata": [
                {
                    "kind": part.kind,
                    "label": part.label,
                    "nodules": part.nodules,
                    "true_positives": part.true_positives,
                    "cpm": number_or_none(part.cpm),
                    "sensitivities": [number_or_none(value) for value in part.sensitivities],
                }
                for part in self.strata
            ],
        }


def froc(
    scans: Sequence[ScanMatch],
    fp_rates: Sequence[float] | None = None,
    protocol: str | ScoringProtocol = LUNA16,
) -> FrocResult:
    """Draw the FROC curve of matched scans.

    Nodules that were missed and scans without marks stay in the denominators. The curve ends at the lowest score; a
    rate beyond its end takes the sensitivity of the end.

    Args:
        scans: one match for each scan.
        fp_rates: false positives per scan at which to read the sensitivity; those of the protocol if None.
        protocol: how the curve is read, and what the result is labelled with. How marks were matched was settled
            before, in :func:`~lungdet.metrics.match_scan`.

    Returns:
        The curve and its summary.

    Raises:
        ValueError: there is no scan, or no protocol of this name.

    Example:
        >>> scan = ScanMatch((0.9, 0.4, -np.inf, -np.inf), (0.7, 0.2), marks=4)
        >>> froc([scan], fp_rates=(0.5, 1.0)).sensitivities
        (0.25, 0.5)
    """
    if len(scans) == 0:
        raise ValueError("a FROC curve needs at least one scan")
    rule = find_protocol(protocol).changed(fp_rates=fp_rates)
    table = MarkTable(scans)
    counts = table.count()
    read = table.sensitivities(counts, rule.fp_rates, rule.reading)  # (1 + strata, rates)
    found = counts.hits[:, -1].tolist()
    return FrocResult(
        protocol=rule,
        fp_rates=rule.fp_rates,
        sensitivities=tuple(read[0].tolist()),
        cpm=float(read[0].mean()),
        curve_fp_rates=counts.false[table.false_at] / table.scans,
        curve_sensitivities=counts.hits[0][table.hits_at] / (counts.nodules[0] or np.nan),
        curve_thresholds=np.concatenate([[np.inf], table.thresholds]),
        scans=table.scans,
        nodules=int(counts.nodules[0]),
        true_positives=found[0],
        false_positives=int(counts.false[-1]),
        marks=sum(scan.marks for scan in scans),
        double_hits=sum(scan.double_hits for scan in scans),
        on_excluded=sum(scan.on_excluded for scan in scans),
        strata=tuple(
            Stratum(kind, label, int(counts.nodules[k]), found[k], tuple(read[k].tolist()), float(read[k].mean()))
            for k, (kind, label) in enumerate(table.strata, start=1)
        ),
    )


def number_or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None
