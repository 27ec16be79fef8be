"""A score for "not one of mine": how far a picture is from everything that the network was trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import FloatArray, as_array, as_rows

_ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class OutOfDomain:
    """Distance to the nearest picture of the training, in units of a limit.

    Embeddings are compared by their square roots, sign kept: pooled activations are skewed, and a few loud channels
    would else decide alone. The idea is that of Sun et al., Out-of-Distribution Detection with Deep Nearest Neighbors,
    ICML 2022; there the embedding is scaled to length 1 instead, which forgets that noise and blank pictures excite a
    network little.

    Attributes:
        references: ``(M, D)`` float16 roots of embeddings of the training.
        limit: distance that means 1: nearly all pictures of the right kind are nearer than this.
        in_domain: the share of them that were, among the pictures that the limit was chosen on.
    """

    references: NDArray[np.float16]
    limit: float
    in_domain: float = 0.97

    def __post_init__(self) -> None:
        if self.references.ndim != 2 or 0 in self.references.shape or not np.isfinite(self.references).all():
            raise ValueError(f"references must be finite (M, D), got shape {self.references.shape}")
        if not (self.limit > 0 and math.isfinite(self.limit)):
            raise ValueError(f"limit must be finite and above 0, got {self.limit}")

    def score(self, embeddings: Any) -> FloatArray:
        """Score pictures: above 1 is none of those that the network knows.

        Args:
            embeddings: ``(N, D)`` pooled features of the network that made the references.

        Returns:
            ``(N,)``, 0 for a picture of the training itself.
        """
        rows = as_rows("embeddings", embeddings, self.references.shape[1])
        return _nearest(_roots(rows), self._references)[:, 0] / self.limit

    @cached_property
    def _references(self) -> FloatArray:
        return self.references.astype(np.float64)


def fit_out_of_domain(
    embeddings: Any,
    labels: Any = None,
    *,
    held_out: Any = None,
    in_domain: float = 0.97,
    most: int = 1000,
    seed: int = 0,
) -> OutOfDomain:
    """Keep embeddings of the training, and choose the limit.

    Args:
        embeddings: ``(N, D)`` of pictures of the training, as they are (not augmented).
        labels: ``(N,)`` class indices, or ``(N, K)`` zeros and ones: where there are more than ``most`` pictures, rare
            classes keep theirs.
        held_out: ``(V, D)`` of other patients of the right kind, for the limit. Without it every picture is held
            against the others of the training, which is a little too strict on new ones.
        in_domain: share of the held-out pictures that shall score 1 or less.
        most: references that are kept.
        seed: which.

    Raises:
        ValueError: there are fewer than two pictures, or the arrays do not fit each other.
    """
    rows = _roots(as_rows("embeddings", embeddings))
    if len(rows) < 2 or most < 2 or not 0.0 < in_domain < 1.0:
        raise ValueError(f"wanted two pictures or more and a share between 0 and 1, got {len(rows)} and {in_domain}")
    kept = rows[_spread(_classes(labels, len(rows)), most, seed)].astype(np.float16)
    references = kept.astype(np.float64)
    if held_out is None:
        distances = _nearest(references, references)[:, 1]
    else:
        distances = _nearest(_roots(as_rows("held_out", held_out, rows.shape[1])), references)[:, 0]
        if not len(distances):
            raise ValueError("held_out holds no picture")
    limit = float(np.quantile(distances, in_domain))
    return OutOfDomain(kept, max(limit, 1e-6), in_domain)


def _roots(values: FloatArray) -> FloatArray:
    roots: FloatArray = np.sign(values) * np.sqrt(np.abs(values))
    return roots


def _nearest(rows: FloatArray, references: FloatArray) -> FloatArray:
    """Return for each row the distances of the two nearest references, ``(N, 2)``; infinite where there is but one."""
    lengths = (references**2).sum(axis=1)
    found = np.full((len(rows), 2), np.inf)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        squares = (part**2).sum(axis=1)[:, None] + lengths - 2 * part @ references.T
        count = min(2, squares.shape[1])
        found[start : start + len(part), :count] = np.sort(np.partition(squares, count - 1, axis=1)[:, :count], axis=1)
    distances: FloatArray = np.sqrt(np.maximum(found, 0.0))
    return distances


def _classes(labels: Any, count: int) -> NDArray[np.int64]:
    """Return one class for each picture: of several the rarest."""
    if labels is None:
        return np.zeros(count, dtype=np.int64)
    array = as_array(labels)
    if len(array) != count or array.ndim not in (1, 2):
        raise ValueError(f"labels must be ({count},) or ({count}, K), got {array.shape}")
    if array.ndim == 2:
        array = np.where(array > 0, array.sum(axis=0), np.inf).argmin(axis=1)
    return array.astype(np.int64)


def _spread(classes: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """Choose at most ``most`` pictures, one of each class in turn, and return their indices in rising order."""
    order = np.random.default_rng(seed).permutation(len(classes))
    turn = np.empty(len(classes), dtype=np.int64)
    for label in np.unique(classes):
        members = order[classes[order] == label]
        turn[members] = np.arange(len(members))
    return np.sort(order[np.argsort(turn[order], kind="stable")][:most])
