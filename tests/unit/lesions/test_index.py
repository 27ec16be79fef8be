import sys

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from lungdet.lesions import build_index
from lungdet.lesions.index import NumpyIndex, import_faiss

LIBRARIES = ["numpy", *(["faiss"] if import_faiss(required=False) else [])]
needs_faiss = pytest.mark.skipif("faiss" not in LIBRARIES, reason="faiss is not installed")


def vectors(count: int, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("queries", [1, 7, 50])
def test_scikit_learn_agrees(library, queries):
    known, asked = vectors(500), vectors(queries, seed=1)
    distances, rows = build_index(known, library=library).search(asked, 9)
    wanted_distances, wanted_rows = NearestNeighbors(n_neighbors=9, algorithm="brute").fit(known).kneighbors(asked)
    np.testing.assert_array_equal(rows, wanted_rows)
    np.testing.assert_allclose(distances, wanted_distances, rtol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
def test_hand_worked_distances_and_order_of_ties(library):
    index = build_index(np.array([[3, 4], [0, 1], [1, 0], [0, 0]], np.float32), library=library)
    distances, rows = index.search(np.zeros((1, 2), np.float32), 4)
    assert rows.tolist() == [[3, 1, 2, 0]]
    assert distances.tolist() == [[0, 1, 1, 5]]


@pytest.mark.parametrize("library", LIBRARIES)
def test_of_equal_distances_the_lower_row_comes_first(library):
    known = np.random.default_rng(0).choice([-2, -1, 1, 2], 300)[:, None].astype(np.float32)
    _, rows = build_index(known, library=library).search(np.zeros((1, 1), np.float32), 300)
    wanted = sorted(range(300), key=lambda row: (abs(known[row, 0]), row))
    assert rows.tolist() == [wanted]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_vector_finds_itself_at_no_distance(library):
    known = 1000 + vectors(100)  # squares would cancel badly
    distances, rows = build_index(known, library=library).search(known[:30], 1)
    assert rows[:, 0].tolist() == list(range(30))
    assert not distances.any()


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_more_come_back_than_there_are(library):
    index = build_index(vectors(3), library=library)
    distances, rows = index.search(vectors(2), 10)
    assert distances.shape == rows.shape == (2, 3)
    assert index.search(vectors(2)[:0], 2)[1].shape == (0, 2)


def test_blocks_do_not_change_the_answer(monkeypatch):
    known, asked = vectors(200), vectors(30, seed=1)
    whole = NumpyIndex(known).search(asked, 5)
    monkeypatch.setattr("lungdet.lesions.index.BLOCK_BYTES", 4 * 200 * 7)
    for part, all_of_it in zip(NumpyIndex(known).search(asked, 5), whole, strict=True):
        np.testing.assert_array_equal(part, all_of_it)


@needs_faiss
def test_above_the_limit_the_search_is_approximate_and_nearly_right():
    rng = np.random.default_rng(0)
    places = rng.normal(size=(20_000, 4)).astype(np.float32)  # near a surface of four dimensions, as embeddings are
    known = np.tanh(places @ rng.normal(size=(4, 32)).astype(np.float32)).astype(np.float32)
    exact, quick = build_index(known), build_index(known, exact_up_to=10_000)
    assert exact.exact
    assert not quick.exact
    assert (exact.name, quick.name) == ("faiss, exact", "faiss, approximate")
    rows, wanted = quick.search(known[:200], 10)[1], exact.search(known[:200], 10)[1]
    assert np.mean([len({*a} & {*b}) / 10 for a, b in zip(rows, wanted, strict=True)]) > 0.98


@needs_faiss
def test_the_lists_are_learnt_from_the_whole_of_a_sorted_collection(monkeypatch):
    monkeypatch.setattr("lungdet.lesions.index.LEARNT_FROM", 4)
    known = np.repeat(np.arange(8, dtype=np.float32), 500)[:, None] * 100 + vectors(4000, width=8)
    index = build_index(known, exact_up_to=0)
    sizes = [index._index.invlists.list_size(number) for number in range(index._index.nlist)]
    assert max(sizes) < 400  # not one list for each of the kinds that come last


@needs_faiss
def test_the_approximate_index_gives_as_many_as_are_asked_for():
    known = vectors(2000)
    index = build_index(known, exact_up_to=0)
    _, rows = index.search(known[:3], 2000)
    assert [sorted(row) for row in rows.tolist()] == [list(range(2000))] * 3


def test_without_faiss_numpy_searches(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    index = build_index(vectors(50), exact_up_to=10)
    assert (index.name, index.exact, len(index)) == ("numpy", True, 50)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lungdet\[retrieval\]'"):
        build_index(vectors(50), library="faiss")


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_no_question_is_refused(library):
    with pytest.raises(ValueError, match="an index needs vectors"):
        build_index(vectors(0), library=library)
    index = build_index(vectors(5), library=library)
    with pytest.raises(ValueError, match="is it the same network"):
        index.search(vectors(2, width=3), 1)
    with pytest.raises(ValueError, match="at least 1"):
        index.search(vectors(2), 0)
