"""What passes information from slab to slab along z, for a whole scan or streamed in pieces.

Every mixer has the same two ways in: ``forward`` for a whole sequence, and ``stream`` for a piece of it.
"""

from __future__ import annotations

from typing import Any

from monai.networks.layers.utils import get_norm_layer
from torch import Tensor, nn
from torch.nn import functional

from .conv_lstm import ConvLSTM
from .residual_2d import Norm
from .sequences import cat_channels, cat_steps


class ZMixer(nn.Module):
    """What a mixer promises; subclasses fill it in.

    Attributes:
        in_channels: channels of the features that come in.
        out_channels: channels of the features that go out.
        look_ahead_slabs: later slabs that an output depends on: 0 if none, a number after which streaming is exact, or
            None where every one counts, the less the further it lies.
    """

    in_channels: int
    out_channels: int
    look_ahead_slabs: int | None

    def forward(self, features: Tensor) -> Tensor:
        """Mix a whole sequence, ``(B, T, in_channels, X, Y)``, into ``(B, T, out_channels, X, Y)``."""
        return self.stream(features, keep=features.shape[1], state=None)[0]

    def stream(self, features: Tensor, keep: int, state: Any) -> tuple[Tensor, Any]:
        """Mix the next piece of a sequence.

        Args:
            features: ``(B, T, in_channels, X, Y)``: ``keep`` new slabs, then the look-ahead; it holds fewer than
                ``look_ahead_slabs`` only where the scan ends.
            keep: how many slabs to answer for.
            state: what the last call returned; None for the first piece.

        Returns:
            The outputs of the first ``keep`` slabs, ``(B, keep, out_channels, X, Y)``, and the state for the next call.
        """
        raise NotImplementedError


class ConvLSTMMixer(ZMixer):
    """A ConvLSTM along z.

    Streamed, the forward state is carried over exactly; the backward direction starts from zero at the end of the
    look-ahead.

    Args:
        in_channels: channels of the features.
        hidden_channels: channels of each direction.
        bidirectional: whether a second direction runs from the last slab to the first.
        kernel_size: odd side of the hidden-to-hidden kernel.
        input_kernel_size: odd side of the input-to-hidden kernel. The 2D network has mixed the features in the plane
            already, so 1 is enough and saves a fifth of the detector's time.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 32,
        bidirectional: bool = True,
        kernel_size: int = 3,
        input_kernel_size: int = 1,
    ) -> None:
        super().__init__()
        self.lstm = ConvLSTM(in_channels, hidden_channels, kernel_size, input_kernel_size, bidirectional)
        self.in_channels, self.out_channels = in_channels, self.lstm.out_channels
        self.look_ahead_slabs = None if bidirectional else 0

    def forward(self, features: Tensor) -> Tensor:
        """Mix a whole sequence; see :class:`ZMixer`."""
        return self.lstm(features)[0]

    def stream(self, features: Tensor, keep: int, state: Any) -> tuple[Tensor, Any]:
        """Mix the next piece; the state is that of the forward direction. See :meth:`ZMixer.stream`."""
        forward, state = self.lstm.run_direction(features[:, :keep], 0, state)
        if self.look_ahead_slabs == 0:
            return forward, state
        backward, _ = self.lstm.run_direction(features, 1)
        return cat_channels([forward, backward[:, :keep]]), state


class Conv3dMixer(ZMixer):
    """Two 3x3x3 convolutions and a shortcut: what lies within two slabs, and nothing further off.

    As many weights as a bidirectional :class:`ConvLSTMMixer` of the same ``hidden_channels``, and about half its time.
    A piece of a sequence is mixed together with the last slabs before it, which are the state, so streaming is exact.

    Args:
        in_channels: channels of the features.
        hidden_channels: channels between the convolutions; twice as many go out.
        norm: norm layer as MONAI names it; it sees one slab at a time.
    """

    look_ahead_slabs = 2

    def __init__(self, in_channels: int, hidden_channels: int = 32, norm: Norm = "batch") -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, 2 * hidden_channels
        self.first = nn.Conv3d(in_channels, hidden_channels, 3, padding=1, bias=False)
        self.first_norm = get_norm_layer(norm, spatial_dims=2, channels=hidden_channels)
        self.second = nn.Conv3d(hidden_channels, self.out_channels, 3, padding=1, bias=False)
        self.second_norm = get_norm_layer(norm, spatial_dims=2, channels=self.out_channels)
        self.shortcut = nn.Conv2d(in_channels, self.out_channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Mix a whole sequence; see :class:`ZMixer`."""
        batch = features.shape[:2]
        hidden = functional.relu(self.first_norm(_convolve(self.first, features)), inplace=True)
        mixed = self.second_norm(_convolve(self.second, hidden.unflatten(0, batch)))
        mixed = mixed + self.shortcut(features.flatten(0, 1))
        return functional.relu(mixed, inplace=True).unflatten(0, batch)

    def stream(self, features: Tensor, keep: int, state: Any) -> tuple[Tensor, Any]:
        """Mix the next piece; the state is the last slabs before it. See :meth:`ZMixer.stream`.

        Zeros are added before the first slab of all and after the last, as for the whole sequence, because only there
        are fewer than two slabs before and after the kept ones.
        """
        before = 0 if state is None else state.shape[1]
        seen = features if state is None else cat_steps([state, features])
        after = before + keep
        mixed = self(seen[:, : after + self.look_ahead_slabs])[:, before:after]
        return mixed, seen[:, max(after - self.look_ahead_slabs, 0) : after].clone()  # a view would keep it all alive


def _convolve(conv: nn.Conv3d, sequence: Tensor) -> Tensor:
    """Convolve ``(B, T, C, X, Y)`` with the slabs as depth, to ``(B * T, C', X, Y)``; no copy if channels come last."""
    return conv(sequence.movedim(2, 1)).movedim(1, 2).flatten(0, 1)


class IdentityMixer(ZMixer):
    """No mixing: every slab stands alone."""

    look_ahead_slabs = 0

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels = self.out_channels = in_channels

    def stream(self, features: Tensor, keep: int, state: Any) -> tuple[Tensor, Any]:
        """Return the first ``keep`` slabs as they are."""
        return features[:, :keep], state
