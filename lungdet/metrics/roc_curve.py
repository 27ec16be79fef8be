"""The points of a ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def roc_curve(scores: ArrayLike, positive: ArrayLike) -> tuple[Array, Array]:
    """Return the rates of false and of true positives at every threshold, from none to all.

    Args:
        scores: ``(N,)``, finite, higher for positives.
        positive: ``(N,)`` yes or no.

    Returns:
        ``(P,)`` each, one point for each different score and one before them; empty where positives or negatives are
        absent.

    Raises:
        ValueError: shapes do not fit, or a score is not finite.

    Example:
        >>> false, true = roc_curve([0.1, 0.4, 0.4, 0.9], [0, 1, 0, 1])
        >>> false.tolist(), true.tolist()
        ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0])
    """
    values, yes = np.asarray(scores, dtype=np.float64), np.asarray(positive).astype(bool)
    if values.ndim != 1 or values.shape != yes.shape or not np.isfinite(values).all():
        raise ValueError(f"two lists of one length and finite scores are wanted, got {values.shape} and {yes.shape}")
    if yes.all() or not yes.any():
        return np.empty(0), np.empty(0)
    order = np.argsort(-values, kind="stable")
    last = np.flatnonzero(np.append(np.diff(values[order]) < 0, True))  # of equals
    hits, misses = (np.append(0, np.cumsum(part[order])[last]) for part in (yes, ~yes))
    return misses / misses[-1], hits / hits[-1]
