"""A one-stage nodule detector: a 2D network over slabs, a ConvLSTM along z, a dense head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from lungdet.networks.blocks.residual_2d import Norm, conv_norm_act
from lungdet.networks.blocks.sequences import cat_steps
from lungdet.networks.blocks.slab_encoder import SlabEncoder
from lungdet.networks.blocks.z_mixers import ConvLSTMMixer, IdentityMixer, ZMixer

Mixer = Literal["convlstm", "convlstm_forward", "none"]


class NoduleDetector(nn.Module):
    """Find nodules in a CT scan, or in a patch of one.

    Each cell of the output grid covers ``stride_xyz`` = 4 x 4 x 2 voxels. For each pair of slices a *slab* (the pair
    and ``context_slices`` on either side; the edge slice is repeated at the ends) goes through one shared 2D network; a
    mixer passes information from slab to slab along z; a dense head answers for every cell. There is no 3D convolution,
    so ``channels_last`` and bfloat16 pay off on a CPU. The three stages can be called apart: :meth:`features_2d`,
    ``mixer`` and :meth:`answer`, and ``inferers.SlabStreamInferer`` does so.

    Args:
        in_channels: channels of the image.
        channels: widths of the 2D network at strides 2, 4, 8 and 16.
        feature_channels: width of the features that go into the mixer.
        hidden_channels: width of each direction of the ConvLSTM.
        head_channels: width of the head.
        context_slices: slices that a slab holds on either side of its own two.
        mixer: ``"convlstm"`` runs both ways along z, ``"convlstm_forward"`` one way, ``"none"`` leaves slabs alone.
        norm: norm layer of the 2D network and the head, as MONAI names it. A batch norm answers for a place without
            regard to what else the slice shows; a group norm sees the whole slice, so a patch and a scan differ.
        slab_chunk: slabs that go through the 2D network at once in evaluation mode, to bound memory.
        prior: score of every cell before training; it keeps the first steps from drowning in background.

    Attributes:
        stride_xyz: voxels of a cell, ``(4, 4, 2)``.
        multiple_xyz: the input's size must be a multiple of it, ``(16, 16, 2)``.
        slab_slices: slices of a slab.

    Example:
        >>> network = NoduleDetector().eval()
        >>> with torch.no_grad():
        ...     tuple(network(torch.rand(1, 1, 32, 48, 8)).shape)
        (1, 7, 8, 12, 4)
    """

    stride_xyz = (SlabEncoder.stride, SlabEncoder.stride, 2)
    multiple_xyz = (SlabEncoder.multiple, SlabEncoder.multiple, 2)
    out_channels = 7

    def __init__(
        self,
        in_channels: int = 1,
        channels: Sequence[int] = (24, 48, 96, 128),
        feature_channels: int = 48,
        hidden_channels: int = 32,
        head_channels: int = 48,
        context_slices: int = 3,
        mixer: Mixer = "convlstm",
        norm: Norm = "batch",
        slab_chunk: int = 16,
        prior: float = 0.01,
    ) -> None:
        super().__init__()
        self.in_channels, self.context_slices, self.slab_chunk = in_channels, context_slices, slab_chunk
        self.slab_slices = self.stride_xyz[2] + 2 * context_slices
        self.encoder = SlabEncoder(in_channels * self.slab_slices, channels, feature_channels, norm)
        self.mixer = make_mixer(mixer, feature_channels, hidden_channels)
        self.head = make_head(self.mixer.out_channels, head_channels, self.out_channels, norm, prior)

    def forward(self, image: Tensor) -> Tensor:
        """Answer for every cell of a scan or patch.

        Args:
            image: ``(B, in_channels, X, Y, Z)``, scaled to [0, 1]; X and Y multiples of 16, Z of 2.

        Returns:
            ``(B, 7, X/4, Y/4, Z/2)``: 0 the logit of a nodule's centre in the cell; 1 to 3 the offset of that centre
            from the cell's centre, in cells, along x, y, z; 4 to 6 the natural logarithm of the box's sides in voxels
            over ``detection.BoxCoder.reference_voxels``.

        Raises:
            ValueError: the shape is not as above.
        """
        self.check_input(image)
        features = self.features_2d(image, 0, image.shape[4] // self.stride_xyz[2])
        return self.answer(self.mixer(features))

    def features_2d(self, image: Tensor, start: int, stop: int) -> Tensor:
        """Run the 2D network on slabs ``start`` to ``stop`` (exclusive) of an image.

        Returns:
            ``(B, stop - start, feature_channels, X/4, Y/4)``.
        """
        # In training the batch norm must see all slabs at once.
        chunk = stop - start if self.training else self.slab_chunk
        pieces = []
        for first in range(start, stop, chunk):
            slabs = self.slabs(image, first, min(first + chunk, stop))
            flat = slabs.flatten(0, 1).contiguous(memory_format=torch.channels_last)
            pieces.append(self.encoder(flat).unflatten(0, slabs.shape[:2]))
        return cat_steps(pieces)

    def slabs(self, image: Tensor, start: int, stop: int) -> Tensor:
        """Cut slabs ``start`` to ``stop`` (exclusive) out of an image; slices beyond its ends repeat the edge.

        Returns:
            ``(B, stop - start, in_channels * slab_slices, X, Y)``.
        """
        step, size_z = self.stride_xyz[2], image.shape[4]
        low, high = start * step - self.context_slices, stop * step + self.context_slices
        slices = image[..., max(low, 0) : min(high, size_z)]
        before, after = image[..., :1].expand(*image.shape[:4], max(-low, 0)), image[..., -1:]
        after = after.expand(*image.shape[:4], max(high - size_z, 0))
        if low < 0 or high > size_z:
            slices = torch.cat([before, slices, after], dim=4)
        windows = slices.unfold(4, self.slab_slices, step)  # (B, C, X, Y, n, slab_slices), a view
        return windows.permute(0, 4, 1, 5, 2, 3).flatten(2, 3)

    def answer(self, mixed: Tensor) -> Tensor:
        """Run the head on mixed features, ``(B, T, mixer.out_channels, X/4, Y/4)``; see :meth:`forward`."""
        outputs = self.head(mixed.flatten(0, 1)).unflatten(0, mixed.shape[:2])
        return outputs.permute(0, 2, 3, 4, 1)

    def check_input(self, image: Tensor) -> None:
        """Raise ValueError unless ``image`` is ``(B, in_channels, X, Y, Z)`` of a size the network can take."""
        if image.ndim != 5 or image.shape[1] != self.in_channels:
            raise ValueError(f"image must be (B, {self.in_channels}, X, Y, Z), got {tuple(image.shape)}")
        size = tuple(image.shape[2:])
        if any(n == 0 or n % multiple for n, multiple in zip(size, self.multiple_xyz, strict=True)):
            raise ValueError(
                f"the size {size} must be a multiple of {self.multiple_xyz}: pad it with "
                f"lungdet.transforms.PadToMultiple({list(self.multiple_xyz)}, value=0), or use SlabStreamInferer"
            )


def make_head(in_channels: int, channels: int, out_channels: int, norm: Norm, prior: float) -> nn.Sequential:
    """Return a dense head whose first output is the logit of ``prior`` before training, and the others near 0."""
    final = nn.Conv2d(channels, out_channels, 1)
    nn.init.normal_(final.weight, std=0.01)
    bias = torch.zeros(out_channels)
    bias[0] = math.log(prior / (1.0 - prior))
    final.bias = nn.Parameter(bias)
    return nn.Sequential(conv_norm_act(in_channels, channels, norm), final)


def make_mixer(name: str, in_channels: int, hidden_channels: int) -> ZMixer:
    """Return the mixer of that name; see :class:`NoduleDetector`.

    Raises:
        ValueError: there is none of that name.
    """
    if name in ("convlstm", "convlstm_forward"):
        return ConvLSTMMixer(in_channels, hidden_channels, bidirectional=name == "convlstm")
    if name == "none":
        return IdentityMixer(in_channels)
    raise ValueError(f"mixer must be 'convlstm', 'convlstm_forward' or 'none', got {name!r}")
