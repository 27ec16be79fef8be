"""The loss of sequences of boxes: each true box is matched with one step first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn import functional


class HungarianParts(NamedTuple):
    """The two halves of a Hungarian loss, scalars summed over all sets.

    In order: ``confidence``, the binary cross-entropy of all steps, of which 1 is asked of the matched ones and 0 of
    the others; ``location``, the smooth L1 distance of the matched steps from their boxes.
    """

    confidence: Tensor
    location: Tensor


class HungarianLoss(nn.Module):
    """Compare sequences of scored boxes with sets of true ones, whatever the order of those.

    The matching and the loss are those of Stewart, Andriluka and Ng, "End-to-end people detection in crowded scenes"
    (CVPR 2016); see :func:`match_steps`. It differs from theirs in the smooth L1 in place of L1 distance, which settles
    down near the truth, and in that true boxes beyond the number of steps are left out.

    Args:
        beta: distance below which the location loss is quadratic.

    Example:
        >>> logits, boxes = torch.zeros(1, 2), torch.tensor([[[1.0], [9.0]]])
        >>> parts = HungarianLoss()(logits, boxes, torch.tensor([[9.0]]), torch.tensor([0]), boxes[0].T != 9)
        >>> round(float(parts.confidence), 4), float(parts.location)  # twice log(2); the second step fits
        (1.3863, 0.0)
    """

    def __init__(self, beta: float = 0.25) -> None:
        super().__init__()
        self.beta = beta

    def forward(
        self,
        logits: Tensor,
        boxes: Tensor,
        true_boxes: Tensor,
        owners: Tensor,
        missed: Tensor,
        weight: Tensor | None = None,
    ) -> HungarianParts:
        """Compute both halves of the loss.

        Args:
            logits: ``(M, S)`` of the ``S`` steps of ``M`` sequences.
            boxes: ``(M, S, D)`` in any code in which distances make sense.
            true_boxes: ``(N, D)`` in the same code; often empty.
            owners: ``(N,)`` which sequence each true box belongs to.
            missed: ``(N, S)`` whether a step of its sequence fails to overlap a true box.
            weight: ``(M,)`` how much the *unmatched* steps of a sequence count; 1 if None.

        Raises:
            ValueError: the shapes do not fit.
        """
        _check(logits, boxes, true_boxes, owners, missed)
        found, steps = match_all(boxes.detach(), true_boxes, owners, missed)
        rows = owners[found]
        wanted = torch.zeros_like(logits)
        wanted[rows, steps] = 1
        counts = torch.ones_like(logits) if weight is None else weight.to(logits)[:, None].expand_as(logits).clone()
        counts[rows, steps] = 1
        confidence = functional.binary_cross_entropy_with_logits(logits, wanted, counts, reduction="sum")
        near, far = boxes[rows, steps], true_boxes[found].to(boxes)
        return HungarianParts(confidence, functional.smooth_l1_loss(near, far, reduction="sum", beta=self.beta))


def match_all(boxes: Tensor, true_boxes: Tensor, owners: Tensor, missed: Tensor) -> tuple[Tensor, Tensor]:
    """Match the true boxes of each sequence with its steps; arguments as for :class:`HungarianLoss`.

    Returns:
        The true boxes that have found a step, ``(P,)``, and these steps, ``(P,)``.
    """
    distance = (boxes[owners] - true_boxes[:, None].to(boxes)).abs().sum(dim=-1)  # (N, S)
    distance_, missed_, owners_ = distance.cpu().double().numpy(), missed.cpu().numpy(), owners.cpu().numpy()
    found, steps = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for owner in np.unique(owners_):
        own = np.flatnonzero(owners_ == owner)
        rows, columns = match_steps(missed_[own], distance_[own])
        found.append(own[rows])
        steps.append(columns)
    as_tensor = [torch.from_numpy(np.concatenate(each)).to(boxes.device) for each in (found, steps)]
    return as_tensor[0], as_tensor[1]


def match_steps(missed: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the matching of least cost, where the cost of a pair is the tuple (missed, step, distance).

    The sums of the three over all pairs are compared like words: first how many matched steps fail to overlap their
    box, then how late they come, and only then how far off they lie. That early steps are preferred teaches the
    sequence to name first what it is most certain of.

    Args:
        missed: ``(N, S)`` whether step ``s`` fails to overlap true box ``n``.
        distance: ``(N, S)``, not negative.

    Returns:
        The matched true boxes and their steps, both of length ``min(N, S)``.

    Example:
        >>> missed = np.array([[True, False, False], [True, True, True]])  # box 0 is hit by steps 1 and 2
        >>> [each.tolist() for each in match_steps(missed, np.ones((2, 3)))]
        [[0, 1], [1, 0]]
    """
    boxes, steps = distance.shape
    pairs = min(boxes, steps)
    rank = np.arange(steps, dtype=float)[None]
    # Distances of one matching sum to less than 1, ranks to less than pairs * steps: neither reaches the term before.
    near = np.nan_to_num(distance, nan=1e6, posinf=1e6)
    near = near / (pairs * near.max(initial=0.0) + 1.0)
    rows, columns = linear_sum_assignment(missed * float(pairs * steps) + rank + near)
    return rows, columns


def _check(logits: Tensor, boxes: Tensor, true_boxes: Tensor, owners: Tensor, missed: Tensor) -> None:
    if logits.ndim != 2 or boxes.ndim != 3 or boxes.shape[:2] != logits.shape:
        raise ValueError(f"logits must be (M, S) and boxes (M, S, D), got {tuple(logits.shape)}, {tuple(boxes.shape)}")
    count = len(true_boxes)
    wanted = {"true_boxes": (count, boxes.shape[2]), "owners": (count,), "missed": (count, logits.shape[1])}
    for name, tensor in {"true_boxes": true_boxes, "owners": owners, "missed": missed}.items():
        if tuple(tensor.shape) != wanted[name]:
            raise ValueError(f"{name} must be {wanted[name]}, got {tuple(tensor.shape)}")
