"""A score for "not one of mine": how far a picture is from everything that the network was trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import FloatArray, as_array, as_rows

_ROWS_AT_ONCE = 256
_NEIGHBOURS = 5  # how far apart training pictures lie around one: the distance to this neighbour


@dataclass(frozen=True, eq=False)
class OutOfDomain:
    """Distance to the nearest picture of the training that has the label answered, in units of a limit.

    Embeddings are compared by their square roots, sign kept: pooled activations are skewed, and a few loud channels
    would else decide alone. The idea is that of Sun et al., Out-of-Distribution Detection with Deep Nearest Neighbors,
    ICML 2022; there the embedding is scaled to length 1 instead, which forgets that noise and blank pictures excite a
    network little. Two things are added. A picture must lie near to those of *its* label: one that is taken for a knee
    and lies near to skulls is strange. And a distance counts in terms of how far apart training pictures lie around
    there (Breunig et al., LOF: Identifying Density-Based Local Outliers, SIGMOD 2000), since chests are many and alike.

    Attributes:
        references: ``(M, D)`` float16 roots of embeddings of the training.
        limit: distance that means 1: nearly all pictures of the right kind are nearer than this.
        in_domain: the share of them that were, among the pictures that the limit was chosen on.
        scales: ``(M,)`` distances that count 1 at each reference; empty for 1 throughout.
        members: ``(M, K)`` which labels each reference has; without columns, labels do not matter.
    """

    references: NDArray[np.float16]
    limit: float
    in_domain: float = 0.97
    scales: FloatArray = field(default_factory=lambda: np.empty(0))
    members: NDArray[np.bool_] = field(default_factory=lambda: np.empty((0, 0), dtype=bool))

    def __post_init__(self) -> None:
        if self.references.ndim != 2 or 0 in self.references.shape or not np.isfinite(self.references).all():
            raise ValueError(f"references must be finite (M, D), got shape {self.references.shape}")
        if not (self.limit > 0 and math.isfinite(self.limit)):
            raise ValueError(f"limit must be finite and above 0, got {self.limit}")
        rows = len(self.references)
        if len(self.scales) and not (self.scales.shape == (rows,) and (self.scales > 0).all()):
            raise ValueError(f"scales must be {rows} numbers above 0, got shape {self.scales.shape}")
        if self.members.size and (self.members.ndim != 2 or len(self.members) != rows):
            raise ValueError(f"members must be ({rows}, K), got shape {self.members.shape}")

    def score(self, embeddings: Any, answers: Any = None) -> FloatArray:
        """Score pictures: above 1 is none of those that the network knows.

        Args:
            embeddings: ``(N, D)`` pooled features of the network that made the references.
            answers: ``(N, K)`` logits or probabilities of the same pictures. They are needed if references have labels.

        Returns:
            ``(N,)``, 0 for a picture of the training itself, if the answer is its label.

        Raises:
            ValueError: the arrays do not fit, or the answers are missing.
        """
        rows = as_rows("embeddings", embeddings, self.references.shape[1])
        allowed = None
        if self.members.size:
            if answers is None:
                raise ValueError("this score goes by the label answered: pass the logits beside the embeddings")
            allowed = _allowed(self.members, _best(answers, len(rows), self.members.shape[1]))
        return _nearest(_roots(rows), self._references, self.scales, allowed) / self.limit

    @cached_property
    def _references(self) -> FloatArray:
        return self.references.astype(np.float64)


def fit_out_of_domain(
    embeddings: Any,
    labels: Any = None,
    *,
    held_out: Any = None,
    held_out_answers: Any = None,
    in_domain: float = 0.97,
    most: int = 1000,
    seed: int = 0,
) -> OutOfDomain:
    """Keep embeddings of the training, and choose the limit.

    Args:
        embeddings: ``(N, D)`` of pictures of the training, as they are (not augmented).
        labels: ``(N, K)`` zeros and ones, or ``(N,)`` class indices: where there are more than ``most`` pictures, rare
            classes keep theirs. ``(N, K)`` are also kept, and what is scored must lie near to its own kind.
        held_out: ``(V, D)`` of other patients of the right kind, for the limit. Without it every picture is held
            against the others of the training, which is a little too strict on new ones.
        held_out_answers: ``(V, K)`` logits of them; needed with ``held_out`` and labels ``(N, K)``.
        in_domain: share of the held-out pictures that shall score 1 or less.
        most: references that are kept.
        seed: which.

    Raises:
        ValueError: there are fewer than two pictures, or the arrays do not fit each other.
    """
    rows = _roots(as_rows("embeddings", embeddings))
    if len(rows) < 2 or most < 2 or not 0.0 < in_domain < 1.0:
        raise ValueError(f"wanted two pictures or more and a share between 0 and 1, got {len(rows)} and {in_domain}")
    classes = _classes(labels, len(rows))
    kept = _spread(classes, most, seed)
    references = rows[kept].astype(np.float16)
    members = np.empty((0, 0), dtype=bool)
    if labels is not None and as_array(labels).ndim == 2:
        members = as_array(labels)[kept] > 0
    whole = references.astype(np.float64)
    far = OutOfDomain(references, 1.0, in_domain, _scales(whole), members)
    if held_out is None:
        allowed = _allowed(members, classes[kept]) if members.size else np.ones((len(kept), len(kept)), dtype=bool)
        distances = _nearest(whole, whole, far.scales, allowed & ~np.eye(len(kept), dtype=bool))
    else:
        distances = far.score(as_rows("held_out", held_out, rows.shape[1]), held_out_answers)
        if not len(distances):
            raise ValueError("held_out holds no picture")
    finite = distances[np.isfinite(distances)]  # the only picture of its label is near to none of it
    limit = float(np.quantile(finite, in_domain)) if len(finite) else 1.0
    return replace(far, limit=max(limit, 1e-6))


def _roots(values: FloatArray) -> FloatArray:
    roots: FloatArray = np.sign(values) * np.sqrt(np.abs(values))
    return roots


def _nearest(
    rows: FloatArray, references: FloatArray, scales: FloatArray, allowed: NDArray[np.bool_] | None = None
) -> FloatArray:
    """Return for each row the least scaled distance to a reference that it may have, ``(N,)``; infinite if none."""
    found = np.full(len(rows), np.inf)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        distances = _distances(rows[part], references)
        if len(scales):
            distances /= scales
        if allowed is not None:
            distances[~allowed[part]] = np.inf
        found[part] = distances.min(axis=1)
    return found


def _distances(rows: FloatArray, references: FloatArray) -> FloatArray:
    squares = (rows**2).sum(axis=1)[:, None] + (references**2).sum(axis=1) - 2 * rows @ references.T
    distances: FloatArray = np.sqrt(np.maximum(squares, 0.0))
    return distances


def _scales(references: FloatArray) -> FloatArray:
    """Distance of each reference to its fifth neighbour, or to the last one there is, plus the median of these."""
    spacing = np.empty(len(references))
    neighbour = min(_NEIGHBOURS, len(references) - 1)  # 0 is the reference itself
    for start in range(0, len(references), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        spacing[part] = np.partition(_distances(references[part], references), neighbour, axis=1)[:, neighbour]
    scales: FloatArray = np.maximum(spacing + np.median(spacing), 1e-6).astype(np.float32).astype(np.float64)
    return scales  # as they come back from a file


def _best(answers: Any, count: int, classes: int) -> NDArray[np.int64]:
    values = as_rows("answers", answers, classes)
    if len(values) != count:
        raise ValueError(f"{len(values)} answers for {count} embeddings")
    best: NDArray[np.int64] = values.argmax(axis=1).astype(np.int64)
    return best


def _allowed(members: NDArray[np.bool_], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return ``(N, M)``: the references with a picture's label; all of them where there are none."""
    allowed: NDArray[np.bool_] = members.T[labels]
    return allowed | ~allowed.any(axis=1, keepdims=True)


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
