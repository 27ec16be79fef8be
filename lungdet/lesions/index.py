"""Nearest vectors among many: one interface over exact search and approximate search.

``faiss`` (https://github.com/facebookresearch/faiss), the extra ``retrieval``, is used if it is installed; without it
numpy searches exactly, however many there are.
"""

from __future__ import annotations

import math
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

EXACT_UP_TO = 100_000
BLOCK_BYTES = 1 << 26  # of distances, or of vectors, that are held at a time
PROBED = 32  # lists of the approximate index that are looked through
LEARNT_FROM = 64  # vectors for each list: more change nothing but the time
BIG_BATCH = 20  # from so many queries on faiss multiplies matrices as numpy does, and numpy does it faster
Library = Literal["faiss", "numpy"]
Vectors = NDArray[np.float32]
Found = tuple[NDArray[np.float32], NDArray[np.intp]]


class LesionIndex(Protocol):
    """What every index does. Distances are Euclidean."""

    name: str
    exact: bool

    def __len__(self) -> int: ...

    def search(self, queries: Vectors, count: int) -> Found:
        """Find the nearest vectors of each query.

        Args:
            queries: ``(Q, D)``.
            count: how many for each; no more than there are come back.

        Returns:
            Distances and row numbers, ``(Q, count)``, nearest first; of equal ones that with the lower number first.
        """
        ...


def build_index(vectors: Vectors, *, exact_up_to: int = EXACT_UP_TO, library: Library | None = None) -> LesionIndex:
    """Make vectors searchable: exactly up to a number of them, approximately above.

    Args:
        vectors: ``(N, D)`` float32.
        exact_up_to: from here on the search is approximate, if faiss is there. Of 110,000 vectors of 256 numbers in
            eight heaps, mixed or sorted by heap, it found all of the ten nearest of 100 queries; the order they come in
            does not matter, but how they lie does.
        library: ``faiss`` or ``numpy``; faiss if it is installed, if None.

    Raises:
        ValueError: there are no vectors, or they are not ``(N, D)``.
        ModuleNotFoundError: faiss is asked for and not installed.
    """
    if vectors.ndim != 2 or not vectors.size:
        raise ValueError(f"an index needs vectors, (N, D) with N and D of 1 or more, got {vectors.shape}")
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    faiss = None if library == "numpy" else import_faiss(required=library == "faiss")
    if faiss is None:
        return NumpyIndex(vectors)
    return FaissIndex(faiss, vectors, exact=len(vectors) <= exact_up_to)


def import_faiss(required: bool = True) -> Any:
    """Import faiss, or say how to install it; None if it is absent and not required.

    Raises:
        ModuleNotFoundError: it is required and not installed.
    """
    try:
        import faiss
    except ModuleNotFoundError as error:
        if not required:
            return None
        raise ModuleNotFoundError("faiss is not installed: pip install 'lungdet[retrieval]'", name="faiss") from error
    return faiss


class NumpyIndex:
    """Compare a query with every vector.

    Example:
        >>> index = NumpyIndex(np.array([[0, 0], [3, 4], [1, 0]], np.float32))
        >>> index.search(np.zeros((1, 2), np.float32), 2)
        (array([[0., 1.]], dtype=float32), array([[0, 2]]))
    """

    name, exact = "numpy", True

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        self._squares: NDArray[np.float32] = np.einsum("nd,nd->n", vectors, vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, queries: Vectors, count: int) -> Found:
        """Find the nearest vectors; see :class:`LesionIndex`."""
        queries, count = _checked(self.vectors, queries, count)
        step = max(1, BLOCK_BYTES // (4 * len(self)))
        blocks = [self._nearest(queries[low : low + step], count) for low in range(0, len(queries), step)]
        rows = np.concatenate(blocks) if blocks else np.empty((0, count), dtype=np.intp)
        return _in_order(self.vectors, queries, rows)

    def _nearest(self, queries: Vectors, count: int) -> NDArray[np.intp]:
        """List the nearest in any order: |v - q|^2 without |q|^2, which changes nothing."""
        if len(queries) == 1:  # a matrix of one row would be multiplied slowly
            far = self._squares - 2 * (self.vectors @ queries[0])[None]
        else:
            far = self._squares - 2 * (queries @ self.vectors.T)
        return np.argpartition(far, count - 1, axis=1)[:, :count]


class FaissIndex:
    """Search with faiss: every vector, or the lists of vectors that are near.

    Args:
        faiss: the module.
        vectors: ``(N, D)``.
        exact: look at every vector; else k-means makes ``2 sqrt(N)`` lists from vectors drawn from all over the
            collection, and ``PROBED`` of the lists are looked through.
    """

    def __init__(self, faiss: Any, vectors: Vectors, exact: bool) -> None:
        self.vectors, self.exact = vectors, exact
        self.name = "faiss, exact" if exact else "faiss, approximate"
        count, width = vectors.shape
        self._index: Any = faiss.IndexFlatL2(width)
        self._by_matrix = NumpyIndex(vectors) if exact else None
        if not exact:
            self._index = _lists(faiss, self._index, width, round(2 * math.sqrt(count)))
            self._index.train(_some_of(vectors, LEARNT_FROM * self._index.nlist))
        self._index.add(vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(self, queries: Vectors, count: int) -> Found:
        """Find the nearest vectors; see :class:`LesionIndex`."""
        if self._by_matrix is not None and len(queries) >= BIG_BATCH:
            return self._by_matrix.search(queries, count)
        queries, count = _checked(self.vectors, queries, count)
        _, rows = self._index.search(queries, count)
        if not self.exact and (rows < 0).any():  # the lists at hand hold fewer: look through all
            probed, self._index.nprobe = self._index.nprobe, self._index.nlist
            _, rows = self._index.search(queries, count)
            self._index.nprobe = probed
        return _in_order(self.vectors, queries, np.asarray(rows, dtype=np.intp))


def _lists(faiss: Any, cells: Any, width: int, count: int) -> Any:
    index = faiss.IndexIVFFlat(cells, width, count)
    index.nprobe = min(PROBED, count)
    index.cp.niter, index.cp.seed, index.cp.min_points_per_centroid = 10, 0, 1
    return index


def _some_of(vectors: Vectors, count: int) -> Vectors:
    """Draw vectors from the whole collection, the same ones each time: a collection may be sorted.

    Example:
        >>> _some_of(np.arange(4.0, dtype=np.float32)[:, None], 9).ravel().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    if count >= len(vectors):
        return vectors
    return vectors[np.sort(np.random.default_rng(0).choice(len(vectors), count, replace=False))]


def _checked(vectors: Vectors, queries: Vectors, count: int) -> tuple[Vectors, int]:
    if queries.ndim != 2 or queries.shape[1] != vectors.shape[1]:
        raise ValueError(f"queries must be (Q, {vectors.shape[1]}), got {queries.shape}; is it the same network?")
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    return np.ascontiguousarray(queries, dtype=np.float32), min(count, len(vectors))


def _in_order(vectors: Vectors, queries: Vectors, rows: NDArray[np.intp]) -> Found:
    """Measure the distances again, without the cancellation of squares, and sort by them."""
    distances = np.empty(rows.shape, dtype=np.float32)
    step = max(1, BLOCK_BYTES // (4 * max(1, rows.shape[1]) * vectors.shape[1]))
    for low in range(0, len(rows), step):
        part = slice(low, low + step)
        distances[part] = np.linalg.norm(vectors[rows[part]] - queries[part, None], axis=2)
    order = np.lexsort((rows, distances))
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
