"""A head that reads off the boxes of a region one after another."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .conv_lstm import ConvLSTMCell, State
from .residual_2d import Norm, conv_norm_act


class SequenceHead(nn.Module):
    """An LSTM that emits a short sequence of boxes for every cell of a coarse grid.

    After Stewart, Andriluka and Ng, "End-to-end people detection in crowded scenes" (CVPR 2016): what is known of a
    cell is given to the LSTM anew at each step, and its memory is all that keeps it from naming the same box twice. The
    same LSTM runs in every cell. Two strided convolutions gather the features of a cell.

    Args:
        in_channels: channels of the features.
        channels: width of what the LSTM sees of a cell, and of its state.
        steps: boxes that a cell names.
        norm: norm layer as MONAI names it.
        prior: score of every box before training.

    Raises:
        ValueError: ``steps`` is not positive.

    Example:
        >>> tuple(SequenceHead(64, steps=3).eval()(torch.rand(5, 64, 8, 12)).shape)
        (5, 21, 2, 3)
    """

    stride = 4
    box_channels = 7

    def __init__(
        self, in_channels: int, channels: int = 64, steps: int = 3, norm: Norm = "batch", prior: float = 0.01
    ) -> None:
        super().__init__()
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        self.steps, self.out_channels = steps, steps * self.box_channels
        self.gather = nn.Sequential(
            conv_norm_act(in_channels, channels, norm, stride=2), conv_norm_act(channels, channels, norm, stride=2)
        )
        self.lstm = ConvLSTMCell(channels, channels, kernel_size=1)  # 1x1: cells do not see each other
        self.box = nn.Conv2d(channels, self.box_channels, 1)
        self._reset_box(prior)

    def forward(self, features: Tensor) -> Tensor:
        """Name the boxes of each cell.

        Args:
            features: ``(N, in_channels, X, Y)``, X and Y multiples of 4.

        Returns:
            ``(N, 7 * steps, X/4, Y/4)``: channels ``7 * s`` to ``7 * s + 6`` are those of box ``s``: logit, offset of
            its centre from the cell's in cells along x, y, z, and logarithm of its sides, as in the dense answer of
            ``NoduleDetector``.
        """
        gates = self.lstm.input_conv(self.gather(features))
        state: State = self.lstm.zero_state(gates)
        boxes = []
        for _ in range(self.steps):
            state = self.lstm.step(gates, state)
            boxes.append(self.box(state[0]))
        return torch.cat(boxes, dim=1)

    def _reset_box(self, prior: float) -> None:
        nn.init.normal_(self.box.weight, std=0.01)
        bias = torch.zeros(self.box_channels)
        bias[0] = math.log(prior / (1.0 - prior))
        self.box.bias = nn.Parameter(bias)
