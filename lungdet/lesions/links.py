"""Which lesion of a study is which of a later one: links between lesions, by optimal assignment or greedily."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Rule = Literal["optimal", "greedy"]
RULES: tuple[Rule, ...] = ("optimal", "greedy")
Link = tuple[int, int]


def optimal_links(distances: NDArray[np.float64], studies: NDArray[np.int64], threshold: float) -> list[Link]:
    """Link lesions over time by assignment; then join what interleaves.

    The links of :func:`assigned_links` make chains. Two chains that share no study may still be one lesion: where a
    whole study is shifted, the others pass it by. So chains with a pair of lesions within the threshold are joined,
    the closest first, as long as no study is in both.

    Args:
        distances: ``(N, N)``, symmetric; infinite where lesions cannot be the same.
        studies: ``(N,)`` in the order of time.
        threshold: no link is longer.

    Returns:
        Pairs of rows, the earlier one first, in the order of the first. What hangs together is one lesion.

    Example:
        >>> far = np.array([[0, 9, 0.2, 0.6], [9, 0, 0.3, 9], [0.2, 0.3, 0, 9], [0.6, 9, 9, 0]])
        >>> optimal_links(far, np.array([1, 1, 2, 2]), 1.0)  # the nearest, 0 and 2, are not linked: both pairs count
        [(0, 3), (1, 2)]
    """
    near = (studies[:, None] < studies[None]) & (distances <= threshold)
    return _joined(near, distances, studies, assigned_links(distances, studies, threshold))


def assigned_links(distances: NDArray[np.float64], studies: NDArray[np.int64], threshold: float) -> list[Link]:
    """Link lesions over time so that all links together are worth most.

    Every lesion has at most one successor, in any later study, and one predecessor, in any earlier one: so sequences
    may skip studies, and never hold two lesions of one. A link is worth ``threshold**2 - distance**2``: with distances
    that come from likelihoods, what it says for "the same" above "as likely as not". The best set of links over all
    studies at once is an assignment of lesions to successors, solved exactly.

    Args and result are those of :func:`optimal_links`.
    """
    later = studies[:, None] < studies[None]
    worth = np.where(later & (distances <= threshold), threshold**2 - np.minimum(distances, threshold) ** 2, 0.0)
    first, second = linear_sum_assignment(worth, maximize=True)
    return [(int(a), int(b)) for a, b in zip(first, second, strict=True) if worth[a, b] > 0]


def greedy_links(distances: NDArray[np.float64], studies: NDArray[np.int64], threshold: float) -> list[Link]:
    """Link lesions as the paper's graph does: far edges are cut, and the nearest lesion of each study is kept.

    Edges above the threshold go; then every lesion keeps, of its edges to one study, the shortest alone, and what one
    of the two ends drops is gone. What hangs together is a sequence. Over three studies that may join two lesions of
    one study; so edges are taken from the shortest on, and one that would do so is left out.

    Args and result are those of :func:`optimal_links`.

    Example:
        >>> far = np.array([[0, 9, 0.2, 0.6], [9, 0, 0.3, 9], [0.2, 0.3, 0, 9], [0.6, 9, 9, 0]])
        >>> greedy_links(far, np.array([1, 1, 2, 2]), 1.0)
        [(0, 2)]
    """
    return _joined(_nearest_of_both(distances, studies, threshold), distances, studies, [])


def _joined(
    edges: NDArray[np.bool_], distances: NDArray[np.float64], studies: NDArray[np.int64], links: Sequence[Link]
) -> list[Link]:
    """Add edges to links, the shortest first, if they join groups that share no study; ties by row."""
    home = list(range(len(studies)))
    members = [[row] for row in home]
    seen = [{study} for study in studies.tolist()]
    pairs = [(int(a), int(b)) for a, b in zip(*np.nonzero(edges), strict=True) if studies[a] < studies[b]]
    pairs.sort(key=lambda pair: (float(distances[pair]), pair))
    kept = []
    for a, b in [*links, *pairs]:
        one, other = home[a], home[b]
        if one == other or seen[one] & seen[other]:
            continue
        kept.append((a, b))
        members[one] += members[other]
        seen[one] |= seen[other]
        for row in members[other]:
            home[row] = one
    return sorted(kept)


def _nearest_of_both(distances: NDArray[np.float64], studies: NDArray[np.int64], threshold: float) -> NDArray[np.bool_]:
    """Mark edges between studies that are the shortest to the other's study for both of their ends; ties by row."""
    kept = np.zeros(distances.shape, dtype=np.bool_)
    for study in np.unique(studies):
        columns = np.flatnonzero(studies == study)
        nearest = columns[np.argmin(distances[:, columns], axis=1)]
        kept[np.arange(len(studies)), nearest] = True
    kept &= (studies[:, None] != studies[None]) & (distances <= threshold)
    return kept & kept.T
