import math

import pytest
import torch

from lungdet.detection import BoxCoder, decode, decode_batch, encode_targets, find_peaks


def background(grid: tuple[int, int, int] = (6, 6, 8)) -> torch.Tensor:
    outputs = torch.zeros(7, *grid)
    outputs[0] = -10.0
    return outputs


def test_one_peak_by_hand() -> None:
    outputs = background()
    outputs[:, 1, 2, 3] = torch.tensor([0.0, 0.25, -0.25, 0.5, 0.0, math.log(2), -math.log(2)])
    boxes, scores = decode(outputs)
    # centre: (1.5 + 0.25) * 4 = 7, (2.5 - 0.25) * 4 = 9, (3.5 + 0.5) * 2 = 8; sides 6, 12, 3
    torch.testing.assert_close(boxes, torch.tensor([[4.0, 3.0, 6.5, 10.0, 15.0, 9.5]]))
    torch.testing.assert_close(scores, torch.tensor([0.5]))


def test_coding_and_decoding_gives_the_boxes_back() -> None:
    grid = (16, 16, 24)
    torch.manual_seed(0)
    centers = torch.cartesian_prod(*[torch.tensor([8.0, 30.0, 52.0])] * 2, torch.tensor([8.0, 36.0]))
    centers += torch.rand(18, 3) * 6 - 3
    half = 1.5 + torch.rand(18, 3) * 3
    boxes = torch.cat([centers - half, centers + half], dim=1)
    target = encode_targets(boxes, grid)
    outputs = torch.cat([torch.logit(target.heat, eps=1e-6), target.offset, target.log_size])
    decoded, _ = decode(outputs, score_threshold=0.9995)
    order = torch.cdist(decoded, boxes).argmin(dim=1)
    assert sorted(order.tolist()) == list(range(18))
    torch.testing.assert_close(decoded, boxes[order], atol=1e-4, rtol=0)


def test_scores_fall_and_top_k_and_threshold_hold() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(7, 12, 12, 12)
    _, scores = decode(outputs, score_threshold=0.0, top_k=1000)
    assert (scores.diff() <= 0).all()
    assert len(decode(outputs, score_threshold=0.0, top_k=5)[1]) == 5
    assert (decode(outputs, score_threshold=0.8)[1] >= 0.8).all()


def test_every_peak_is_the_greatest_of_its_neighbourhood() -> None:
    torch.manual_seed(0)
    logits = torch.randn(8, 8, 8)
    peaks = set(find_peaks(logits, 0.0, 1000).tolist())
    for index in range(logits.numel()):
        at = [int(i) for i in torch.unravel_index(torch.tensor(index), logits.shape)]
        around = logits[tuple(slice(max(i - 1, 0), i + 2) for i in at)]
        assert (around.max() == logits[tuple(at)]) == (index in peaks)


def test_equal_peaks_come_in_the_order_of_the_grid() -> None:
    logits = torch.full((3, 3, 9), -5.0)
    logits[1, 1, [0, 4, 8]] = 1.0
    assert find_peaks(logits, 0.5, 10).tolist() == [36, 40, 44]


def test_nothing_above_the_threshold_gives_no_boxes() -> None:
    boxes, scores = decode(background())
    assert boxes.shape == (0, 6)
    assert scores.shape == (0,)


def test_a_batch_is_decoded_image_by_image() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(2, 7, 6, 6, 6).bfloat16()
    for (boxes, scores), output in zip(decode_batch(outputs), outputs, strict=True):
        torch.testing.assert_close((boxes, scores), decode(output[None]))
        assert boxes.dtype == scores.dtype == torch.float32


def test_another_coder_is_honoured() -> None:
    outputs = background()
    outputs[0, 1, 1, 1] = 5.0
    boxes, _ = decode(outputs, BoxCoder((2, 2, 2), reference_voxels=2.0))
    torch.testing.assert_close(boxes, torch.tensor([[2.0, 2.0, 2.0, 4.0, 4.0, 4.0]]))


@pytest.mark.parametrize("shape", [(2, 7, 4, 4, 4), (6, 4, 4, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="decode_batch"):
        decode(torch.zeros(shape))


def test_an_even_neighbourhood_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        find_peaks(torch.zeros(4, 4, 4), 0.5, 1, peak_cells=2)
