"""Sequences of feature maps, ``(B, T, C, X, Y)``, that stay in ``channels_last`` order in memory.

Torch knows no such order for five dimensions: a plain ``cat`` or ``stack`` writes channels first, and the next
convolution turns everything round again.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def stack_steps(steps: Sequence[Tensor]) -> Tensor:
    """Stack ``T`` maps of ``(B, C, X, Y)`` into ``(B, T, C, X, Y)``, channels last in memory."""
    return torch.stack([step.movedim(1, -1) for step in steps], dim=1).movedim(-1, 2)


def unbind_steps(sequence: Tensor) -> list[Tensor]:
    """Take ``(B, T, C, X, Y)`` apart into ``T`` maps of ``(B, C, X, Y)``, views that are channels last.

    Unlike one index after the other, whose gradients are each a whole sequence of zeros, this costs nothing backwards.
    """
    return [step.movedim(-1, 1) for step in sequence.movedim(2, -1).unbind(1)]


def cat_steps(pieces: Sequence[Tensor]) -> Tensor:
    """Join pieces of a sequence, each ``(B, T, C, X, Y)``, along ``T``; channels last in memory."""
    return _cat(pieces, dim=1)


def cat_channels(sequences: Sequence[Tensor]) -> Tensor:
    """Join sequences of equal length, each ``(B, T, C, X, Y)``, along ``C``; channels last in memory."""
    return _cat(sequences, dim=-1)


def _cat(sequences: Sequence[Tensor], dim: int) -> Tensor:
    if len(sequences) == 1:
        return sequences[0]
    return torch.cat([sequence.movedim(2, -1) for sequence in sequences], dim=dim).movedim(-1, 2)
