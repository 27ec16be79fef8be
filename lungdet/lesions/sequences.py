"""Lesions of a patient to sequences over studies: repeats joined, the rest linked over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lungdet.records.lesion_sequence import LesionSequence, PatientHistory, SequenceMark
from lungdet.records.measured_lesion import MeasuredLesion

from .lesion_distance import DistanceWeights, distance_terms, distances_with_fallback
from .links import RULES, Link, Rule, greedy_links, optimal_links
from .matching_weights import GEOMETRY
from .repeats import group_repeats
from .series_alignment import align_series

Groups = list[tuple[int, ...]]


def find_histories(
    lesions: Sequence[MeasuredLesion],
    weights: DistanceWeights,
    vectors: Mapping[str, ArrayLike] | None = None,
    rule: Rule = "optimal",
    align: bool = True,
    fallback: DistanceWeights | None = GEOMETRY,
) -> tuple[PatientHistory, ...]:
    """Find, for each patient, which marks are the same lesion.

    A mark is in exactly one sequence, and a sequence holds one lesion of a study at most. The answer depends neither on
    the order of the marks nor on other patients.

    Args:
        lesions: of any number of patients; keys must differ.
        weights: what tells lesions apart, and the threshold.
        vectors: embedding ``(D,)`` by key.
        rule: ``"optimal"`` assignment between studies, or the paper's ``"greedy"`` rule.
        align: compare places after :func:`~lungdet.lesions.series_alignment.align_series`.
        fallback: weights of pairs of marks of which one has no embedding, where ``weights`` want it; None never takes
            such marks for the same.

    Returns:
        One history a patient, sorted by name.

    Raises:
        ValueError: two marks have one key, the rule is unknown, or the weights need embeddings and there are none.
    """
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    if weights.uses_embedding and vectors is None:
        raise ValueError("these weights need embeddings: pass vectors, or take weights without `embedding`")
    patients: dict[str, list[MeasuredLesion]] = defaultdict(list)
    seen: set[str] = set()
    for lesion in lesions:
        if lesion.key in seen:
            raise ValueError(f"two lesions have the key {lesion.key}; keys must differ, those of other patients too")
        seen.add(lesion.key)
        patients[lesion.patient].append(lesion)
    return tuple(_history(patients[name], weights, vectors, rule, align, fallback) for name in sorted(patients))


def stack_vectors(lesions: Sequence[MeasuredLesion], vectors: Mapping[str, ArrayLike] | None) -> ArrayLike | None:
    """Take the embeddings of lesions: ``(N, D)``, rows of NaN for those without; None if there are none at all."""
    found = {lesion.key: np.asarray(vectors[lesion.key]) for lesion in lesions if vectors and lesion.key in vectors}
    if not found:
        return None
    nothing = np.full(len(next(iter(found.values()))), np.nan)
    return np.stack([found.get(lesion.key, nothing) for lesion in lesions])


def _history(
    lesions: list[MeasuredLesion],
    weights: DistanceWeights,
    vectors: Mapping[str, ArrayLike] | None,
    rule: Rule,
    align: bool,
    fallback: DistanceWeights | None,
) -> PatientHistory:
    lesions.sort(key=lambda lesion: (lesion.study, lesion.series, lesion.key))
    rows = stack_vectors(lesions, vectors)
    if rows is None and weights.uses_embedding:
        rows = np.full((len(lesions), 1), np.nan)
    terms = distance_terms(align_series(lesions) if align else lesions, rows)
    distances = distances_with_fallback(terms, weights, fallback)
    places = distances_with_fallback(terms, _for_repeats(weights), fallback and _for_repeats(fallback))
    groups = group_repeats(lesions, places, weights.repeat_threshold)
    between = _between_groups(distances, groups)
    studies = np.array([lesions[group[0]].study for group in groups], dtype=np.int64)
    find = optimal_links if rule == "optimal" else greedy_links
    chains = _chains(len(groups), find(between, studies, weights.threshold), studies)
    sequences = [
        LesionSequence(f"{lesions[0].patient}-{number:02d}", _marks(chain, groups, lesions, between))
        for number, chain in enumerate(chains, start=1)
    ]
    return PatientHistory(lesions[0].patient, tuple(sorted(set(studies.tolist()))), tuple(sequences))


def _for_repeats(weights: DistanceWeights) -> DistanceWeights:
    """Weights of what repeats share, with their limit as the threshold."""
    return replace(weights.of_place, threshold=weights.repeat_threshold or weights.threshold)


def _between_groups(distances: NDArray[np.float64], groups: Groups) -> NDArray[np.float64]:
    """Take the distance of the closest marks of two groups: later readers mark one of the slices, or another series."""
    if all(len(group) == 1 for group in groups):
        return distances
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])
    order = np.concatenate([np.array(group) for group in groups])
    shortest: NDArray[np.float64] = np.minimum.reduceat(
        np.minimum.reduceat(distances[np.ix_(order, order)], starts, axis=0), starts, axis=1
    )
    return shortest


def _chains(count: int, links: Sequence[Link], studies: NDArray[np.int64]) -> list[list[int]]:
    """Collect what links join, each chain in the order of the studies, chains in the order of their first."""
    home = {row: [row] for row in range(count)}
    for a, b in links:
        if home[a] is not home[b]:
            home[a].extend(home[b])
            for row in home[b]:
                home[row] = home[a]
    chains = {id(chain): sorted(chain, key=lambda row: (studies[row], row)) for chain in home.values()}
    return sorted(chains.values())


def _marks(
    chain: Sequence[int], groups: Groups, lesions: Sequence[MeasuredLesion], between: NDArray[np.float64]
) -> tuple[SequenceMark, ...]:
    marks = []
    for place in chain:
        longest, *repeats = sorted((lesions[row] for row in groups[place]), key=lambda mark: (-mark.long_mm, mark.key))
        others = [other for other in chain if other != place]
        distance = float(between[place, others].min()) if others else None
        marks.append(SequenceMark(longest, tuple(repeats), distance))
    return tuple(marks)
