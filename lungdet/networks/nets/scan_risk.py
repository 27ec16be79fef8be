"""From the candidates of a scan to one probability for the scan."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

Pooling = Literal["noisy_or", "attention"]
SCORE, PRESENT = -2, -1  # the last two numbers of a packed candidate
TINY = 1e-12  # odds that simply add up


class ScanRisk(nn.Module):
    """Judge a scan by its most suspicious places, however many there are, in whatever order.

    Each candidate is described by features (what a nodule classifier makes of its cube) and the logit of the detector's
    score. They are standardised, by a batch norm that looks at real candidates only, and go through one hidden layer.

    ``"noisy_or"`` gives each candidate a probability of its own to make the scan positive, and one more, the leak, to
    what no candidate shows (Pearl, Probabilistic Reasoning in Intelligent Systems, 1988; for this task Liao et al.,
    IEEE TNNLS 2019, arXiv:1711.08324): ``1 - (1 - leak) * product(1 - p)``. A scan without candidates gets the leak.
    ``"attention"`` takes a mean of the hidden vectors with gated attention (Ilse, Tomczak, Welling, ICML 2018) and
    judges that; in place of a scan without candidates it judges a vector, which learns only where training shows such
    scans: :class:`lungdet.transforms.RandEmptyScand` makes some.

    Args:
        features: numbers that describe a candidate, without the detector's logit.
        pooling: ``"noisy_or"`` or ``"attention"``.
        hidden_channels: width of the hidden layer.
        dropout: share of features and of the hidden layer that is dropped in training.
        prior: probability of every candidate, and of a scan without any, before training.

    Attributes:
        in_channels: ``features + 2``: numbers of a packed candidate, see :func:`pack_candidates`.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> tuple(ScanRisk(8).eval()(torch.zeros(2, 6, 10)).shape)
        (2, 1)
    """

    def __init__(
        self,
        features: int,
        pooling: Pooling = "noisy_or",
        hidden_channels: int = 32,
        dropout: float = 0.2,
        prior: float = 0.1,
    ) -> None:
        super().__init__()
        if features < 0 or hidden_channels < 1 or not 0 <= dropout < 1 or not 0 < prior < 1:
            raise ValueError(f"out of range: {features=}, {hidden_channels=}, {dropout=}, {prior=}")
        if pooling not in get_args(Pooling):
            raise ValueError(f"pooling must be one of {get_args(Pooling)}, got {pooling!r}")
        self.pooling, self.in_channels = pooling, features + 2
        self.norm = nn.BatchNorm1d(features + 1, affine=False)
        self.hidden = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(features + 1, hidden_channels), nn.ReLU(), nn.Dropout(dropout)
        )
        self.answer = nn.Linear(hidden_channels, 1)
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.constant_(self.answer.bias, math.log(prior / (1 - prior)))
        if pooling == "noisy_or":
            self.leak = nn.Parameter(torch.tensor(math.log(prior / (1 - prior))))  # a logit
        else:
            self.content = nn.Linear(hidden_channels, hidden_channels)
            self.gate = nn.Linear(hidden_channels, hidden_channels)
            self.weight = nn.Linear(hidden_channels, 1, bias=False)
            self.nothing = nn.Parameter(torch.zeros(hidden_channels))

    def forward(self, candidates: Tensor) -> Tensor:
        """Judge scans.

        Args:
            candidates: ``(B, K, in_channels)``, see :func:`pack_candidates`; K may differ from call to call, and be 0.
                What absent candidates hold does not matter.

        Returns:
            ``(B, 1)`` float32 logits of the scans.

        Raises:
            ValueError: the shape is not as above.
        """
        with torch.autocast(candidates.device.type, enabled=False):  # too small to gain from half precision
            hidden, present = self._hidden(candidates)
            if self.pooling == "noisy_or":
                return leaky_noisy_or(self.answer(hidden)[..., 0], present, self.leak)[:, None]
            weights = self._attention(hidden, present)
            pooled = (weights[..., None] * hidden).sum(dim=1)
            pooled = torch.where(present.any(dim=1, keepdim=True), pooled, self.nothing)
            answers: Tensor = self.answer(pooled)
            return answers

    def shares(self, candidates: Tensor) -> Tensor:
        """Say which candidates the answer rests on, ``(B, K)`` in ``[0, 1]``; 0 for absent ones.

        With the noisy-or it is the probability with which a candidate alone makes the scan positive; with attention its
        weight in the mean.
        """
        with torch.autocast(candidates.device.type, enabled=False):
            hidden, present = self._hidden(candidates)
            if self.pooling == "noisy_or":
                return torch.where(present, self.answer(hidden)[..., 0].sigmoid(), 0.0)
            return self._attention(hidden, present)

    def _hidden(self, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden vectors ``(B, K, hidden_channels)``, 0 where there is no candidate, and who is there ``(B, K)``."""
        if candidates.ndim != 3 or candidates.shape[2] != self.in_channels:
            raise ValueError(f"wanted (B, K, {self.in_channels}) packed candidates, got {tuple(candidates.shape)}")
        present = candidates[..., PRESENT] > 0.5  # (B, K)
        known = torch.where(present[..., None], candidates[..., :PRESENT].float(), 0.0)
        hidden = self.hidden(self._standardised(known, present))
        return torch.where(present[..., None], hidden, 0.0), present

    def _standardised(self, known: Tensor, present: Tensor) -> Tensor:
        flat, there = known.flatten(0, 1), present.flatten()
        if self.training and int(there.sum()) > 1:
            normed = torch.zeros_like(flat)
            normed[there] = self.norm(flat[there])
        else:  # by what was counted so far: one candidate alone has no spread
            counted = self.norm.running_mean, self.norm.running_var
            normed = functional.batch_norm(flat, *counted, training=False, eps=self.norm.eps)
        return normed.unflatten(0, known.shape[:2])

    def _attention(self, hidden: Tensor, present: Tensor) -> Tensor:
        """Weights ``(B, K)`` that sum to 1 over the candidates that are there; all 0 where there are none."""
        scores = self.weight(self.content(hidden).tanh() * self.gate(hidden).sigmoid())[..., 0]
        weights = scores.masked_fill(~present, -1e4).softmax(dim=1) if present.shape[1] else scores
        return torch.where(present, weights, 0.0)


def leaky_noisy_or(logits: Tensor, present: Tensor, leak: Tensor) -> Tensor:
    """Join the probabilities of independent causes, of which any one suffices.

    Args:
        logits: ``(B, K)`` of the candidates.
        present: ``(B, K)`` which of them are there.
        leak: logit of what no candidate shows, a scalar.

    Returns:
        ``(B,)`` logits, computed without ever leaving the logarithm.

    Example:
        Two candidates of one half each, and a leak of one fifth: 1 - 0.8 * 0.5 * 0.5 = 0.8.

        >>> leak = torch.tensor(0.2).logit()
        >>> leaky_noisy_or(torch.zeros(1, 2), torch.ones(1, 2).bool(), leak).sigmoid()
        tensor([0.8000])
    """
    nothing = torch.where(present, functional.softplus(logits), 0.0).sum(dim=1) + functional.softplus(leak)
    tiny = nothing < TINY
    usual = torch.where(tiny, 1.0, nothing)
    joined = usual + torch.log(-torch.expm1(-usual))  # logit of 1 - exp(-nothing)
    causes = torch.cat([torch.where(present, logits, -torch.inf), leak.expand(len(logits), 1)], dim=1)
    return torch.where(tiny, causes.logsumexp(dim=1), joined)


def pack_candidates(features: Tensor, score_logits: Tensor, room: int) -> Tensor:
    """Put the candidates of one scan into one tensor of fixed size, which a batch can hold.

    Args:
        features: ``(K, F)``.
        score_logits: ``(K,)`` of the detector's scores.
        room: places for candidates, K or more.

    Returns:
        ``(room, F + 2)`` float32: features, the detector's logit, and 1 for a candidate or 0 for an empty place.

    Raises:
        ValueError: there are more candidates than places, or the numbers of features and scores differ.

    Example:
        >>> pack_candidates(torch.tensor([[5.0]]), torch.tensor([2.0]), 2)
        tensor([[5., 2., 1.],
                [0., 0., 0.]])
    """
    if features.ndim != 2 or score_logits.shape != features.shape[:1] or len(features) > room:
        raise ValueError(
            f"wanted (K, F) and (K,), K <= {room}, got {tuple(features.shape)}, {tuple(score_logits.shape)}"
        )
    packed = torch.zeros(room, features.shape[1] + 2)
    packed[: len(features)] = torch.cat([features, score_logits[:, None], torch.ones(len(features), 1)], dim=1)
    return packed
