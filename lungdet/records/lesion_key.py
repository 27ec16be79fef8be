"""What one lesion of a list is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


def lesion_keys(file_names: Iterable[str]) -> list[str]:
    """Name lesions by the file of their key slice and a running number among the lesions of that file, from 0.

    A slice may hold several lesions, and rows of a list have no names of their own. The number counts the lesions in
    the order of the list: leave none out between two lists whose keys are to agree.

    Example:
        >>> lesion_keys(["a.png", "b.png", "a.png"])
        ['a.png#0', 'b.png#0', 'a.png#1']
    """
    seen: Counter[str] = Counter()
    keys = []
    for name in file_names:
        keys.append(f"{name}#{seen[name]}")
        seen[name] += 1
    return keys
