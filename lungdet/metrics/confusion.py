"""What was taken for what: a confusion matrix for pictures with one label or with several."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classification import as_pair

Array = NDArray[np.float64]


def confusion_matrix(truth: ArrayLike, chosen: ArrayLike) -> Array:
    """Count what the classes were taken for.

    With one label each it is the usual matrix. With several, labels that were found stand on the diagonal; what was
    missed is shared out evenly among the wrong choices of the same picture, or counts as taken for none; a wrong choice
    on a picture where nothing was missed counts as none taken for it. Each row of a class adds up to its examples.

    Args:
        truth: ``(N, K)``, see :func:`~lungdet.metrics.truth_matrix`.
        chosen: ``(N, K)``, see :func:`~lungdet.metrics.choose_classes`.

    Returns:
        ``(K + 1, K + 1)``: rows true, columns chosen, the last of each for none.

    Raises:
        ValueError: the shapes do not fit.

    Example:
        >>> confusion_matrix([[1, 1, 0]], [[1, 0, 1]]).tolist()  # the first found, the second taken for the third
        [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    true, picked = as_pair(truth, chosen)
    classes = true.shape[1]
    missed, wrong = (true & ~picked).astype(np.float64), (~true & picked).astype(np.float64)
    lost, false = missed.sum(axis=1), wrong.sum(axis=1)
    matrix = np.zeros((classes + 1, classes + 1))
    matrix[:classes, :classes] = np.diag((true & picked).sum(axis=0)) + missed.T @ (
        wrong / np.maximum(false, 1)[:, None]
    )
    matrix[:classes, classes] = missed[false == 0].sum(axis=0)
    matrix[classes, :classes] = wrong[lost == 0].sum(axis=0)
    return matrix
