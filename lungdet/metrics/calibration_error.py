"""Whether probabilities mean what they say: reliability, the expected calibration error, and proper scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .froc_curve import number_or_none

Array = NDArray[np.float64]
LEAST_PROBABILITY = 1e-12  # a probability of 0 for what is true would make the log-likelihood infinite


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often statements of about one confidence were right.

    Attributes:
        edges: ``(B + 1,)`` of the bins; a bin holds its upper edge, the first its lower one, too.
        counts: ``(B,)`` statements in each bin.
        confidence: ``(B,)`` mean confidence; NaN in empty bins.
        accuracy: ``(B,)`` part that was right; NaN in empty bins.
    """

    edges: Array
    counts: NDArray[np.int64]
    confidence: Array
    accuracy: Array

    @property
    def expected_error(self) -> float:
        """Expected calibration error (ECE): mean distance of confidence and accuracy over all statements.

        NaN without a statement. Source: Naeini, Cooper, Hauskrecht, AAAI 2015; Guo et al., ICML 2017.
        """
        if not self.counts.sum():
            return float("nan")
        return float(np.nansum(self._gaps() * self.counts) / self.counts.sum())

    @property
    def greatest_error(self) -> float:
        """Greatest distance of confidence and accuracy in any bin; NaN without a statement."""
        return float(np.nanmax(self._gaps())) if self.counts.sum() else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for NaN."""
        return {
            "ece": number_or_none(self.expected_error),
            "greatest_error": number_or_none(self.greatest_error),
            "statements": int(self.counts.sum()),
            "bins": [self._bin(place) for place in range(len(self.counts))],
        }

    def _bin(self, place: int) -> dict[str, Any]:
        return {
            "from": float(self.edges[place]),
            "to": float(self.edges[place + 1]),
            "count": int(self.counts[place]),
            "confidence": number_or_none(float(self.confidence[place])),
            "accuracy": number_or_none(float(self.accuracy[place])),
        }

    def _gaps(self) -> Array:
        return np.abs(self.confidence - self.accuracy)


def reliability(
    confidence: ArrayLike, right: ArrayLike, bins: int = 15, spacing: Literal["even", "quantile"] = "even"
) -> Reliability:
    """Sort statements into bins by their confidence.

    For pictures with one label the statement is the chosen class, its confidence the probability of that class. For
    several labels each class of each picture is a statement: its probability, and whether it is there.

    Args:
        confidence: of any shape, in ``[0, 1]``.
        right: whether each was right, of the same shape.
        bins: how many.
        spacing: bins of one width, or of about as many statements each; equal edges are then joined.

    Raises:
        ValueError: shapes do not fit, a confidence is no probability, or there is no bin.

    Example:
        >>> round(reliability([0.9, 0.9, 0.6, 0.6], [1, 1, 1, 0], bins=5).expected_error, 3)
        0.1
    """
    said, was = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=bool)
    if said.shape != was.shape:
        raise ValueError(f"confidence and right must be of one shape, got {said.shape} and {was.shape}")
    if bins < 1 or spacing not in ("even", "quantile"):
        raise ValueError(f"bins must be positive, spacing 'even' or 'quantile', got {bins} and {spacing!r}")
    said, was = said.reshape(-1), was.reshape(-1)
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("a confidence must be in [0, 1]: give probabilities, not logits")
    edges = np.linspace(0.0, 1.0, bins + 1)
    if spacing == "quantile" and len(said):
        edges = np.unique(np.concatenate([[0.0], np.quantile(said, edges[1:-1]), [1.0]]))
    place = np.searchsorted(edges[1:-1], said)  # a value on an edge goes below, as in scikit-learn
    counts, total, hits = (np.bincount(place, weight, len(edges) - 1) for weight in (None, said, was))
    filled = np.where(counts > 0, counts, np.nan)
    return Reliability(edges, counts.astype(np.int64), total / filled, hits / filled)


def negative_log_likelihood(probabilities: ArrayLike, truth: ArrayLike, multi_label: bool = False) -> float:
    """Mean over pictures: of one label its negative log-probability, of several the mean over all classes.

    Args:
        probabilities: ``(N, K)``.
        truth: ``(N, K)``, see :func:`~lungdet.metrics.truth_matrix`.
        multi_label: as the probabilities were made.

    Returns:
        In nats; NaN without a picture.
    """
    said, true = _matrices(probabilities, truth)
    logs = np.log(np.maximum(np.where(true, said, 1 - said), LEAST_PROBABILITY))
    losses = -logs.mean(axis=1) if multi_label else -np.where(true, logs, 0.0).sum(axis=1)
    return float(losses.mean()) if len(losses) else float("nan")


def brier_score(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Mean over pictures of the squared error of the probabilities, summed over the classes; NaN without a picture.

    Source: Brier, Monthly Weather Review 1950.

    Example:
        >>> round(brier_score([[0.8, 0.2]], [[1, 0]]), 3)
        0.08
    """
    said, true = _matrices(probabilities, truth)
    return float(((said - true) ** 2).sum(axis=1).mean()) if len(said) else float("nan")


def _matrices(probabilities: ArrayLike, truth: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    said, true = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=bool)
    if said.ndim != 2 or said.shape != true.shape:
        raise ValueError(f"probabilities and truth must be (N, K) both, got {said.shape} and {true.shape}")
    return said, true
