"""Split groups that carry several labels, so that every label has its share of every part."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

_ALL = -2  # in place of a label: all of them together


def stratify(labels: Mapping[str, Sequence[int]], shares: Mapping[str, float], seed: int = 0) -> dict[str, str]:
    """Give every group, such as a patient, to one part: iterative stratification.

    The label that has fewest images left goes first. Of its groups, those with most images of it first and in a random
    order among equals, each goes to the part that lacks most of that label; of equals, to the one that lacks most
    images; of equals, to the first. But where no more groups of a label are left than parts that have none of it, those
    parts get them: a label of as many groups as there are parts is in each. The result does not depend on the order of
    the groups.

    After Sechidis, Tsoumakas and Vlahavas, On the stratification of multi-label data, ECML PKDD 2011, with groups in
    place of examples.

    Args:
        labels: labels of all images of each group, one after the other: a label counts as often as it comes. An image
            without labels is -1.
        shares: of the parts; they need not sum to 1. A part with 0 stays empty.
        seed: of the random order.

    Returns:
        Part by group.

    Raises:
        ValueError: a share is negative, or all are 0.

    Example:
        >>> found = stratify({f"p{n}": [n % 2] for n in range(20)}, {"training": 0.7, "test": 0.3})
        >>> sorted(n % 2 for n in range(20) if found[f"p{n}"] == "test")
        [0, 0, 0, 1, 1, 1]
    """
    total = sum(shares.values())
    if total <= 0 or min(shares.values()) < 0:
        raise ValueError(f"shares must be 0 or more, and not all 0, got {dict(shares)}")
    fractions = {part: share / total for part, share in shares.items() if share > 0}
    order = sorted(labels)
    random.Random(seed).shuffle(order)
    counts = {group: _count(labels[group]) for group in order}
    left = sum(counts.values(), Counter[int]())
    lacks = {part: {label: fraction * number for label, number in left.items()} for part, fraction in fractions.items()}
    has: dict[str, set[int]] = {part: set() for part in fractions}
    part_of: dict[str, str] = {}
    while len(part_of) < len(order):
        rarest = min((label for label in left if label != _ALL and left[label] > 0), key=lambda one: (left[one], one))
        groups = [group for group in order if group not in part_of and rarest in counts[group]]
        for done, group in enumerate(sorted(groups, key=lambda one: -counts[one][rarest])):
            without = [part for part in fractions if rarest not in has[part]]
            open_to = without if len(groups) - done <= len(without) else list(fractions)
            best = max(open_to, key=lambda part: (round(lacks[part][rarest], 6), round(lacks[part][_ALL], 6)))
            part_of[group] = best
            has[best] |= counts[group].keys()
            left.subtract(counts[group])
            for label, number in counts[group].items():
                lacks[best][label] -= number
    return part_of


def _count(labels: Sequence[int]) -> Counter[int]:
    """How often each label comes, and all together."""
    return Counter(labels) + Counter({_ALL: len(labels)})
