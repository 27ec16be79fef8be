"""The second stage of the detector: a small 3D network that looks at a cube around each candidate."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class SecondLook(nn.Module):
    """Judge cubes: is there a nodule in the middle, where exactly, and how large is it?

    Four levels of 3D convolutions, each half the size of the one before, and a dense layer that still knows where in
    the cube things lie. Cubes are laid out ``channels_last_3d``; it pays to lay out the weights likewise, by
    :func:`~lungdet.networks.blocks.to_channels_last`.

    Args:
        in_channels: channels of the image.
        channels: widths at strides 1, 2, 4 and 8.
        side: voxels of a cube's side, a multiple of 8.
        hidden: width of the dense layer.
        dropout: of the dense layer, in training.
        prior: score of every cube before training.

    Example:
        >>> tuple(SecondLook().eval()(torch.rand(5, 1, 24, 24, 24)).shape)
        (5, 7)
    """

    out_channels = 7

    def __init__(
        self,
        in_channels: int = 1,
        channels: Sequence[int] = (16, 32, 64, 64),
        side: int = 24,
        hidden: int = 64,
        dropout: float = 0.1,
        prior: float = 0.1,
    ) -> None:
        super().__init__()
        if side % 8 or len(channels) != 4:
            raise ValueError(f"side must be a multiple of 8 and channels four widths, got {side} and {tuple(channels)}")
        self.side = side
        first, second, third, fourth = channels
        self.features = nn.Sequential(
            conv_norm_act_3d(in_channels, first),
            conv_norm_act_3d(first, second, stride=2),
            conv_norm_act_3d(second, second),
            conv_norm_act_3d(second, third, stride=2),
            conv_norm_act_3d(third, third),
            conv_norm_act_3d(third, fourth, stride=2),
        )
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(fourth * (side // 8) ** 3, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout)
        )
        self.answer = nn.Linear(hidden, self.out_channels)
        nn.init.normal_(self.answer.weight, std=0.01)
        with torch.no_grad():
            self.answer.bias.zero_()
            self.answer.bias[0] = math.log(prior / (1 - prior))

    def forward(self, cubes: Tensor) -> Tensor:
        """Judge cubes.

        Args:
            cubes: ``(N, in_channels, side, side, side)`` scaled like the image.

        Returns:
            ``(N, 7)``: 0 the logit of a nodule in the middle; 1 to 3 the offset of its centre from the cube's centre
            and 4 to 6 the log of its sides, both as in the dense answer of ``NoduleDetector``.
        """
        answers: Tensor = self.answer(self.dense(self.features(cubes.contiguous(memory_format=torch.channels_last_3d))))
        return answers


def conv_norm_act_3d(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Return a 3x3x3 convolution, a batch norm and a ReLU."""
    return nn.Sequential(
        nn.Conv3d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(out_channels),
        nn.ReLU(inplace=True),
    )
