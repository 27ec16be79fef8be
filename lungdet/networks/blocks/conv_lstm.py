"""A convolutional LSTM over an explicit sequence dimension.

The equations are those of the LSTM without peepholes, with every matrix product replaced by a 2D convolution (Shi et
al., "Convolutional LSTM Network", NeurIPS 2015). Gates come in the order of ``torch.nn.LSTM``: input, forget, cell,
output.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

from .sequences import cat_channels, stack_steps, unbind_steps

State: TypeAlias = tuple[Tensor, Tensor]
GATES = 4


class ConvLSTMCell(nn.Module):
    """One step of a 2D convolutional LSTM.

    Args:
        in_channels: channels of the input.
        hidden_channels: channels of the hidden and of the cell state.
        kernel_size: odd side of the hidden-to-hidden kernel; borders are padded with zeros.
        input_kernel_size: odd side of the input-to-hidden kernel; ``kernel_size`` if None.
        forget_bias: initial bias of the forget gate; 1 lets the state survive from the start (Jozefowicz et al., 2015).

    Raises:
        ValueError: a kernel is even, so that it could not keep the size.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        kernel_size: int = 3,
        input_kernel_size: int | None = None,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        input_kernel_size = kernel_size if input_kernel_size is None else input_kernel_size
        if kernel_size % 2 == 0 or input_kernel_size % 2 == 0:
            raise ValueError(f"kernels must be odd to keep the size, got {kernel_size} and {input_kernel_size}")
        self.in_channels, self.hidden_channels = in_channels, hidden_channels
        gates = GATES * hidden_channels
        self.input_conv = nn.Conv2d(in_channels, gates, input_kernel_size, padding=input_kernel_size // 2)
        self.hidden_conv = nn.Conv2d(hidden_channels, gates, kernel_size, padding=kernel_size // 2, bias=False)
        self._reset_bias(forget_bias)

    def forward(self, x: Tensor, state: State | None = None) -> State:
        """Take one step.

        Args:
            x: ``(B, in_channels, X, Y)``.
            state: hidden and cell state, each ``(B, hidden_channels, X, Y)``; zeros if None.

        Returns:
            The new hidden and cell state; the hidden one is also the output of the step.
        """
        gates = self.input_conv(x)
        return self.step(gates, self.zero_state(gates) if state is None else state)

    def step(self, input_gates: Tensor, state: State) -> State:
        """Take one step whose input-to-hidden convolution, ``(B, 4 * hidden_channels, X, Y)``, is done already."""
        hidden, cell = state
        gates = input_gates + self.hidden_conv(hidden)
        # One sigmoid over the whole block, candidate included, is faster than three over strided quarters.
        i, f, _, o = torch.sigmoid(gates).chunk(GATES, dim=1)
        candidate = torch.tanh(gates[:, 2 * self.hidden_channels : 3 * self.hidden_channels])
        cell = f * cell + i * candidate
        hidden = o * torch.tanh(cell)
        return hidden.to(gates.dtype), cell

    def zero_state(self, input_gates: Tensor) -> State:
        """Return the state before the first step, for ``input_gates``, ``(B, 4 * hidden_channels, X, Y)``."""
        hidden = torch.zeros_like(input_gates[:, : self.hidden_channels])
        # The cell state sums over the whole sequence, so it stays in float32 (or better) under autocast.
        return hidden, hidden.to(torch.promote_types(hidden.dtype, torch.float32))

    def _reset_bias(self, forget_bias: float) -> None:
        bias = self.input_conv.bias
        assert bias is not None  # noqa: S101 - for the type checker: Conv2d was made with a bias
        with torch.no_grad():
            bias.zero_()
            bias[self.hidden_channels : 2 * self.hidden_channels] = forget_bias


class ConvLSTM(nn.Module):
    """A one-layer 2D convolutional LSTM along dimension 1, in one or both directions.

    The input-to-hidden convolution is done for all steps at once; only the hidden-to-hidden one is sequential. State
    goes in and comes out in the layout of ``torch.nn.LSTM``, so a sequence can be run in pieces::

        first, state = lstm(sequence[:, :5])
        rest, state = lstm(sequence[:, 5:], state)

    The pieces together equal the whole for the forward direction. The backward direction of a piece knows nothing of
    the pieces after it.

    Args:
        in_channels: channels of the input.
        hidden_channels: channels of the state of each direction.
        kernel_size: odd side of the hidden-to-hidden kernel.
        input_kernel_size: odd side of the input-to-hidden kernel; ``kernel_size`` if None.
        bidirectional: whether a second cell runs from the end to the start.
        forget_bias: initial bias of the forget gates.

    Example:
        >>> lstm = ConvLSTM(in_channels=3, hidden_channels=8, bidirectional=True)
        >>> outputs, (hidden, cell) = lstm(torch.rand(2, 5, 3, 16, 16))
        >>> tuple(outputs.shape), tuple(hidden.shape)
        ((2, 5, 16, 16, 16), (2, 2, 8, 16, 16))
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        kernel_size: int = 3,
        input_kernel_size: int | None = None,
        bidirectional: bool = False,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        self.in_channels, self.hidden_channels = in_channels, hidden_channels
        self.directions = 2 if bidirectional else 1
        self.cells = nn.ModuleList(
            ConvLSTMCell(in_channels, hidden_channels, kernel_size, input_kernel_size, forget_bias)
            for _ in range(self.directions)
        )

    @property
    def out_channels(self) -> int:
        """Channels of the output: ``hidden_channels`` for each direction, forward first."""
        return self.directions * self.hidden_channels

    def forward(self, sequence: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run over a sequence.

        Args:
            sequence: ``(B, T, in_channels, X, Y)``.
            state: hidden and cell state, each ``(directions, B, hidden_channels, X, Y)``; zeros if None.

        Returns:
            The outputs, ``(B, T, out_channels, X, Y)``, and the state after the last step of each direction.

        Raises:
            ValueError: the sequence is empty or of another shape, or the state does not fit it.
        """
        self._check(sequence, state)
        outputs, hiddens, cells = [], [], []
        for direction in range(self.directions):
            start = None if state is None else (state[0][direction], state[1][direction])
            output, (hidden, cell) = self.run_direction(sequence, direction, start)
            outputs.append(output)
            hiddens.append(hidden)
            cells.append(cell)
        return cat_channels(outputs), (torch.stack(hiddens), torch.stack(cells))

    def run_direction(self, sequence: Tensor, direction: int, state: State | None = None) -> tuple[Tensor, State]:
        """Run one direction alone: 0 forward, 1 backward.

        Args:
            sequence: ``(B, T, in_channels, X, Y)``.
            direction: which cell to run.
            state: hidden and cell state, each ``(B, hidden_channels, X, Y)``; zeros if None.

        Returns:
            The outputs in the order of the sequence, ``(B, T, hidden_channels, X, Y)``, and the state after the last
            step taken, which is step 0 for the backward direction.
        """
        cell = self.cells[direction]
        assert isinstance(cell, ConvLSTMCell)  # noqa: S101 - for the type checker: ModuleList forgets the type
        batch, length = sequence.shape[:2]
        gates = cell.input_conv(sequence.flatten(0, 1))
        gates = gates.unflatten(0, (batch, length))
        steps = unbind_steps(gates)
        state = cell.zero_state(steps[0]) if state is None else state
        hiddens: list[Tensor] = []
        for step in steps if direction == 0 else steps[::-1]:
            state = cell.step(step, state)
            hiddens.append(state[0])
        return stack_steps(hiddens if direction == 0 else hiddens[::-1]), state

    def _check(self, sequence: Tensor, state: State | None) -> None:
        if sequence.ndim != 5 or sequence.shape[2] != self.in_channels:
            raise ValueError(f"sequence must be (B, T, {self.in_channels}, X, Y), got {tuple(sequence.shape)}")
        if sequence.shape[1] == 0:
            raise ValueError(f"sequence must have at least one step, got {tuple(sequence.shape)}")
        batch, _, _, *size = sequence.shape
        wanted = (self.directions, batch, self.hidden_channels, *size)
        for name, tensor in zip(("hidden", "cell"), state or (), strict=False):
            if tuple(tensor.shape) != wanted:
                raise ValueError(f"the {name} state must be {wanted} for this sequence, got {tuple(tensor.shape)}")
