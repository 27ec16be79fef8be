"""The loss of a nodule classifier: a nodule or not, of which type, and rated how."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

KEYS = ("nodule", "kind", "ratings")


class NoduleHeadsLoss(nn.Module):
    """Sum of three losses, each over the items that know its truth.

    * ``nodule``: binary cross-entropy of nodule against look-alike.
    * ``kind``: cross-entropy of the type, of nodules only.
    * ``ratings``: binary cross-entropy of "would a reader give more than 1, 2, 3, 4?" against the share of the readers
      who did, averaged over all such questions. So the readers' spread is learnt with their mean, and a rating stays a
      scale whose steps are in order (cumulative answers; Frank and Hall, ECML 2001).

    A part that no item of the batch knows is 0. It is computed in float32, so half-precision logits are safe.

    Args:
        weights: of the three parts.
        types: kinds of nodule among the logits.
        smoothing: of nodule and type, in [0, 1): a 1 becomes ``1 - s / 2`` there; see :class:`LabelLoss` for the type.

    Attributes:
        latest_parts: the parts of the last call, unweighted, by name.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> ratings = torch.full((1, 7, 4), torch.nan)
        >>> told = {"nodule": torch.tensor([1.0]), "kind": torch.tensor([-1]), "ratings": ratings}
        >>> round(float(NoduleHeadsLoss()(torch.zeros(1, 33), told)), 4)  # log(2); the rest is not known
        0.6931
    """

    def __init__(
        self, weights: tuple[float, float, float] = (1.0, 1.0, 1.0), types: int = 4, smoothing: float = 0.0
    ) -> None:
        super().__init__()
        if len(weights) != len(KEYS) or min(weights) < 0 or types < 1 or not 0 <= smoothing < 1:
            raise ValueError(f"out of range: {weights=}, {types=}, {smoothing=}")
        self.weights, self.types, self.smoothing = tuple(weights), types, smoothing
        self.latest_parts: dict[str, Tensor] = {}

    def forward(self, logits: Tensor, told: Mapping[str, Tensor]) -> Tensor:
        """Compute the loss.

        Args:
            logits: ``(B, 1 + types + ratings * 4)`` of ``NoduleClassifier``.
            told: ``nodule`` ``(B,)``, 1, 0 or -1 for unknown; ``kind`` ``(B,)`` int64, -1 for unknown; ``ratings``
                ``(B, ratings, 4)`` shares, NaN for unknown.

        Returns:
            A scalar.

        Raises:
            ValueError: the shapes do not fit.
        """
        nodule, kind, ratings = (told[key] for key in KEYS)
        first = 1 + self.types
        if logits.ndim != 2 or logits.shape[1] != first + ratings[0].numel() or len(ratings) != len(logits):
            raise ValueError(
                f"logits must be (B, {first} + 4 for each rating), got {tuple(logits.shape)} for {tuple(ratings.shape)}"
            )
        with torch.autocast(logits.device.type, enabled=False):  # which would take logarithms to half precision
            answers = logits.float()
            parts = (
                self._nodule(answers[:, 0], nodule),
                self._kind(answers[:, 1:first], kind),
                _ratings(answers[:, first:], ratings.flatten(1)),
            )
            self.latest_parts = {key: part.detach() for key, part in zip(KEYS, parts, strict=True)}
            return torch.stack([weight * part for weight, part in zip(self.weights, parts, strict=True)]).sum()

    def _nodule(self, logits: Tensor, truth: Tensor) -> Tensor:
        known = truth >= 0
        soft = truth[known].float() * (1 - self.smoothing) + self.smoothing / 2
        return _mean(functional.binary_cross_entropy_with_logits(logits[known], soft, reduction="none"))

    def _kind(self, logits: Tensor, truth: Tensor) -> Tensor:
        known = truth >= 0
        losses = functional.cross_entropy(logits[known], truth[known], label_smoothing=self.smoothing, reduction="none")
        return _mean(losses)


def _ratings(logits: Tensor, shares: Tensor) -> Tensor:
    """Both ``(B, ratings * 4)``."""
    known = ~shares.isnan()
    return _mean(functional.binary_cross_entropy_with_logits(logits[known], shares[known].float(), reduction="none"))


def _mean(losses: Tensor) -> Tensor:
    """Mean of ``(N,)``; 0, but still with a gradient, where there are none."""
    return losses.sum() / max(len(losses), 1)
