"""The loss of an embedding in which the more alike are the closer, level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

SCOPES = ("batch", "sequence", "steps")


class SequentialTripletLoss(nn.Module):
    """Hold lesions of a lower level of likeness further away than those of a higher one, by a margin for each level.

    For a lesion ``a``, one ``p`` of level ``h`` and one ``n`` of a lower level ``l``, the loss is
    ``max(0, d(a, p) - d(a, n) + m)`` with squared Euclidean distances ``d`` and ``m`` the sum of the margins of the
    levels from ``l`` up to ``h``. It is averaged over those that are not yet 0, for each pair of levels, and then over
    the pairs of levels, so that rare ones count as much as frequent ones (averaging over what is not yet 0: Hermans et
    al., arXiv:1703.07737). The sequences are those of Yan et al., CVPR 2018; their loss is the scope ``"steps"``: only
    the first lesion ``a`` of a sequence with two that follow each other in it, ``p`` and then ``n``, and half the mean
    over the sequences of the sum over the steps. A step between two of one level counts nothing.

    To it comes, if wanted, how unlikely a neighbour is as alike as it should be: a lesion picks another one with a
    probability that falls as ``exp(-d / temperature)``, and the loss is ``-log`` of the probability that the pick is of
    level 1 or above, averaged over the lesions that have one; then the same for level 2, and so on (Goldberger et al.,
    NIPS 2004, neighbourhood components). Lesions of one type may so lie in many places. The highest level, the lesion
    itself at another time, is not picked from.

    And the distances themselves can be asked for: of pairs whose unlikeness is told, the mean of
    ``|d - reach * unlikeness|``.

    Args:
        margins: by how much level 1 shall be closer than level 0, level 2 than level 1, and so on.
        scope: ``"batch"`` compares all lesions of a batch with each other; ``"sequence"`` only the first of each
            sequence with the others of it, all levels with all; ``"steps"`` those of a sequence that follow each other.
        sequence_length: lesions of one sequence, which follow each other in a batch.
        neighbour_weights: of the second part, from level 1 on; none leave it out.
        temperature: squared distance over which a lesion's neighbours fade.
        distance_weight: of the third part; 0 leaves it out.
        reach: squared distance of two lesions whose unlikeness is 1.

    Attributes:
        latest_parts: the parts of the last loss, by name.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> corner = torch.tensor([[1.0, 0], [0, 1.0], [1.0, 0]])  # the first is like the second, but lies on the third
        >>> levels = torch.tensor([[1, 1, 0], [1, 1, -1], [0, -1, 1]])
        >>> float(SequentialTripletLoss(margins=[0.5])(corner, levels))
        2.5
    """

    margins: Tensor

    def __init__(
        self,
        margins: Sequence[float] = (0.2, 0.2, 0.2, 0.2),
        scope: str = "batch",
        sequence_length: int = 6,
        neighbour_weights: Sequence[float] = (),
        temperature: float = 0.1,
        distance_weight: float = 0.0,
        reach: float = 0.8,
    ) -> None:
        super().__init__()
        if not len(margins) or min(margins) <= 0:
            raise ValueError(f"wanted at least one margin, all positive, got {list(margins)}")
        if scope not in SCOPES or sequence_length < 2:
            wanted = f"scope {' or '.join(SCOPES)}, and sequences of 2 or more"
            raise ValueError(f"wanted {wanted}, got {scope!r} and {sequence_length}")
        if min(neighbour_weights, default=0) < 0 or len(neighbour_weights) >= len(margins) or temperature <= 0:
            wanted = f"at most {len(margins) - 1} weights of 0 or more, and a positive temperature"
            raise ValueError(f"wanted {wanted}, got {list(neighbour_weights)} and {temperature}")
        self.scope, self.sequence_length = scope, sequence_length
        self.neighbour_weights, self.temperature = tuple(neighbour_weights), temperature
        if distance_weight < 0 or reach <= 0:
            raise ValueError(f"wanted a weight of 0 or more and a positive reach, got {distance_weight} and {reach}")
        self.distance_weight, self.reach = distance_weight, reach
        self.latest_parts: dict[str, Tensor] = {}
        heights = torch.cumsum(torch.tensor([0.0, *margins]), dim=0)
        self.register_buffer("margins", heights[:, None] - heights[None], persistent=False)  # [level h, level l]

    def forward(self, embeddings: Tensor, targets: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Compute the loss.

        Args:
            embeddings: ``(B, D)``, usually of length 1.
            targets: ``(B, B)`` whole numbers, how alike row and column are; -1 where that is not known. Or a mapping
                with these as ``levels``, and ``(B, B)`` from 0 to 1 as ``unlikeness``, NaN where it is not known.

        Returns:
            A scalar; 0 where there is nothing to compare.

        Raises:
            ValueError: the shapes do not fit, a level has no margin, or sequences are cut short.
        """
        told = targets if isinstance(targets, Mapping) else {"levels": targets}
        levels, count = told["levels"], len(embeddings)
        if embeddings.ndim != 2 or tuple(levels.shape) != (count, count):
            raise ValueError(f"wanted (B, D) and (B, B), got {tuple(embeddings.shape)} and {tuple(levels.shape)}")
        if int(levels.max()) >= len(self.margins):
            raise ValueError(f"level {int(levels.max())} has no margin; there are {len(self.margins) - 1} margins")
        with torch.autocast(device_type=embeddings.device.type, enabled=False):
            apart = squared_distances(embeddings.float())
            parts = {"triplets": self._triplets(apart, levels.long())}
            for level, weight in enumerate(self.neighbour_weights, start=1):
                parts[f"neighbours_{level}"] = weight * self._pick(apart, levels.long(), level)
            if self.distance_weight:
                parts["distances"] = self.distance_weight * self._differ(apart, told["unlikeness"])
            self.latest_parts = {name: part.detach() for name, part in parts.items()}
            return torch.stack(list(parts.values())).sum()

    def _triplets(self, apart: Tensor, levels: Tensor) -> Tensor:
        return self._step(apart, levels) if self.scope == "steps" else self._compare(apart, self._masked(levels))

    def _step(self, apart: Tensor, levels: Tensor) -> Tensor:
        """Compare each two that follow each other in a sequence, seen from its first lesion."""
        if len(levels) % self.sequence_length:
            raise ValueError(f"wanted whole sequences of {self.sequence_length} lesions, got {len(levels)} lesions")
        places = torch.arange(len(levels), device=levels.device).reshape(-1, self.sequence_length)
        first, others = places[:, :1], places[:, 1:]
        apart, levels = apart[first, others], levels[first, others]  # (sequences, sequence_length - 1)
        high, low = levels[:, :-1], levels[:, 1:]
        losses = (apart[:, :-1] - apart[:, 1:] + self.margins[high.clamp(min=0), low.clamp(min=0)]).clamp(min=0)
        return torch.where((high > low) & (low >= 0), losses, 0.0).sum() / (2 * max(1, len(places)))

    def _masked(self, levels: Tensor) -> Tensor:
        """Take out a lesion and itself, and with the scope ``"sequence"`` all but the first ones' own sequences."""
        count = len(levels)
        keep = ~torch.eye(count, dtype=torch.bool, device=levels.device)
        if self.scope == "sequence":
            place = torch.arange(count, device=levels.device)
            sequence = place // self.sequence_length
            keep = keep & (sequence[:, None] == sequence[None]) & (place % self.sequence_length == 0)[:, None]
        return torch.where(keep, levels, -1)

    def _pick(self, apart: Tensor, levels: Tensor, least: int) -> Tensor:
        others = (levels >= 0) & (levels < len(self.margins) - 1)
        others = others & ~torch.eye(len(levels), dtype=torch.bool, device=levels.device)
        right = others & (levels >= least)
        asked = right.any(dim=1) & (others & ~right).any(dim=1)
        if not asked.any():
            return apart.sum() * 0
        nearness = -apart[asked] / self.temperature
        nothing = torch.finfo(nearness.dtype).min
        every = nearness.masked_fill(~others[asked], nothing).logsumexp(dim=1)
        return (every - nearness.masked_fill(~right[asked], nothing).logsumexp(dim=1)).mean()

    def _differ(self, apart: Tensor, unlikeness: Tensor) -> Tensor:
        known = torch.isfinite(unlikeness)
        wrong = (apart - self.reach * unlikeness.nan_to_num()).abs() * known
        return wrong.sum() / known.sum().clamp(min=1)

    def _compare(self, apart: Tensor, levels: Tensor) -> Tensor:
        high, low = levels[:, :, None], levels[:, None, :]  # (anchor, p, n)
        valid = (high > low) & (low >= 0)
        anchor, p, n = valid.nonzero(as_tuple=True)
        high, low = levels[anchor, p], levels[anchor, n]
        losses = (apart[anchor, p] - apart[anchor, n] + self.margins[high, low]).clamp(min=0)
        pair = high * len(self.margins) + low
        sums, active = losses.new_zeros((2, len(self.margins) ** 2))
        sums = sums.index_add(0, pair, losses)
        active = active.index_add(0, pair, (losses > 0).to(losses.dtype))
        there = torch.zeros_like(sums).index_fill(0, pair, 1.0)
        return (sums / active.clamp(min=1)).sum() / there.sum().clamp(min=1)


def squared_distances(vectors: Tensor) -> Tensor:
    """Squared Euclidean distances of all pairs of ``(B, D)``, ``(B, B)``.

    Example:
        >>> squared_distances(torch.tensor([[0.0, 0], [3, 4]]))
        tensor([[ 0., 25.],
                [25.,  0.]])
    """
    squares = vectors.square().sum(dim=1)
    return (squares[:, None] + squares[None] - 2 * vectors @ vectors.T).clamp(min=0)
