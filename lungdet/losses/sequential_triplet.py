"""The loss of an embedding in which the more alike are the closer, level by level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SCOPES = ("batch", "sequence")


class SequentialTripletLoss(nn.Module):
    """Hold lesions of a lower level of likeness further away than those of a higher one, by a margin for each level.

    For a lesion ``a``, one ``p`` of level ``h`` and one ``n`` of a lower level ``l``, the loss is
    ``max(0, d(a, p) - d(a, n) + m)`` with squared Euclidean distances ``d`` and ``m`` the sum of the margins of the
    levels from ``l`` up to ``h``. It is averaged over those that are not yet 0, for each pair of levels, and then over
    the pairs of levels, so that rare ones count as much as frequent ones (Yan et al., CVPR 2018, sequential sampling;
    averaging over what is not yet 0: Hermans et al., arXiv:1703.07737).

    Args:
        margins: by how much level 1 shall be closer than level 0, level 2 than level 1, and so on.
        scope: ``"batch"`` compares all lesions of a batch with each other; ``"sequence"`` only the first of each
            sequence with the others of it, as published.
        sequence_length: lesions of one sequence, which follow each other in a batch.

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
        self, margins: Sequence[float] = (0.2, 0.2, 0.2, 0.2), scope: str = "batch", sequence_length: int = 6
    ) -> None:
        super().__init__()
        if not len(margins) or min(margins) <= 0:
            raise ValueError(f"wanted at least one margin, all positive, got {list(margins)}")
        if scope not in SCOPES or sequence_length < 2:
            raise ValueError(
                f"scope must be {' or '.join(SCOPES)}, sequences 2 or longer: {scope!r}, {sequence_length}"
            )
        self.scope, self.sequence_length = scope, sequence_length
        heights = torch.cumsum(torch.tensor([0.0, *margins]), dim=0)
        self.register_buffer("margins", heights[:, None] - heights[None], persistent=False)  # [level h, level l]

    def forward(self, embeddings: Tensor, levels: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            embeddings: ``(B, D)``, usually of length 1.
            levels: ``(B, B)`` whole numbers, how alike row and column are; -1 where that is not known.

        Returns:
            A scalar; 0 where there is nothing to compare.

        Raises:
            ValueError: the shapes do not fit, or a level has no margin.
        """
        count = len(embeddings)
        if embeddings.ndim != 2 or tuple(levels.shape) != (count, count):
            raise ValueError(f"wanted (B, D) and (B, B), got {tuple(embeddings.shape)} and {tuple(levels.shape)}")
        if int(levels.max()) >= len(self.margins):
            raise ValueError(f"level {int(levels.max())} has no margin; there are {len(self.margins) - 1} margins")
        with torch.autocast(device_type=embeddings.device.type, enabled=False):
            return self._compare(embeddings.float(), self._masked(levels.long()))

    def _masked(self, levels: Tensor) -> Tensor:
        """Take out a lesion and itself, and with the scope ``"sequence"`` all but the first ones' own sequences."""
        count = len(levels)
        keep = ~torch.eye(count, dtype=torch.bool, device=levels.device)
        if self.scope == "sequence":
            place = torch.arange(count, device=levels.device)
            sequence = place // self.sequence_length
            keep = keep & (sequence[:, None] == sequence[None]) & (place % self.sequence_length == 0)[:, None]
        return torch.where(keep, levels, -1)

    def _compare(self, embeddings: Tensor, levels: Tensor) -> Tensor:
        squares = embeddings.square().sum(dim=1)
        apart = (squares[:, None] + squares[None] - 2 * embeddings @ embeddings.T).clamp(min=0)
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
