"""Draw rare classes more often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .label_weights import count_labels
from .seeded_dataset import EpochItem, EpochSampler, draw_seed


class BalancedSampler(EpochSampler):
    """Draw as many items as there are in each epoch, with replacement, the more often the rarer their class.

    An item's weight is that of the rarest of its labels, ``count ** -balance``, and at most ``most`` times the least
    weight. What is drawn depends on the seed and the epoch alone. In a distributed run each process gets its share of
    the same draw, and all shares are equally long. An item that is drawn again in an epoch is another
    :class:`EpochItem`, so that its random transforms differ. MONAI's trainers tell the epoch to a sampler of this kind.

    Args:
        items: of the data set, in its order, with ``key``: a class, or ``(num_classes,)`` of 0 and 1.
        num_classes: how many classes there are.
        seed: of the draws.
        balance: 0 draws all items alike, 1 all classes (up to the bound).
        most: the bound; a handful of pictures repeated without end are learned by heart.
        key: of the label in an item.
        num_replicas: number of processes; as it is if None.
        rank: which of them this is; as it is if None.

    Raises:
        ValueError: there is no item, or an argument is out of its range.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        num_classes: int,
        seed: int = 0,
        balance: float = 0.5,
        most: float = 25.0,
        key: str = "label",
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        super().__init__(items, seed, num_replicas=num_replicas, rank=rank)
        self.weights = item_weights(items, num_classes, balance, most, key)

    def __iter__(self) -> Iterator[EpochItem]:
        """Yield this process's share of the draw of ``self.epoch``."""
        generator = np.random.default_rng(draw_seed(self.seed, self.epoch))
        drawn = generator.choice(len(self.weights), size=self.total_size, p=self.weights)
        seen: dict[int, int] = {}
        for place, item in enumerate(drawn.tolist()):
            repeat = seen[item] = seen.get(item, -1) + 1
            if place % self.num_replicas == self.rank:
                yield EpochItem(self.epoch, item, repeat)


def item_weights(
    items: Sequence[Mapping[str, Any]], num_classes: int, balance: float = 0.5, most: float = 25.0, key: str = "label"
) -> NDArray[np.float64]:
    """Return the probability of each item, ``(N,)``.

    Raises:
        ValueError: there is no item, or an argument is out of its range.

    Example:
        >>> item_weights([{"label": 0}] * 4 + [{"label": 1}], 2, balance=1.0).round(3).tolist()
        [0.125, 0.125, 0.125, 0.125, 0.5]
    """
    if not items or not 0 <= balance <= 1 or not most >= 1:
        raise ValueError(
            f"wanted items, balance in [0, 1] and most of at least 1, got {len(items)}, {balance} and {most}"
        )
    counts = np.array(count_labels(items, num_classes, key), dtype=np.float64)
    rarest = np.array([_least(counts, np.asarray(item[key]), len(items)) for item in items])
    weights = rarest**-balance
    weights = np.minimum(weights, most * weights.min())
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _least(counts: NDArray[np.float64], label: NDArray[Any], total: int) -> float:
    own = counts[int(label)] if label.ndim == 0 else counts[label > 0]
    return float(np.min(own, initial=total))
