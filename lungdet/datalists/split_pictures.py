"""Split labelled pictures by patient, each label in its share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from .identities import join_identities
from .picture_entry import PictureEntry
from .stratify import stratify


def split_pictures(
    entries: Sequence[PictureEntry], shares: Mapping[str, float], seed: int = 0
) -> dict[str, list[PictureEntry]]:
    """Split so that a patient, a study and a content come into one part, by :func:`~.stratify.stratify`.

    Args:
        entries: all pictures.
        shares: of each part; they need not sum to 1. A part with 0 stays empty.
        seed: of the random order.

    Returns:
        Entries by part, each in the order of ``entries``; which part, that does not depend on their order.

    Raises:
        ValueError: a share is negative, or all are 0.

    Example:
        >>> pictures = [PictureEntry(f"{n}.png", (n % 2,), f"p{n // 2}") for n in range(40)]
        >>> found = split_pictures(pictures, {"training": 0.7, "validation": 0.15, "test": 0.15})
        >>> {part: len(some) for part, some in found.items()}
        {'training': 28, 'validation': 6, 'test': 6}
    """
    owners = join_owners(entries)
    labels: dict[str, list[int]] = defaultdict(list)
    for owner, entry in zip(owners, entries, strict=True):
        labels[owner] += entry.labels or (-1,)
    part_of = stratify(labels, shares, seed)
    parts: dict[str, list[PictureEntry]] = {part: [] for part in shares}
    for owner, entry in zip(owners, entries, strict=True):
        parts[part_of[owner]].append(entry)
    return parts


def join_owners(entries: Sequence[PictureEntry]) -> list[str]:
    """Tell, for each picture, the patient it goes with: the first by name of those that share anything.

    Example:
        >>> first, second = PictureEntry("1.png", (0,), "b", "", "f00d"), PictureEntry("2.png", (0,), "a", "", "f00d")
        >>> join_owners([first, second])
        ['a', 'a']
    """
    roots = join_identities(entry.identities for entry in entries)
    names: dict[tuple[str, str], str] = {}
    for root, entry in zip(roots, entries, strict=True):
        name = entry.identities[0][1]
        names[root] = min(names.get(root, name), name)
    return [names[root] for root in roots]
