"""How far the scores of a classifier would move with other patients: a bootstrap over patients."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classification import as_pair, class_rates, macro_rates
from .froc_bootstrap import MAX_RESAMPLES, percentile_bounds
from .froc_curve import number_or_none

Array = NDArray[np.float64]
Interval = tuple[float, float]
DRAWS_AT_ONCE = 100  # a table of draws by patients must not fill the memory
NAMES = ("accuracy", "macro_recall", "macro_precision", "macro_f1")


@dataclass(frozen=True, eq=False)
class ClassificationIntervals:
    """Percentile intervals over resampled patients; NaN where nothing can be told, as from a single patient.

    Attributes:
        confidence: such as 0.95.
        resamples: how often patients were drawn.
        seed: of the draws.
        patients: how many there were to draw from.
        accuracy, macro_recall, macro_precision, macro_f1: low and high.
        recall, precision, f1: ``(K, 2)``, low and high of each class.
    """

    confidence: float
    resamples: int
    seed: int
    patients: int
    accuracy: Interval
    macro_recall: Interval
    macro_precision: Interval
    macro_f1: Interval
    recall: Array
    precision: Array
    f1: Array

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for NaN."""
        return {
            "confidence": self.confidence,
            "resamples": self.resamples,
            "seed": self.seed,
            "patients": self.patients,
            "method": "percentiles of patients drawn with replacement",
            **{name: _plain(getattr(self, name)) for name in NAMES},
        }


def bootstrap_classification(
    truth: ArrayLike,
    chosen: ArrayLike,
    patients: Sequence[Hashable] | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> ClassificationIntervals:
    """Draw whole patients with replacement and take percentiles of the scores of each draw.

    Pictures of one patient are not independent, so patients are drawn and not pictures. A class that is absent from a
    draw gives no value for it, and is left out of that draw's means. The same pictures and patients, in any order, give
    the same intervals as long as the patients' names sort alike. The number 1 and the text "1" are two patients.

    Args:
        truth: ``(N, K)``, see :func:`~lungdet.metrics.truth_matrix`.
        chosen: ``(N, K)``, see :func:`~lungdet.metrics.choose_classes`.
        patients: ``N`` names; each picture is a patient of its own if None.
        resamples: how often to draw.
        confidence: part of the draws that an interval holds.
        seed: of the draws.

    Raises:
        ValueError: the shapes do not fit, or an argument is out of its range.

    Example:
        >>> from lungdet.metrics import truth_matrix
        >>> truth, chosen = truth_matrix([0, 0, 1, 1], 2), truth_matrix([0, 0, 1, 0], 2)
        >>> bootstrap_classification(truth, chosen, ["ann", "bob", "cy", "di"], resamples=200).accuracy
        (0.5, 1.0)
    """
    if not 1 <= resamples <= MAX_RESAMPLES or not 0.0 < confidence < 1.0:
        raise ValueError(
            f"resamples must be from 1 to {MAX_RESAMPLES} and confidence in (0, 1), got {resamples} and {confidence}"
        )
    true, picked = as_pair(truth, chosen)
    table = _by_patient(true, picked, range(len(true)) if patients is None else patients)  # (P, 3 K + 2)
    if len(table) < 2:
        drawn = np.full((1, len(NAMES) + 3 * true.shape[1]), np.nan)
    else:
        drawn = np.concatenate(list(_draws(table, true.shape[1], resamples, seed)))
    bounds = percentile_bounds(drawn, confidence)
    recall, precision, f1 = bounds[len(NAMES) :].reshape(3, true.shape[1], 2)
    return ClassificationIntervals(
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        patients=len(table),
        accuracy=_interval(bounds[0]),
        macro_recall=_interval(bounds[1]),
        macro_precision=_interval(bounds[2]),
        macro_f1=_interval(bounds[3]),
        recall=recall,
        precision=precision,
        f1=f1,
    )


def _by_patient(truth: NDArray[np.bool_], chosen: NDArray[np.bool_], patients: Sequence[Hashable]) -> Array:
    """Counts of each patient: right, wrong and missed choices of each class, exact pictures, and pictures."""
    if len(patients) != len(truth):
        raise ValueError(f"{len(patients)} patients for {len(truth)} pictures")
    exact = (truth == chosen).all(axis=1)[:, None]
    rows = np.hstack([truth & chosen, ~truth & chosen, truth & ~chosen, exact, np.ones_like(exact)])
    patients = patients.tolist() if hasattr(patients, "tolist") else patients  # numbers of a tensor, not its parts
    places = {patient: place for place, patient in enumerate(in_order(patients))}
    table = np.zeros((len(places), rows.shape[1]))
    np.add.at(table, np.array([places[patient] for patient in patients], dtype=np.intp), rows)
    return table


def in_order(patients: Sequence[Hashable]) -> list[Any]:
    """Each patient once, sorted; those that have no common order by their kind and text."""
    names: list[Any] = list(dict.fromkeys(patients))
    try:
        return sorted(names)
    except TypeError:
        return sorted(names, key=lambda name: (type(name).__name__, repr(name)))


def _draws(table: Array, classes: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield the scores of some draws at a time, ``(R, 4 + 3 K)``."""
    random, chance = np.random.default_rng(seed), np.full(len(table), 1 / len(table))
    for start in range(0, resamples, DRAWS_AT_ONCE):
        weights = random.multinomial(len(table), chance, size=min(DRAWS_AT_ONCE, resamples - start))
        counts = weights @ table
        hits, wrong, missed = (counts[:, part * classes : (part + 1) * classes] for part in range(3))
        rates = class_rates(hits, wrong, missed)
        accuracy = counts[:, -2] / counts[:, -1]
        yield np.column_stack([accuracy, *macro_rates(rates, hits + missed), *rates])


def _interval(bounds: Array) -> Interval:
    return float(bounds[0]), float(bounds[1])


def _plain(interval: Interval) -> list[float | None]:
    return [number_or_none(bound) for bound in interval]
