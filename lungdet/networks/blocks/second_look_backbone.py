"""The detector's second look as the features of another network: what it learnt of nodules can be handed on."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .second_look import SecondLook

SIDE, MIDDLE = 48, 34  # voxels of 1 mm: of a cube, and of what the second look sees of it


class SecondLookBackbone(nn.Module):
    """Describe the middle of a cube by the layers of :class:`SecondLook` before its answer.

    The detector looks at cubes of 24 voxels of 1.4 mm. So the middle 34 mm of a cube of 1 mm are brought to 24 voxels
    (of 1.417 mm), and ``features`` and ``dense`` have the names and shapes of the detector's ``second_look``: its
    weights fit; see :func:`~lungdet.networks.nets.start_nodule_classifier`.

    Args:
        in_channels: channels of the cube.
        hidden: width of the answer; weights of the shipped detector fit 64 only.
        dropout: of the answer, in training.

    Attributes:
        out_channels: ``hidden``.

    Example:
        >>> tuple(SecondLookBackbone().eval()(torch.rand(2, 1, 48, 48, 48)).shape)
        (2, 64)
    """

    def __init__(self, in_channels: int = 1, hidden: int = 64, dropout: float = 0.1) -> None:
        super().__init__()
        look = SecondLook(in_channels, hidden=hidden, dropout=dropout)
        self.side, self.out_channels = look.side, hidden
        self.features, self.dense = look.features, look.dense

    def forward(self, cubes: Tensor) -> Tensor:
        """Describe cubes.

        Args:
            cubes: ``(B, in_channels, 48, 48, 48)`` of 1 mm, scaled as the detector's image.

        Returns:
            ``(B, out_channels)``.

        Raises:
            ValueError: the cubes have another side.
        """
        if cubes.ndim != 5 or tuple(cubes.shape[2:]) != (SIDE,) * 3:
            raise ValueError(f"cubes must be (B, C, {SIDE}, {SIDE}, {SIDE}), got {tuple(cubes.shape)}")
        seen = slice((SIDE - MIDDLE) // 2, (SIDE + MIDDLE) // 2)
        middle = functional.interpolate(
            cubes[:, :, seen, seen, seen], size=(self.side,) * 3, mode="trilinear", align_corners=False
        )
        described: Tensor = self.dense(self.features(middle.contiguous(memory_format=torch.channels_last_3d)))
        return described
