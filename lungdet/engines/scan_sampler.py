"""Scans of an evaluation, shared among processes."""

from __future__ import annotations

from collections.abc import Iterator, Sized

import ignite.distributed as idist
from torch.utils.data import Sampler


class ScanSampler(Sampler[int]):
    """Give each process one run of neighbouring scans, every scan to exactly one.

    Samplers for training repeat items until all processes have as many; a metric would count those twice. Joined in
    the order of the processes, the scans have the order of the data set, so that scores are those of one process.

    Args:
        dataset: what is sampled.
        num_replicas: number of processes; as it is if None.
        rank: which of them this is; as it is if None.

    Raises:
        ValueError: there are fewer scans than processes; one without any would leave the others waiting.

    Example:
        >>> [list(ScanSampler(range(5), 2, rank)) for rank in (0, 1)]
        [[0, 1], [2, 3, 4]]
    """

    def __init__(self, dataset: Sized, num_replicas: int | None = None, rank: int | None = None) -> None:
        processes = idist.get_world_size() if num_replicas is None else num_replicas
        own = idist.get_rank() if rank is None else rank
        count = len(dataset)
        if count < processes:
            raise ValueError(f"{count} scans for {processes} processes: start no more processes than there are scans")
        self.scans = range(own * count // processes, (own + 1) * count // processes)

    def __iter__(self) -> Iterator[int]:
        """Yield this process's scans in order."""
        return iter(self.scans)

    def __len__(self) -> int:
        """Count this process's scans."""
        return len(self.scans)
