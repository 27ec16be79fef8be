"""How far apart two lesions are: one number from embedding, place, size and type; 1 is as likely the same as not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lungdet.records.measured_lesion import UNKNOWN_TYPE, MeasuredLesion

FloatArray = NDArray[np.float64]
TERMS = ("x", "y", "z", "long", "short", "type", "embedding")
LEAST_MM = 1.0  # a diameter below is taken for this: its logarithm must not decide


@dataclass(frozen=True)
class DistanceWeights:
    """What each term adds to the squared distance of two lesions.

    The squared distance is the sum of ``weight * term``. Terms are squared differences of the relative x, y and z, and
    of the natural logarithms of the diameters; 1 where both types are known and differ; and the squared Euclidean
    distance of the embeddings. A diameter or type that is not known of both adds nothing; without a location or an
    embedding that has a weight there is no distance, see :func:`lesion_distances`.

    Attributes:
        x, y, z: per squared unit of the location; ``1 / 0.05**2`` says that a shift of 0.05 makes a distance of 1.
        long, short: per squared unit of the logarithm of a diameter.
        type: for different types.
        embedding: per squared unit of the embedding; 0 does without.
        threshold: lesions farther apart are not the same one.
        repeat_threshold: marks of one study, in different series, that are no farther apart than this by place and
            embedding alone are one lesion; see :func:`~lungdet.lesions.repeats.group_repeats`. 0 takes each mark for a
            lesion of its own.

    Raises:
        ValueError: a number is negative or not finite, all weights are 0, or the threshold is 0.

    Example:
        >>> DistanceWeights(x=400, y=400, z=2500, long=1, short=1, type=1).uses_embedding
        False
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    long: float = 0.0
    short: float = 0.0
    type: float = 0.0
    embedding: float = 0.0
    threshold: float = 1.0
    repeat_threshold: float = 0.25

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{field.name} must be finite and 0 or more, got {value}")
        if not any(self.of_terms):
            raise ValueError(f"one weight at least must be above 0: {', '.join(TERMS)}")
        if self.threshold == 0:
            raise ValueError("threshold must be above 0: at 0 nothing is the same lesion")

    @property
    def of_terms(self) -> tuple[float, ...]:
        """The weights, in the order of :data:`TERMS`."""
        return tuple(getattr(self, name) for name in TERMS)

    @property
    def uses_embedding(self) -> bool:
        """Whether embeddings are needed."""
        return self.embedding > 0

    @property
    def uses_location(self) -> bool:
        """Whether lesions without a location cannot be compared."""
        return max(self.x, self.y, self.z) > 0

    @property
    def of_place(self) -> DistanceWeights:
        """The same without size and type, which two marks of one lesion in one study need not share."""
        if not (self.uses_location or self.uses_embedding):
            return self
        return replace(self, long=0.0, short=0.0, type=0.0)

    def to_json(self) -> dict[str, float]:
        """Return the numbers by name."""
        return asdict(self)


def distance_terms(lesions: Sequence[MeasuredLesion], vectors: ArrayLike | None = None) -> FloatArray:
    """Compare every lesion with every other one.

    Args:
        lesions: ``N`` of them.
        vectors: ``(N, D)`` embeddings; rows of NaN where there is none.

    Returns:
        ``(N, N, 7)``, symmetric, in the order of :data:`TERMS`; NaN where a term is not known of both.

    Raises:
        ValueError: there is not one vector a lesion.

    Example:
        >>> a = MeasuredLesion("a", "p", 1, 1, "liver", 10.0, 5.0, (0.5, 0.5, 0.5))
        >>> b = MeasuredLesion("b", "p", 2, 1, "lung", 20.0, 5.0, (0.5, 0.6, 0.5))
        >>> distance_terms([a, b])[0, 1].round(2).tolist()
        [0.0, 0.01, 0.0, 0.48, 0.0, 1.0, nan]
    """
    count = len(lesions)
    terms = np.empty((count, count, len(TERMS)))
    columns = np.array([_numbers(lesion) for lesion in lesions], dtype=np.float64).reshape(count, 5)
    terms[..., :5] = (columns[:, None] - columns[None]) ** 2
    terms[..., 5] = _type_terms([lesion.lesion_type for lesion in lesions])
    terms[..., 6] = np.nan if vectors is None else _embedding_terms(vectors, count)
    return terms


def lesion_distances(
    lesions: Sequence[MeasuredLesion], weights: DistanceWeights, vectors: ArrayLike | None = None
) -> FloatArray:
    """Tell how far every lesion is from every other one.

    Args:
        lesions: ``N`` of them.
        weights: what counts how much.
        vectors: ``(N, D)`` embeddings; rows of NaN where there is none.

    Returns:
        ``(N, N)``, symmetric; infinite where the embedding has a weight and is not known of both, or the location has
        one and is not: what is unknown must not make lesions alike.

    Raises:
        ValueError: the weights need embeddings and there are none.
    """
    if weights.uses_embedding and vectors is None:
        raise ValueError("these weights need embeddings: pass vectors, or take weights without `embedding`")
    return distances_of_terms(distance_terms(lesions, vectors), weights)


def distances_of_terms(terms: FloatArray, weights: DistanceWeights) -> FloatArray:
    """Add up terms, ``(..., 7)``, to distances, ``(...)``; see :func:`lesion_distances`."""
    known = ~np.isnan(terms)
    squared = (np.where(known, terms, 0.0) * np.array(weights.of_terms)).sum(axis=-1)
    has_ground = np.ones(squared.shape, dtype=np.bool_)
    if weights.uses_location:
        has_ground &= known[..., :3].all(axis=-1)
    if weights.uses_embedding:
        has_ground &= known[..., 6]
    distances: FloatArray = np.where(has_ground, np.sqrt(squared), np.inf)
    return distances


def distances_with_fallback(
    terms: FloatArray, weights: DistanceWeights, fallback: DistanceWeights | None
) -> FloatArray:
    """Add up terms as :func:`distances_of_terms`, and by other weights where there is no embedding.

    Args:
        terms: ``(..., 7)``.
        weights: of pairs that have what the weights build on.
        fallback: of pairs without embeddings, if ``weights`` want them; their distances are stretched so that the
            threshold of ``weights`` is their limit, too. None leaves such pairs infinitely far apart.
    """
    distances = distances_of_terms(terms, weights)
    if fallback is None or not weights.uses_embedding:
        return distances
    stretch = weights.threshold / fallback.threshold
    without = np.isnan(terms[..., TERMS.index("embedding")])
    mixed: FloatArray = np.where(without, stretch * distances_of_terms(terms, fallback), distances)
    return mixed


def _numbers(lesion: MeasuredLesion) -> tuple[float, ...]:
    long = math.log(max(lesion.long_mm, LEAST_MM))
    short = math.nan if lesion.short_mm is None else math.log(max(lesion.short_mm, LEAST_MM))
    return (*(lesion.location or (math.nan,) * 3), long, short)


def _type_terms(types: Sequence[str]) -> FloatArray:
    names = np.array(types, dtype=np.str_)
    known = names != UNKNOWN_TYPE
    differ = (names[:, None] != names[None]).astype(np.float64)
    terms: FloatArray = np.where(known[:, None] & known[None], differ, np.nan)
    return terms


def _embedding_terms(vectors: ArrayLike, count: int) -> FloatArray:
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != count:
        raise ValueError(f"vectors must be ({count}, D), one a lesion, got {rows.shape}")
    terms: FloatArray = ((rows[:, None] - rows[None]) ** 2).sum(axis=-1)
    return terms
