"""Weights and threshold of the distance between lesions, learnt from marks whose identity is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from lungdet.metrics.sequence_pairs import SequenceScores, sequence_scores
from lungdet.records.lesion_sequence import PatientHistory
from lungdet.records.measured_lesion import MeasuredLesion

from .lesion_distance import TERMS, DistanceWeights, FloatArray, distance_terms
from .links import Rule
from .sequences import find_histories, stack_vectors
from .series_alignment import align_series

THRESHOLDS = tuple(round(0.4 + 0.1 * step, 1) for step in range(22))  # 0.4 to 2.5
REPEAT_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
RIDGE = 1e-3  # of the scaled weights: where the pairs can be told apart without error, weights stay finite


def fit_distance_weights(
    lesions: Sequence[MeasuredLesion],
    identities: Sequence[str],
    vectors: Mapping[str, ArrayLike] | None = None,
    terms: Collection[str] = TERMS,
) -> DistanceWeights:
    """Fit weights by logistic regression: at a distance of 1 a pair is as likely the same lesion as not.

    The pairs are those of one patient in different studies, places after
    :func:`~lungdet.lesions.series_alignment.align_series`. The log odds of "the same" are taken for a constant minus a
    weighted sum of the terms; weights are 0 or more.

    Args:
        lesions: marks of several patients.
        identities: which lesion each is; those of different patients are not compared.
        vectors: embeddings by key.
        terms: of :data:`~lungdet.lesions.lesion_distance.TERMS`, those to use; the embedding only if there are vectors.

    Raises:
        ValueError: there is no pair of the same lesion, or none of different ones; or near pairs are not more often the
            same than far ones.
    """
    used = [name in terms and (name != "embedding" or vectors is not None) for name in TERMS]
    features, same = _pairs(lesions, identities, vectors)
    if not same.any() or same.all():
        raise ValueError(f"pairs of the same lesion and of others are needed, got {int(same.sum())} of {len(same)}")
    weights, constant = _fit_logistic(np.nan_to_num(features) * np.array(used), same)
    if constant <= 0 or not weights.any():
        raise ValueError("near pairs are not more often the same lesion than far ones: are the identities right?")
    return DistanceWeights(**dict(zip(TERMS, (weights / constant).tolist(), strict=True)))


def fit_threshold(
    lesions: Sequence[MeasuredLesion],
    identities: Sequence[str],
    weights: DistanceWeights,
    vectors: Mapping[str, ArrayLike] | None = None,
    rule: Rule = "optimal",
    thresholds: Sequence[float] = THRESHOLDS,
    repeat_thresholds: Sequence[float] = REPEAT_THRESHOLDS,
) -> DistanceWeights:
    """Choose both thresholds with the best F1 of pairs: that of links, that of repeats, then that of links again.

    Of equally good ones the middle is taken.

    Args:
        lesions: marks of patients that the weights were not fitted to, if there are enough.
        identities: which lesion each is.
        weights: of which the thresholds are replaced.
        vectors: embeddings by key.
        rule: by which lesions will be linked.
        thresholds: of links, to try.
        repeat_thresholds: of repeats, to try; that of the weights stays where no lesion was marked twice in a study.

    Raises:
        ValueError: there is no pair of the same lesion, so that nothing can be chosen.
    """
    places = [(lesion.patient, identity, lesion.study) for lesion, identity in zip(lesions, identities, strict=True)]
    if len({place[:2] for place in places}) == len(set(places)):
        raise ValueError("no lesion is marked in two studies: thresholds cannot be chosen")

    def best(tried: Sequence[DistanceWeights]) -> DistanceWeights:
        scores = [score_histories(find_histories(lesions, one, vectors, rule), lesions, identities) for one in tried]
        f1 = np.nan_to_num([score.pairs.f1 for score in scores])
        places = np.flatnonzero(f1 >= f1.max())
        return tried[int(places[len(places) // 2])]

    linked = best([replace(weights, threshold=value) for value in thresholds])
    has_repeats = len(set(places)) < len(places)
    joined = best([replace(linked, repeat_threshold=value) for value in repeat_thresholds]) if has_repeats else linked
    return best([replace(joined, threshold=value) for value in thresholds])


def score_histories(
    histories: Sequence[PatientHistory], lesions: Sequence[MeasuredLesion], identities: Sequence[str]
) -> SequenceScores:
    """Compare sequences with identities; see :func:`lungdet.metrics.sequence_scores`.

    Raises:
        ValueError: there is not one identity a lesion.
    """
    names = {key: sequence.name for history in histories for sequence in history.sequences for key in sequence.keys}
    true = [f"{lesion.patient} {identity}" for lesion, identity in zip(lesions, identities, strict=True)]
    return sequence_scores([names[lesion.key] for lesion in lesions], true, [lesion.study for lesion in lesions])


def _pairs(
    lesions: Sequence[MeasuredLesion], identities: Sequence[str], vectors: Mapping[str, ArrayLike] | None
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Terms ``(P, 7)`` of the pairs of a patient over studies, and whether they are the same lesion."""
    patients: dict[str, list[int]] = defaultdict(list)
    for row, lesion in enumerate(lesions):
        patients[lesion.patient].append(row)
    features, same = [np.zeros((0, len(TERMS)))], [np.zeros(0, dtype=np.bool_)]
    for rows in patients.values():
        rows.sort(key=lambda row: (lesions[row].study, lesions[row].series, lesions[row].key))
        members = align_series([lesions[row] for row in rows])
        studies = np.array([lesion.study for lesion in members])
        names = np.array([identities[row] for row in rows])
        pair = studies[:, None] < studies[None]
        features.append(distance_terms(members, stack_vectors(members, vectors))[pair])
        same.append((names[:, None] == names[None])[pair])
    return np.concatenate(features), np.concatenate(same)


def _fit_logistic(features: FloatArray, same: NDArray[np.bool_]) -> tuple[FloatArray, float]:
    """Weights ``(7,)``, 0 or more, and the constant of ``log odds = constant - weights . features``."""
    scale = np.sqrt((features[same] ** 2).mean(axis=0)) + 1e-3 * np.sqrt((features**2).mean(axis=0)) + 1e-12
    scaled, sign = features / scale, np.where(same, 1.0, -1.0)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        odds = parameters[-1] - scaled @ parameters[:-1]
        slope = -sign * expit(-sign * odds) / len(same)
        gradient = np.append(-(slope @ scaled), slope.sum())
        gradient[:-1] += RIDGE * parameters[:-1] / len(TERMS)
        ridge = RIDGE * (parameters[:-1] ** 2).sum() / 2 / len(TERMS)
        return float(np.logaddexp(0.0, -sign * odds).mean() + ridge), gradient

    start = np.append(np.ones(len(TERMS)), 1.0)
    bounds = [(0.0, None)] * len(TERMS) + [(None, None)]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 2000})
    weights = np.where((features != 0).any(axis=0), best.x[:-1] / scale, 0.0)
    return weights, float(best.x[-1])
