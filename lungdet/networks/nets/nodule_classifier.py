"""A cube about a mark to answers: nodule or look-alike, its type, and how readers would rate it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lungdet.networks.blocks.nodule_densenet import NoduleDenseNet
from lungdet.networks.blocks.second_look_backbone import SecondLookBackbone
from lungdet.records.rating_target import NODULE_TYPES, ORDINAL_RATINGS, RATING_LEVELS

Backbone = Literal["densenet", "second_look"]
STEPS = RATING_LEVELS - 1  # questions to a rating: above 1, 2, 3, 4?
TYPES, RATINGS = len(NODULE_TYPES), len(ORDINAL_RATINGS)
_SMALLEST_SIDE = 32


class NoduleLogits(NamedTuple):
    """Answers of :class:`NoduleClassifier`, apart.

    In order: ``nodule``, ``(B,)``, the logit that it is a nodule; ``kind``, ``(B, types)``, logits of ``NODULE_TYPES``
    for a softmax; ``ratings``, ``(B, ratings, 4)``, logits that a reader gives more than 1, 2, 3, 4 in each of
    ``ORDINAL_RATINGS``.
    """

    nodule: Tensor
    kind: Tensor
    ratings: Tensor


class NoduleClassifier(nn.Module):
    """Judge cubes of 48 mm: a backbone that gives a vector, and heads that answer from it.

    A rating is an ordinal answer: four logits, of more than 1, 2, 3 and 4, that never rise. The first is free, and each
    further one lies below the one before by a softplus, so that they cannot contradict each other.

    Args:
        in_channels: of the cubes.
        types: kinds of nodule to tell apart.
        ratings: ordinal ratings.
        backbone: ``"densenet"``, a :class:`~lungdet.networks.blocks.NoduleDenseNet`, or ``"second_look"``, the network
            by which the detector judges its candidates, so that its weights can be taken over.
        embed_channels: length of the DenseNet's vectors.
        dropout: share of the vector that is dropped before the heads, in training.
        settings: further settings of the backbone, by name.

    Attributes:
        backbone: cubes to vectors; ``embed`` calls it.
        heads: vectors to answers.

    Raises:
        ValueError: an argument is out of its range, or there is no such backbone.

    Example:
        >>> network = NoduleClassifier(settings={"block_config": (1, 1)}).eval()
        >>> with torch.no_grad():
        ...     network(torch.rand(2, 1, 48, 48, 48)).shape, network.embed(torch.rand(2, 1, 48, 48, 48)).shape
        (torch.Size([2, 33]), torch.Size([2, 64]))
    """

    def __init__(
        self,
        in_channels: int = 1,
        types: int = TYPES,
        ratings: int = RATINGS,
        backbone: Backbone = "densenet",
        embed_channels: int = 64,
        dropout: float = 0.1,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if min(in_channels, types, embed_channels) < 1 or ratings < 0 or not 0 <= dropout < 1:
            raise ValueError(f"out of range: {in_channels=}, {types=}, {ratings=}, {embed_channels=}, {dropout=}")
        self.in_channels, self.types, self.ratings = in_channels, types, ratings
        self.backbone = _backbone(backbone, in_channels, embed_channels, dict(settings or {}))
        self.embed_channels: int = self.backbone.out_channels
        self.heads = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.embed_channels, 1 + types + ratings * STEPS))

    def forward(self, cubes: Tensor) -> Tensor:
        """Answer for cubes.

        Args:
            cubes: ``(B, in_channels, 48, 48, 48)`` in [0, 1], 1 mm voxels, the mark in the middle.

        Returns:
            ``(B, 1 + types + ratings * 4)`` float32 logits; :func:`split_answers` takes them apart.

        Raises:
            ValueError: the shape is not as above; sides from 32 on are taken.
        """
        return self.answer(self.embed(cubes))

    def answer(self, vectors: Tensor) -> Tensor:
        """Return what :meth:`forward` gives, from the vectors ``(B, embed_channels)`` of :meth:`embed`."""
        with torch.autocast(vectors.device.type, enabled=False):  # half precision would undo the order
            answers: Tensor = self.heads(vectors)
            first = 1 + self.types
            steps = answers[:, first:].unflatten(1, (self.ratings, STEPS))
            top, gaps = steps[..., :1], functional.softplus(steps[..., 1:])
            ordered = torch.cat([top, top - gaps.cumsum(dim=-1)], dim=-1)
            return torch.cat([answers[:, :first], ordered.flatten(1)], dim=1)

    def embed(self, cubes: Tensor) -> Tensor:
        """Return the vectors that the heads answer from, ``(B, embed_channels)`` float32; see :meth:`forward`."""
        if cubes.ndim != 5 or cubes.shape[1] != self.in_channels or min(cubes.shape[2:]) < _SMALLEST_SIDE:
            raise ValueError(f"wanted (B, {self.in_channels}, 48, 48, 48) cubes, got {tuple(cubes.shape)}")
        vectors: Tensor = self.backbone(cubes)
        return vectors.float()


def split_answers(logits: Tensor, types: int = TYPES) -> NoduleLogits:
    """Take answers apart.

    Args:
        logits: ``(B, 1 + types + ratings * 4)`` of :class:`NoduleClassifier`.
        types: how many types there are among them.

    Raises:
        ValueError: so many logits are not one, the types and four for each rating.

    Example:
        >>> parts = split_answers(torch.arange(33.0)[None])
        >>> parts.nodule.tolist(), parts.kind.tolist(), parts.ratings.shape, parts.ratings[0, 0].tolist()
        ([0.0], [[1.0, 2.0, 3.0, 4.0]], torch.Size([1, 7, 4]), [5.0, 6.0, 7.0, 8.0])
    """
    first = 1 + types
    if logits.ndim != 2 or logits.shape[1] < first or (logits.shape[1] - first) % STEPS:
        raise ValueError(f"wanted (B, 1 + {types} + {STEPS} for each rating) logits, got {tuple(logits.shape)}")
    ratings = logits[:, first:].reshape(len(logits), -1, STEPS)
    return NoduleLogits(logits[:, 0], logits[:, 1:first], ratings)


def _backbone(name: str, in_channels: int, embed_channels: int, settings: dict[str, Any]) -> Any:
    if name == "densenet":
        return NoduleDenseNet(in_channels, embed_channels, **settings)
    if name == "second_look":
        return SecondLookBackbone(**settings)
    raise ValueError(f"backbone must be 'densenet' or 'second_look', got {name!r}")
