"""Reading ahead keeps order, bounds what is in memory, and passes errors on."""

import threading
from collections.abc import Iterator

import pytest

from lungdet.workflows.read_ahead import in_batches, read_ahead


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_order_is_kept(workers: int):
    assert list(read_ahead(lambda n: n * n, range(50), workers, window=4)) == [n * n for n in range(50)]
    assert list(read_ahead(abs, [], workers, window=1)) == []


def test_no_more_is_drawn_than_the_window():
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        for number in range(100):
            drawn += 1
            yield number

    results = read_ahead(abs, items(), 2, window=5)
    assert next(results) == 0
    assert drawn == 6  # the one that was taken, and the window
    results.close()


def test_threads_work_at_the_same_time():
    both = threading.Barrier(2, timeout=20)
    assert list(read_ahead(lambda n: both.wait() >= 0 and n, range(4), 2, window=4)) == [0, 1, 2, 3]


def test_an_error_comes_out_in_its_place():
    results = read_ahead(lambda n: 1 // n, [1, 0, 1], 2, window=3)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="workers"):
        list(read_ahead(abs, [1], -1, 1))
    with pytest.raises(ValueError, match="window"):
        list(read_ahead(abs, [1], 1, 0))
    with pytest.raises(ValueError, match="batch"):
        list(in_batches([1], 0))


def test_batches_are_cut_from_a_stream():
    assert list(in_batches(iter(range(5)), 2)) == [[0, 1], [2, 3], [4]]
    assert list(in_batches([], 3)) == []
