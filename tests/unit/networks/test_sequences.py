import torch

from lungdet.networks.blocks import cat_channels, cat_steps, stack_steps, unbind_steps


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


def test_steps_taken_apart_and_their_gradient_stay_channels_last() -> None:
    sequence = stack_steps([torch.rand(2, 3, 4, 5) for _ in range(4)]).requires_grad_()
    steps = unbind_steps(sequence)
    assert all(torch.equal(step, sequence[:, t]) for t, step in enumerate(steps))
    assert all(step.stride(1) == 1 for step in steps)
    sum((t + 1) * step.sum() for t, step in enumerate(steps)).backward()
    assert torch.equal(sequence.grad[0, :, 0, 0, 0], torch.tensor([1.0, 2, 3, 4]))
    assert is_channels_last(sequence.grad)
