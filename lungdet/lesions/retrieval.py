"""Lesions that look alike, of other patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .embedded import EmbeddedLesions
from .index import EXACT_UP_TO, LesionIndex, Library, build_index

NOBODY = ""  # a patient who is not known, of a query or in the collection: nobody else is that patient
NO_ANSWER = -1
WIDER = 4  # by so much the search widens as long as patients are too few


@dataclass(frozen=True, eq=False)
class Answers:
    """What a search finds, ``Q`` queries with ``k`` answers each, nearest first.

    Attributes:
        rows: ``(Q, k)`` in the collection; ``NO_ANSWER``, -1, where there are no more.
        distances: ``(Q, k)`` float32, Euclidean; infinite where there are no more.
    """

    rows: NDArray[np.intp]
    distances: NDArray[np.float32]


class LesionRetrieval:
    """A collection of lesions that can be asked for those most like a given one.

    An answer never comes from the patient of the query, since a lesion is most like itself in another study. By
    default no two answers come from one patient either: query and answers are all of different patients, as in Yan et
    al., "Deep Lesion Graphs in the Wild", CVPR 2018. Lesions whose patient is not known, ``NOBODY``, count as of
    different patients.

    Args:
        lesions: the collection.
        one_a_patient: give no patient twice.
        exact_up_to: see :func:`~lungdet.lesions.build_index`.
        library: see there.

    Raises:
        ValueError: the collection is empty.
    """

    def __init__(
        self,
        lesions: EmbeddedLesions,
        *,
        one_a_patient: bool = True,
        exact_up_to: int = EXACT_UP_TO,
        library: Library | None = None,
    ) -> None:
        if not len(lesions):
            raise ValueError("there are no lesions to search among; embed some first")
        self.lesions, self.one_a_patient = lesions, one_a_patient
        self.index: LesionIndex = build_index(lesions.vectors, exact_up_to=exact_up_to, library=library)
        self._patients = _numbered(lesions.patient)
        self._code = dict(zip(lesions.patient.tolist(), self._patients.tolist(), strict=True)) | {NOBODY: -1}
        self._most_of_one = int(np.bincount(self._patients).max())

    def like_rows(self, rows: NDArray[np.intp] | list[int], count: int) -> Answers:
        """Find what is most like lesions of the collection itself."""
        chosen = np.asarray(rows, dtype=np.intp)
        return self._nearest(self.lesions.vectors[chosen], self._patients[chosen], count)

    def like(self, vectors: NDArray[np.float32], patients: list[str], count: int) -> Answers:
        """Find what is most like any lesions.

        Args:
            vectors: ``(Q, D)``, by the same network as the collection.
            patients: of each query; ``NOBODY``, empty, if the patient is not known or not in the collection.
            count: answers for each.

        Raises:
            ValueError: the vectors do not fit the collection or the patients, or ``count`` is less than 1.
        """
        if len(vectors) != len(patients):
            raise ValueError(f"{len(vectors)} vectors, but {len(patients)} patients")
        own = np.array([self._code.get(name, -1) for name in patients], dtype=np.intp)
        return self._nearest(vectors, own, count)

    def _nearest(self, vectors: NDArray[np.float32], own: NDArray[np.intp], count: int) -> Answers:
        """Search, and widen the search until patients are enough; ``own`` are the numbers of those shut out."""
        if count < 1:
            raise ValueError(f"at least 1 answer must be asked for, got {count}")
        found = Answers(
            np.full((len(vectors), count), NO_ANSWER, dtype=np.intp),
            np.full((len(vectors), count), np.inf, dtype=np.float32),
        )
        open_queries = np.arange(len(vectors))
        width = count * WIDER + min(self._most_of_one, count)
        while len(open_queries):
            distances, rows = self.index.search(vectors[open_queries], width)
            full = np.zeros(len(open_queries), dtype=np.bool_)
            for place, query in enumerate(open_queries.tolist()):
                kept = self._allowed(rows[place], int(own[query]), count)
                found.rows[query, : len(kept)] = rows[place, kept]
                found.distances[query, : len(kept)] = distances[place, kept]
                full[place] = len(kept) == count
            open_queries = open_queries[~full] if width < len(self.lesions) else open_queries[:0]
            width *= WIDER
        return found

    def _allowed(self, rows: NDArray[np.intp], own: int, count: int) -> list[int]:
        """Choose the first ``count`` places whose patient may answer."""
        kept, seen = [], {own}
        for place, patient in enumerate(self._patients[rows].tolist()):
            if patient not in seen:
                kept.append(place)
                if self.one_a_patient:
                    seen.add(patient)
                if len(kept) == count:
                    break
        return kept


def random_answers(
    collection_patients: NDArray[Any], query_patients: NDArray[np.str_], count: int, seed: int = 0
) -> NDArray[np.intp]:
    """Draw answers by chance, under the same rule: all of different patients.

    Args:
        collection_patients: ``(N,)``.
        query_patients: ``(Q,)``.
        count: answers for each query.
        seed: of the draws.

    Returns:
        ``(Q, count)`` rows; ``NO_ANSWER`` where patients are too few.
    """
    rng = np.random.default_rng(seed)
    numbers = _numbered(collection_patients)
    drawn = np.full((len(query_patients), count), NO_ANSWER, dtype=np.intp)
    for query, own in enumerate(query_patients.tolist()):
        order = rng.permutation(len(collection_patients))
        _, first = np.unique(numbers[order], return_index=True)
        rows = order[np.sort(first)].tolist()
        kept = [row for row in rows if own == NOBODY or collection_patients[row] != own][:count]
        drawn[query, : len(kept)] = kept
    return drawn


def _numbered(patients: NDArray[Any]) -> NDArray[np.intp]:
    """Number patients; each lesion of one who is not known is of a patient of its own.

    Example:
        >>> _numbered(np.array(["b", "", "a", "", "b"])).tolist()
        [2, 3, 1, 4, 2]
    """
    names, numbers = np.unique(patients, return_inverse=True)
    unknown = np.flatnonzero(patients == NOBODY)
    numbers[unknown] = len(names) + np.arange(len(unknown))
    return numbers
