"""Lesions of a training epoch, in sequences to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lungdet.lesions import SEQUENCE_LENGTH, LesionFacts, RelationLimits, SequenceSampler

from .seeded_dataset import EpochItem, EpochSampler, draw_seed


class LesionSequenceSampler(EpochSampler):
    """Draw sequences of six lesions, each less like the first than the one before, and hand them out one by one.

    What is drawn depends on the seed and the epoch alone. In a distributed run each process gets every ``n``-th
    sequence of the same draw. Let batches hold whole sequences: 6 lesions, 12, 60, ... A lesion that is drawn again in
    an epoch is another :class:`EpochItem`, so that its random transforms differ.

    Args:
        items: of the data set, in its order; see :meth:`lungdet.lesions.LesionFacts.of_items`.
        sequences: of an epoch, over all processes; as many as it takes to draw as many lesions as there are, if None.
        seed: of the draws.
        limits: settings of :class:`lungdet.lesions.RelationLimits`; the usual ones if None.
        type_balance: see :class:`lungdet.lesions.SequenceSampler`.
        same_patient: likewise.
        num_replicas: number of processes; as it is if None.
        rank: which of them this is; as it is if None.

    Raises:
        ValueError: an argument is out of its range, or too little is known of the lesions.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        sequences: int | None = None,
        seed: int = 0,
        limits: Mapping[str, float] | None = None,
        type_balance: float = 0.5,
        same_patient: float = 0.3,
        num_replicas: int | None = None,
        rank: int | None = None,
    ) -> None:
        super().__init__(items, seed, num_replicas=num_replicas, rank=rank)
        wanted = -(-len(items) // SEQUENCE_LENGTH) if sequences is None else sequences
        if wanted < 1:
            raise ValueError(f"wanted at least one sequence an epoch, got {sequences}")
        each = -(-wanted // self.num_replicas)
        self.num_samples, self.total_size = each * SEQUENCE_LENGTH, each * SEQUENCE_LENGTH * self.num_replicas
        facts = LesionFacts.of_items(items)
        self.sampler = SequenceSampler(facts, RelationLimits(**(limits or {})), type_balance, same_patient)

    def __iter__(self) -> Iterator[EpochItem]:
        """Yield this process's share of the draw of ``self.epoch``."""
        generator = np.random.default_rng(draw_seed(self.seed, self.epoch))
        drawn = self.sampler.draw(generator, self.total_size // SEQUENCE_LENGTH)
        seen: dict[int, int] = {}
        for number, sequence in enumerate(drawn.tolist()):
            for item in sequence:
                repeat = seen[item] = seen.get(item, -1) + 1
                if number % self.num_replicas == self.rank:
                    yield EpochItem(self.epoch, item, repeat)

    def __len__(self) -> int:
        """Count this process's lesions of an epoch."""
        return self.num_samples
