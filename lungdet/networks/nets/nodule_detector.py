"""The nodule detector: a 2D network over slabs, a mixer along z, a dense head, and a second look at candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from lungdet.networks.blocks.candidates import cell_centers, cut_cubes, top_cells
from lungdet.networks.blocks.residual_2d import Norm, conv_norm_act
from lungdet.networks.blocks.second_look import SecondLook
from lungdet.networks.blocks.sequence_head import SequenceHead
from lungdet.networks.blocks.sequences import cat_steps
from lungdet.networks.blocks.slab_encoder import SlabEncoder
from lungdet.networks.blocks.z_mixers import Conv3dMixer, ConvLSTMMixer, IdentityMixer, ZMixer

Mixer = Literal["convlstm", "convlstm_forward", "conv3d", "none"]
Head = Literal["dense", "sequence"]


CUBE_CHUNK = 25  # cubes judged at once, to bound memory
NO_CANDIDATE_LOGIT = -20.0  # of cells that the second look leaves out


class TwoStageOutput(NamedTuple):
    """What a detector with a second look answers in training.

    In order: ``dense``, the first stage's answer, ``(B, 7, X/4, Y/4, Z/2)``; ``centers``, the middle of each cube that
    was looked at, ``(B, K, 3)`` voxels, edge frame of the image; ``looks``, the second look's answers, ``(B, K, 7)``,
    see :class:`~lungdet.networks.blocks.SecondLook`.
    """

    dense: Tensor
    centers: Tensor
    looks: Tensor


class NoduleDetector(nn.Module):
    """Find nodules in a CT scan, or in a patch of one.

    Each cell of the output grid covers ``stride_xyz`` = 4 x 4 x 2 voxels. For each pair of slices a *slab* (the pair
    and ``context_slices`` on either side; the edge slice is repeated at the ends) goes through one shared 2D network; a
    mixer passes information from slab to slab along z; a dense head answers for every cell. There is no 3D convolution,
    so ``channels_last`` and bfloat16 pay off on a CPU. The three stages can be called apart: :meth:`features_2d`,
    ``mixer`` and :meth:`answer`, and ``inferers.SlabStreamInferer`` does so.

    With a **second look**, the highest peaks of the dense answer are candidates: a small 3D network judges the cube of
    the image around each. The mean of both logits is the score, and the box is that of the second look. No gradient
    flows from it to the first stage.

    Args:
        in_channels: channels of the image.
        channels: widths of the 2D network at strides 2, 4, 8 and 16.
        feature_channels: width of the features that go into the mixer.
        hidden_channels: width of each direction of the ConvLSTM.
        head_channels: width of the head.
        context_slices: slices that a slab holds on either side of its own two.
        mixer: ``"convlstm"`` runs both ways along z, ``"convlstm_forward"`` one way, ``"conv3d"`` sees two slabs to
            either side, ``"none"`` leaves slabs alone.
        norm: norm layer of the 2D network and the head, as MONAI names it. A batch norm answers for a place without
            regard to what else the slice shows; a group norm sees the whole slice, so a patch and a scan differ.
        slab_chunk: slabs that go through the 2D network at once in evaluation mode, to bound memory.
        prior: score of every cell before training; it keeps the first steps from drowning in background.
        second_look: whether there is a second stage.
        candidates: cubes looked at in an image, in evaluation mode.
        train_candidates: likewise in training mode, where images are patches.
        head: ``"dense"``, or ``"sequence"`` for the recurrent box decoder of 2017: an LSTM names up to ``steps`` boxes
            for each 16 x 16 x 2 voxels; see :class:`~lungdet.networks.blocks.SequenceHead`.
        steps: boxes that a cell of the sequence head names.

    Attributes:
        stride_xyz: voxels of a cell, ``(4, 4, 2)``, or ``(16, 16, 2)`` with the sequence head.
        multiple_xyz: the input's size must be a multiple of it, ``(16, 16, 2)``.
        out_channels: channels of the answer, 7, or ``7 * steps`` with the sequence head.
        slab_slices: slices of a slab.

    Raises:
        ValueError: there is no such mixer or head, or a second look is asked of a sequence head.

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
        second_look: bool = False,
        candidates: int = 100,
        train_candidates: int = 8,
        head: Head = "dense",
        steps: int = 3,
    ) -> None:
        super().__init__()
        self.in_channels, self.context_slices, self.slab_chunk = in_channels, context_slices, slab_chunk
        self.slab_slices = self.stride_xyz[2] + 2 * context_slices
        self.encoder = SlabEncoder(in_channels * self.slab_slices, channels, feature_channels, norm)
        self.mixer = make_mixer(mixer, feature_channels, hidden_channels, norm)
        self.head: nn.Module
        if head == "sequence":
            if second_look:
                raise ValueError("second_look works on peaks of the dense head: use head='dense' or second_look=False")
            self.head = SequenceHead(self.mixer.out_channels, self.mixer.out_channels, steps, norm, prior)
            self.stride_xyz = (self.stride_xyz[0] * SequenceHead.stride, self.stride_xyz[1] * SequenceHead.stride, 2)
            self.out_channels = self.head.out_channels
        elif head == "dense":
            self.head = make_head(self.mixer.out_channels, head_channels, self.out_channels, norm, prior)
        else:
            raise ValueError(f"head must be 'dense' or 'sequence', got {head!r}")
        self.second_look = SecondLook(in_channels) if second_look else None
        self.candidates, self.train_candidates = candidates, train_candidates

    def forward(self, image: Tensor) -> Tensor | TwoStageOutput:
        """Answer for every cell of a scan or patch.

        Args:
            image: ``(B, in_channels, X, Y, Z)``, scaled to [0, 1]; X and Y multiples of 16, Z of 2.

        Returns:
            ``(B, 7, X/4, Y/4, Z/2)``: 0 the logit of a nodule's centre in the cell; 1 to 3 the offset of that centre
            from the cell's centre, in cells, along x, y, z; 4 to 6 the natural logarithm of the box's sides in voxels
            over ``detection.BoxCoder.reference_voxels``. With a second look, in evaluation mode, cells that are no
            candidates have the logit :data:`NO_CANDIDATE_LOGIT`; in training mode a :class:`TwoStageOutput`. With the
            sequence head ``(B, 7 * steps, X/16, Y/16, Z/2)``, the seven of the first box of each cell first.

        Raises:
            ValueError: the shape is not as above; or in training mode the batch is one patch of 16 x 16 x 2 voxels.
        """
        self.check_input(image)
        features = self.features_2d(image, 0, image.shape[4] // self.stride_xyz[2])
        dense = self.answer(self.mixer(features))
        if self.second_look is None:
            return dense
        if not self.training:
            return self.look_again(image, dense)
        index, _ = top_cells(dense[:, 0].detach().float(), self.train_candidates)
        return TwoStageOutput(dense, *self._look_at(image, self._centers(dense, index)))

    def look_again(self, image: Tensor, dense: Tensor, inplace: bool = False) -> Tensor:
        """Run the second stage.

        Args:
            image: ``(B, in_channels, X, Y, Z)`` of any size, on any device and of any real data type. Where a cube
                reaches beyond it, its edge is repeated.
            dense: the first stage's answer for it, ``(B, 7, gx, gy, gz)``, on any device; cells may reach beyond the
                image.
            inplace: write into ``dense``, which must be contiguous, in place of a copy: that of a long scan is large.

        Returns:
            A dense answer, on the device of ``dense``: candidates carry the mean of both logits and the box of the
            second look, all other cells :data:`NO_CANDIDATE_LOGIT` and their old box.
        """
        index, is_peak = top_cells(dense[:, 0].float(), self.candidates)
        centers, looks = self._look_at(image, self._centers(dense, index))
        stride = torch.tensor(self.stride_xyz, device=dense.device, dtype=torch.float32)
        shift = (centers - self._cell_centers(dense, index)) / stride
        places = index[:, None].expand(-1, self.out_channels, -1)
        logit = (dense[:, 0].flatten(1).gather(1, index) + looks[..., 0]) / 2
        answers = torch.cat([logit[..., None], looks[..., 1:4] + shift, looks[..., 4:]], dim=-1).movedim(-1, 1)
        refined = dense if inplace else dense.clone(memory_format=torch.contiguous_format)
        refined[:, 0] = NO_CANDIDATE_LOGIT
        cells = refined.view(*refined.shape[:2], -1)
        # Where there are fewer peaks than candidates, the others stay silent.
        cells.scatter_(2, places, torch.where(is_peak[:, None], answers.to(cells), cells.gather(2, places)))
        return refined

    def _look_at(self, image: Tensor, centers: Tensor) -> tuple[Tensor, Tensor]:
        """Judge the cubes around ``(B, K, 3)`` places: their true centres, and answers ``(B, K, 7)``, float32.

        The image, the network and the places may lie on three devices; the answers go where the places are.
        """
        assert self.second_look is not None  # noqa: S101 - for the type checker
        cubes, middles = cut_cubes(image, centers.to(image.device), self.second_look.side)
        weight = next(self.second_look.parameters())
        flat = cubes.flatten(0, 1)
        pieces = [flat] if self.training else flat.split(CUBE_CHUNK)
        looks = torch.cat([self.second_look(piece.to(weight)).float() for piece in pieces])
        return middles.to(centers.device), looks.to(centers.device).unflatten(0, cubes.shape[:2])

    def _centers(self, dense: Tensor, index: Tensor) -> Tensor:
        """Where the dense answer of some cells points to: ``(B, K, 3)`` voxels for flat indices ``(B, K)``."""
        offsets = dense[:, 1:4].detach().flatten(2).gather(2, index[:, None].expand(-1, 3, -1)).movedim(1, -1)
        stride = torch.tensor(self.stride_xyz, device=dense.device, dtype=torch.float32)
        return self._cell_centers(dense, index) + offsets.float().clamp(-2, 2) * stride

    def _cell_centers(self, dense: Tensor, index: Tensor) -> Tensor:
        size_x, size_y, size_z = dense.shape[2:]
        return cell_centers(index, (size_x, size_y, size_z), self.stride_xyz)

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
        """Raise ValueError unless ``image`` is ``(B, in_channels, X, Y, Z)`` of a size the network can take.

        In training mode a batch norm must also have more than one value of a channel to look at.
        """
        if image.ndim != 5 or image.shape[1] != self.in_channels:
            raise ValueError(f"image must be (B, {self.in_channels}, X, Y, Z), got {tuple(image.shape)}")
        size = tuple(image.shape[2:])
        if any(n == 0 or n % multiple for n, multiple in zip(size, self.multiple_xyz, strict=True)):
            raise ValueError(
                f"the size {size} must be a multiple of {self.multiple_xyz}: pad it with "
                f"lungdet.transforms.PadToMultiple({list(self.multiple_xyz)}, value=0), or use SlabStreamInferer"
            )
        alone = len(image) == 1 and size == self.multiple_xyz
        if self.training and alone and any(isinstance(module, nn.BatchNorm2d) for module in self.modules()):
            raise ValueError(
                f"a batch norm cannot learn from a single patch of {size} voxels: take larger patches, or several of "
                "them, or call eval() where the network is not to be trained"
            )


def make_head(in_channels: int, channels: int, out_channels: int, norm: Norm, prior: float) -> nn.Sequential:
    """Return a dense head whose first output is the logit of ``prior`` before training, and the others near 0."""
    final = nn.Conv2d(channels, out_channels, 1)
    nn.init.normal_(final.weight, std=0.01)
    bias = torch.zeros(out_channels)
    bias[0] = math.log(prior / (1.0 - prior))
    final.bias = nn.Parameter(bias)
    return nn.Sequential(conv_norm_act(in_channels, channels, norm), final)


def make_mixer(name: str, in_channels: int, hidden_channels: int, norm: Norm = "batch") -> ZMixer:
    """Return the mixer of that name; see :class:`NoduleDetector`.

    Raises:
        ValueError: there is none of that name.
    """
    if name in ("convlstm", "convlstm_forward"):
        return ConvLSTMMixer(in_channels, hidden_channels, bidirectional=name == "convlstm")
    if name == "conv3d":
        return Conv3dMixer(in_channels, hidden_channels, norm)
    if name == "none":
        return IdentityMixer(in_channels)
    raise ValueError(f"mixer must be 'convlstm', 'convlstm_forward', 'conv3d' or 'none', got {name!r}")
