"""How like its query an answer is: in type, in place, in size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNKNOWN = "unknown"


class Looks(Protocol):
    """What is known of lesions, one row each; embedded lesions are such.

    Types are ``(N,)``, ``unknown`` where not known; places ``(N, 3)``, 0 to 1, axes ``(N, 2)``, NaN where not known.
    """

    @property
    def lesion_type(self) -> NDArray[Any]:
        """Names of the types."""
        ...

    @property
    def location(self) -> NDArray[np.float32]:
        """Relative places."""
        ...

    @property
    def size_mm(self) -> NDArray[np.float32]:
        """Lengths of the axes."""
        ...


@dataclass(frozen=True)
class RetrievalScores:
    """Means over queries of means over their answers; NaN where nothing is known.

    Attributes:
        queries: that have an answer.
        type_accuracy: part of the answers whose type is that of the query; of the pairs with two known types.
        accuracy_by_type: the same for the queries of each type.
        balanced_accuracy: mean of ``accuracy_by_type``.
        location_error: Euclidean distance of relative ``(x, y, z)``; 1 is the width, depth or length of the body.
        size_error_mm: Euclidean distance of ``(long, short)``.
    """

    queries: int
    type_accuracy: float
    accuracy_by_type: Mapping[str, float]
    balanced_accuracy: float
    location_error: float
    size_error_mm: float

    def row(self) -> dict[str, Any]:
        """The figures of a table."""
        return {
            "queries": self.queries,
            "type accuracy": self.type_accuracy,
            "balanced": self.balanced_accuracy,
            "location error": self.location_error,
            "size error mm": self.size_error_mm,
        }


def retrieval_scores(queries: Looks, collection: Looks, answers: ArrayLike) -> RetrievalScores:
    """Score what a search for similar lesions answers.

    The measures are those of Yan et al., "Deep Lesion Graphs in the Wild", CVPR 2018, in which a patient has one answer
    at most; the search sees to that.

    Args:
        queries: ``Q`` lesions.
        collection: ``N`` lesions that were searched.
        answers: ``(Q, k)`` rows of the collection; -1 where there is no answer, which counts neither way.

    Raises:
        ValueError: answers do not fit the queries, or point outside the collection.
    """
    rows = np.asarray(answers)
    count = len(collection.lesion_type)
    if rows.ndim != 2 or len(rows) != len(queries.lesion_type):
        raise ValueError(f"answers must be ({len(queries.lesion_type)}, k), one row a query, got {rows.shape}")
    if rows.size and not -1 <= rows.min() <= rows.max() < count:
        raise ValueError(f"answers name rows {rows.min()} to {rows.max()} of {count}")
    if not count:
        return RetrievalScores(0, np.nan, {}, np.nan, np.nan, np.nan)
    types = queries.lesion_type
    right = _known_right(types, collection.lesion_type[rows], rows >= 0)
    accuracy = _mean_of_rows(right)
    by_type = {
        str(name): _mean(accuracy[types == name])
        for name in np.unique(types)
        if np.isfinite(accuracy[types == name]).any()
    }
    return RetrievalScores(
        queries=int((rows >= 0).any(axis=1).sum()) if rows.size else 0,
        type_accuracy=_mean(accuracy),
        accuracy_by_type=by_type,
        balanced_accuracy=_mean(np.array(list(by_type.values()))),
        location_error=_error(queries.location, collection.location, rows),
        size_error_mm=_error(queries.size_mm, collection.size_mm, rows),
    )


def _known_right(asked: NDArray[Any], told: NDArray[np.str_], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1 where the types are the same, 0 where they differ, NaN where one is not known or there is no answer."""
    known = given & (told != UNKNOWN) & (asked != UNKNOWN)[:, None]
    return np.where(known, told == asked[:, None], np.nan)


def _error(asked: NDArray[np.float32], told: NDArray[np.float32], rows: NDArray[Any]) -> float:
    distances = np.linalg.norm(told[rows].astype(np.float64) - asked[:, None], axis=2)
    return _mean(_mean_of_rows(np.where(rows >= 0, distances, np.nan)))


def _mean_of_rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of what is known in each row; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
