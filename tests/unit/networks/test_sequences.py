import torch

from lungdet.networks.blocks import cat_channels, cat_steps, stack_steps


def is_channels_last(sequence: torch.Tensor) -> bool:
    return sequence.movedim(2, -1).is_contiguous()


def test_stacking_keeps_values_and_order() -> None:
    steps = [torch.rand(2, 3, 4, 5) for _ in range(4)]
    stacked = stack_steps(steps)
    torch.testing.assert_close(stacked, torch.stack(steps, dim=1), check_stride=False)
    assert is_channels_last(stacked)


def test_joining_along_steps_and_channels() -> None:
    a, b = torch.rand(2, 3, 4, 5, 6), torch.rand(2, 3, 4, 5, 6)
    for joined, dim in ((cat_steps([a, b]), 1), (cat_channels([a, b]), 2)):
        torch.testing.assert_close(joined, torch.cat([a, b], dim=dim), check_stride=False)
        assert is_channels_last(joined)


def test_one_piece_is_not_copied() -> None:
    piece = torch.rand(1, 2, 3, 4, 5)
    assert cat_steps([piece]).data_ptr() == piece.data_ptr()


def test_steps_go_to_a_convolution_without_a_copy() -> None:
    sequence = stack_steps([torch.rand(2, 3, 4, 5) for _ in range(4)])
    flat = sequence.flatten(0, 1)
    assert flat.data_ptr() == sequence.data_ptr()
    assert flat.is_contiguous(memory_format=torch.channels_last)
