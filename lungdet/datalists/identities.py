"""What images must not share across the parts of a list: patients, studies, files, contents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

Identity = tuple[str, str]  # its kind, and its name


def join_identities(images: Iterable[Sequence[Identity]]) -> list[Identity]:
    """Join images that share an identity, directly or by way of others.

    Args:
        images: identities of each image, at least one.

    Returns:
        For each image, an identity that stands for all that it is joined with.

    Example:
        >>> join_identities([[("patient", "a"), ("study", "1")], [("patient", "b")], [("study", "1")]])
        [('patient', 'a'), ('patient', 'b'), ('patient', 'a')]
    """
    parent: dict[Identity, Identity] = {}

    def root(key: Identity) -> Identity:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    first_of = []
    for first, *others in images:
        for other in others:
            parent[root(other)] = root(first)
        first_of.append(first)
    return [root(first) for first in first_of]


def find_shared(parts: Mapping[str, Iterable[Sequence[Identity]]]) -> list[str]:
    """Tell which identities are in several parts, one line for each, sorted.

    Example:
        >>> find_shared({"training": [[("patient", "a")]], "test": [[("patient", "b")], [("patient", "a")]]})
        ['patient a is in training and test']
    """
    homes: dict[Identity, dict[str, None]] = defaultdict(dict)
    for part, images in parts.items():
        for identities in images:
            for identity in identities:
                homes[identity][part] = None
    return [f"{kind} {name} is in {' and '.join(on)}" for (kind, name), on in sorted(homes.items()) if len(on) > 1]
