"""Training items whose random draws depend on the seed, the epoch and the item, and on nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Any, NamedTuple

import ignite.distributed as idist
import numpy as np
from monai.data import CacheDataset
from torch.utils.data.distributed import DistributedSampler


class EpochItem(NamedTuple):
    """Which item, in which epoch it is wanted, and how often it already was in that epoch."""

    epoch: int
    item: int
    repeat: int = 0

    @property
    def key(self) -> tuple[int, ...]:
        """Numbers that no other draw has.

        Example:
            >>> EpochItem(3, 7).key, EpochItem(3, 7, 1).key
            ((3, 7), (3, 7, 1))
        """
        return (self.epoch, self.item, self.repeat) if self.repeat else (self.epoch, self.item)


def draw_seed(*numbers: int) -> int:
    """Mix numbers, such as a seed, an epoch and an index, to the seed of a generator.

    Example:
        >>> draw_seed(0, 1, 2) == draw_seed(0, 1, 2), draw_seed(0, 1, 2) == draw_seed(0, 2, 1)
        (True, False)
    """
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class EpochSampler(DistributedSampler[Any]):
    """Shuffle anew in each epoch, and name the epoch with each item.

    The order depends on the seed and the epoch alone, so a training that goes on from a checkpoint sees what it would
    have seen. In a distributed run each process gets its share; some items come twice where the shares would not be
    equal. MONAI's trainers tell the epoch to a sampler of this kind.

    Args:
        dataset: what is sampled, a :class:`SeededCacheDataset`.
        seed: of the order.
        shuffle: or else the items come in order.
        num_replicas: number of processes; as it is if None.
        rank: which of them this is; as it is if None.
    """

    def __init__(
        self,
        dataset: Sized,
        seed: int = 0,
        shuffle: bool = True,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        count = idist.get_world_size() if num_replicas is None else num_replicas
        own = idist.get_rank() if rank is None else rank
        super().__init__(dataset, count, own, shuffle, seed)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[EpochItem]:
        """Yield the items of ``self.epoch``."""
        return (EpochItem(self.epoch, int(index)) for index in super().__iter__())


class SeededCacheDataset(CacheDataset):
    """A ``CacheDataset`` that seeds its random transforms for every item that an :class:`EpochItem` asks for.

    So the same patch comes out whichever process or worker makes it, however many there are, and whether or not the
    training was interrupted before. Asked with a plain index, it is a ``CacheDataset``.

    Args:
        data: see ``monai.data.CacheDataset``.
        transform: see there; a ``Compose``, flat, for its seed is handed on to its members.
        seed: mixed with epoch and index.
        kwargs: see ``monai.data.CacheDataset``.
    """

    def __init__(self, data: Any, transform: Any, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(data, transform, **kwargs)
        self.seed = seed

    def __getitem__(self, index: Any) -> Any:
        """Return an item, transformed."""
        if isinstance(index, EpochItem):
            self.transform.set_random_state(seed=draw_seed(self.seed, *index.key))
            index = index.item
        return super().__getitem__(index)
