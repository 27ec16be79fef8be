"""Labels that are probably wrong, by what a classifier says that did not learn from them: confident learning."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LabelError:
    """One label that is probably wrong.

    Attributes:
        index: of the picture.
        given: class that the label names; None where the label lacks a class (several labels).
        suggested: class that it should name; None where it should name one less (several labels).
        given_probability: what the classifier gives the class as labelled; of a class that is labelled absent, the
            probability that it is absent.
        suggested_probability: what it gives the other reading.
    """

    index: int
    given: int | None
    suggested: int | None
    given_probability: float
    suggested_probability: float

    @property
    def margin(self) -> float:
        """How much less the classifier believes the label than the suggestion; the higher, the worse the label."""
        return self.suggested_probability - self.given_probability


def find_label_errors(probabilities: ArrayLike, truth: ArrayLike, multi_label: bool = False) -> list[LabelError]:
    """List labels that are probably wrong, the worst first.

    A class is *confidently* seen in a picture where its probability reaches the mean that pictures labelled with it
    have. A picture that is confidently another class than its label, and for which the classifier chooses that other
    class or at least not the label, is listed. For several labels each class is such a question of its own, between
    "is there" and "is not". The probabilities must come from weights that were not trained on these labels, such as
    those of the test part, or of each part of a cross-validation.

    Args:
        probabilities: ``(N, K)``.
        truth: ``(N, K)``; for one label, rows without a class are passed over.
        multi_label: a picture may have several classes, or none.

    Returns:
        By falling margin, then by picture. A class without an example is never suggested.

    Raises:
        ValueError: the shapes do not fit, or a probability is not in ``[0, 1]``.

    Source:
        Northcutt, Jiang, Chuang: Confident Learning, JAIR 70, 2021 (the off-diagonal of the confident joint); the same
        paper's way for several labels, class by class, is in Thyagarajan et al., 2022.

    Example:
        >>> said = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.95, 0.05]]
        >>> worst = find_label_errors(said, np.eye(2)[[0, 0, 1, 1, 1]])[0]
        >>> worst.index, worst.given, worst.suggested
        (4, 1, 0)
    """
    said, true = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=bool)
    if said.ndim != 2 or said.shape != true.shape:
        raise ValueError(f"probabilities and truth must be (N, K) both, got {said.shape} and {true.shape}")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("probabilities must be in [0, 1]")
    found = _several(said, true) if multi_label else _one_each(said, true)
    return sorted(found, key=lambda error: (-error.margin, error.index, error.given or 0, error.suggested or 0))


def _one_each(said: Array, true: NDArray[np.bool_]) -> list[LabelError]:
    rows = np.flatnonzero(true.sum(axis=1) == 1)
    given, seen = true[rows].argmax(axis=1), _confident_class(said[rows], true[rows])
    wrong = (seen >= 0) & (seen != given) & (said[rows].argmax(axis=1) != given)
    return [
        LabelError(int(row), int(old), int(new), float(said[row, old]), float(said[row, new]))
        for row, old, new in zip(rows[wrong], given[wrong], seen[wrong], strict=True)
    ]


def _several(said: Array, true: NDArray[np.bool_]) -> list[LabelError]:
    found = []
    for place in range(said.shape[1]):
        both = np.column_stack([1 - said[:, place], said[:, place]])  # absent, present
        for error in _one_each(both, np.column_stack([~true[:, place], true[:, place]])):
            given, suggested = (place, None) if error.given == 1 else (None, place)
            found.append(replace(error, given=given, suggested=suggested))
    return found


def _confident_class(said: Array, true: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The most probable of the classes that are confidently seen in each picture, ``(N,)``; -1 where there is none."""
    examples = true.sum(axis=0)
    least = np.where(examples > 0, (said * true).sum(axis=0) / np.maximum(examples, 1), np.inf)
    confident = said >= least - 1e-12
    best = np.where(confident, said, -1.0).argmax(axis=1)
    return np.asarray(np.where(confident.any(axis=1), best, -1), dtype=np.int64)
