import math

import pytest
import torch
from torch import nn

from lungdet.networks.blocks import ConvLSTM, ConvLSTMCell


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def pixel_cell() -> ConvLSTMCell:
    """Return a cell of one channel and 1x1 kernels, with round numbers for weights."""
    cell = ConvLSTMCell(1, 1, kernel_size=1)
    with torch.no_grad():
        cell.input_conv.weight.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).view(4, 1, 1, 1))
        cell.hidden_conv.weight.copy_(torch.tensor([0.5, 0.6, 0.7, 0.8]).view(4, 1, 1, 1))
        cell.input_conv.bias.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]))
    return cell


def copy_weights(lstm: ConvLSTM, other: nn.LSTM) -> None:
    with torch.no_grad():
        for cell, end in zip(lstm.cells, ("", "_reverse"), strict=False):
            cell.input_conv.weight[..., 0, 0] = getattr(other, f"weight_ih_l0{end}")
            cell.hidden_conv.weight[..., 0, 0] = getattr(other, f"weight_hh_l0{end}")
            cell.input_conv.bias.copy_(getattr(other, f"bias_ih_l0{end}") + getattr(other, f"bias_hh_l0{end}"))


def test_one_step_by_hand() -> None:
    x, h, c = 2.0, 0.5, -1.0
    i, f = sigmoid(0.1 * x + 0.5 * h), sigmoid(0.2 * x + 0.6 * h + 1.0)
    g, o = math.tanh(0.3 * x + 0.7 * h), sigmoid(0.4 * x + 0.8 * h)
    cell_state = f * c + i * g
    one = torch.ones(1, 1, 1, 1)
    hidden, cell = pixel_cell()(x * one, (h * one, c * one))
    assert cell.item() == pytest.approx(cell_state, abs=1e-6)
    assert hidden.item() == pytest.approx(o * math.tanh(cell_state), abs=1e-6)


def test_the_first_step_starts_from_zeros() -> None:
    cell, x = ConvLSTMCell(2, 3), torch.rand(2, 2, 5, 5)
    zeros = torch.zeros(2, 3, 5, 5)
    torch.testing.assert_close(cell(x), cell(x, (zeros, zeros)))


def test_the_forget_gate_starts_open() -> None:
    bias = ConvLSTMCell(2, 3).input_conv.bias
    assert bias.tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6


def test_kernels_reach_across_pixels() -> None:
    cell = ConvLSTMCell(1, 1)
    x = torch.zeros(1, 1, 7, 7)
    base = cell(x)[0]
    x[..., 3, 3] = 1.0
    changed = (cell(x)[0] - base).abs() > 0
    assert changed[..., 2:5, 2:5].all()
    assert changed.sum() == 9


@pytest.mark.parametrize("bidirectional", [False, True])
def test_single_pixels_with_1x1_kernels_equal_torch(bidirectional: bool) -> None:
    torch.manual_seed(0)
    lstm = ConvLSTM(5, 4, kernel_size=1, bidirectional=bidirectional)
    referee = nn.LSTM(5, 4, batch_first=True, bidirectional=bidirectional)
    copy_weights(lstm, referee)
    x = torch.randn(3, 6, 5)
    state = tuple(torch.randn(lstm.directions, 3, 4) for _ in range(2))
    wanted, (hidden, cell) = referee(x, state)
    got, (got_hidden, got_cell) = lstm(x[..., None, None], tuple(part[..., None, None] for part in state))
    torch.testing.assert_close(got[..., 0, 0], wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(got_hidden[..., 0, 0], hidden, atol=1e-6, rtol=0)
    torch.testing.assert_close(got_cell[..., 0, 0], cell, atol=1e-6, rtol=0)


def test_the_sequence_equals_one_cell_after_another() -> None:
    torch.manual_seed(0)
    lstm, x = ConvLSTM(2, 3, kernel_size=5, input_kernel_size=3), torch.rand(2, 4, 2, 6, 7)
    outputs, (hidden, cell) = lstm(x)
    state = None
    for step in range(4):
        state = lstm.cells[0](x[:, step], state)
        torch.testing.assert_close(outputs[:, step], state[0])
    torch.testing.assert_close(hidden[0], state[0])
    torch.testing.assert_close(cell[0], state[1])


@pytest.mark.parametrize("pieces", [[5], [1, 4], [2, 2, 1], [1, 1, 1, 1, 1]])
def test_a_forward_sequence_in_pieces_equals_the_whole(pieces: list[int]) -> None:
    torch.manual_seed(0)
    lstm, x = ConvLSTM(2, 3), torch.rand(2, 5, 2, 6, 6)
    whole, (hidden, cell) = lstm(x)
    outputs, state = [], None
    for piece in x.split(pieces, dim=1):
        output, state = lstm(piece, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=1), whole)
    torch.testing.assert_close(state, (hidden, cell))


def test_the_backward_direction_is_the_forward_one_on_the_reversed_sequence() -> None:
    torch.manual_seed(0)
    lstm, x = ConvLSTM(2, 3, bidirectional=True), torch.rand(1, 5, 2, 6, 6)
    lstm.cells[0].load_state_dict(lstm.cells[1].state_dict())
    forward, backward = lstm(x)[0].split(3, dim=2)
    torch.testing.assert_close(lstm(x.flip(1))[0][:, :, :3], backward.flip(1))
    assert not torch.allclose(forward, backward)


def test_memory_order_of_the_input_does_not_change_the_answer() -> None:
    lstm, x = ConvLSTM(2, 3, bidirectional=True), torch.rand(2, 5, 2, 6, 6)
    turned = x.movedim(2, -1).contiguous().movedim(-1, 2)
    torch.testing.assert_close(lstm(turned)[0], lstm(x)[0])


def test_the_cell_state_stays_in_float32_under_autocast() -> None:
    lstm, x = ConvLSTM(2, 3), torch.rand(1, 5, 2, 6, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, (hidden, cell) = lstm(x)
    assert outputs.dtype == hidden.dtype == torch.bfloat16
    assert cell.dtype == torch.float32
    torch.testing.assert_close(outputs.float(), lstm(x)[0], atol=0.02, rtol=0)


def test_gradients_reach_every_weight() -> None:
    lstm = ConvLSTM(2, 3, bidirectional=True)
    lstm(torch.rand(1, 3, 2, 4, 4))[0].sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in lstm.parameters())


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        ConvLSTMCell(1, 1, kernel_size=2)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 0, 2, 4, 4), "at least one step"),
        ((1, 3, 5, 4, 4), r"\(B, T, 2, X, Y\)"),
        ((3, 2, 4, 4), r"\(B, T, 2, X, Y\)"),
    ],
)
def test_wrong_sequences_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConvLSTM(2, 3)(torch.rand(shape))


def test_a_state_of_another_size_is_refused() -> None:
    state = (torch.rand(1, 1, 3, 4, 4), torch.rand(1, 1, 3, 5, 4))
    with pytest.raises(ValueError, match="the cell state must be"):
        ConvLSTM(2, 3)(torch.rand(1, 2, 2, 4, 4), state)
