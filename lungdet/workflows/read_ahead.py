"""Do the next steps in threads while this one is used, in order and with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, window: int
) -> Iterator[Result]:
    """Yield ``function(item)`` of each item, in order; up to ``window`` of them are under way or done ahead.

    Args:
        function: called in a thread; what it raises comes out here.
        items: drawn as they are needed.
        workers: threads; 0 calls the function right here.
        window: at least 1.

    Raises:
        ValueError: ``workers`` or ``window`` is too small.

    Example:
        >>> list(read_ahead(abs, [-1, 2, -3], workers=2, window=2))
        [1, 2, 3]
    """
    if workers < 0 or window < 1:
        raise ValueError(f"workers must be at least 0 and window at least 1, got {workers} and {window}")
    if workers == 0:
        yield from map(function, items)
        return
    remaining = iter(items)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="read")
    try:
        waiting: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(remaining, window))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(remaining, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists of ``size``; the last may be shorter.

    Example:
        >>> list(in_batches("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    if size < 1:
        raise ValueError(f"a batch holds at least 1, got {size}")
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
