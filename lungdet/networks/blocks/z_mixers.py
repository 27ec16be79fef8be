"""What passes information from slab to slab along z, for a whole scan or streamed in pieces.

Every mixer has the same two ways in: ``forward`` for a whole sequence, and ``stream`` for a piece of it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .conv_lstm import ConvLSTM
from .sequences import cat_channels


class ZMixer(nn.Module):
    """What a mixer promises; subclasses fill it in.

    Attributes:
        in_channels: channels of the features that come in.
        out_channels: channels of the features that go out.
        looks_ahead: whether an output depends on later slabs, so that streaming needs a look-ahead.
    """

    in_channels: int
    out_channels: int
    looks_ahead: bool

    def forward(self, features: Tensor) -> Tensor:
        """Mix a whole sequence, ``(B, T, in_channels, X, Y)``, into ``(B, T, out_channels, X, Y)``."""
        return self.stream(features, keep=features.shape[1], state=None)[0]

    def stream(self, features: Tensor, keep: int, state: Any) -> tuple[Tensor, Any]:
        """Mix the next piece of a sequence.

        Args:
            features: ``(B, T, in_channels, X, Y)``: ``keep`` new slabs, then the look-ahead.
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
        self.looks_ahead = bidirectional

    def forward(self, features: Tensor) -> Tensor:
        """Mix a whole sequence; see :class:`ZMixer`."""
        return self.lstm(features)[0]

    def stream(self, features: Tensor, keep: int, state: Any) -> tuple[Tensor, Any]:
        """Mix the next piece; the state is that of the forward direction. See :meth:`ZMixer.stream`."""
        forward, state = self.lstm.run_direction(features[:, :keep], 0, state)
        if not self.looks_ahead:
            return forward, state
        backward, _ = self.lstm.run_direction(features, 1)
        return cat_channels([forward, backward[:, :keep]]), state


class IdentityMixer(ZMixer):
    """No mixing: every slab stands alone."""

    looks_ahead = False

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels = self.out_channels = in_channels

    def stream(self, features: Tensor, keep: int, state: Any) -> tuple[Tensor, Any]:
        """Return the first ``keep`` slabs as they are."""
        return features[:, :keep], state
