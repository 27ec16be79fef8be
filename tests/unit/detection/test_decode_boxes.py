import pytest
import torch

from lungdet.detection import BoxCoder, DecodeBoxesd

GRID = (8, 8, 12)


def answer(*nodules: tuple[list[float], float]) -> torch.Tensor:
    """The answer of a network that is sure of the given boxes, and of nothing else."""
    outputs = torch.zeros(7, *GRID)
    outputs[0] = -12.0
    for box, logit in nodules:
        boxes = torch.tensor([box])
        cell = BoxCoder().cells_of(boxes)
        offset, log_size = BoxCoder().encode(boxes, cell)
        outputs[0][tuple(cell[0])] = logit
        outputs[1:4, cell[0, 0], cell[0, 1], cell[0, 2]] = offset[0]
        outputs[4:7, cell[0, 0], cell[0, 1], cell[0, 2]] = log_size[0]
    return outputs


def test_boxes_come_by_falling_score():
    first, second = [2.0, 2, 2, 8, 8, 8], [18.0, 18, 4, 24, 24, 10]
    item = DecodeBoxesd()({"pred": answer((first, 0.0), (second, 2.0)), "name": "scan"})
    torch.testing.assert_close(item["pred_box"], torch.tensor([second, first]))
    torch.testing.assert_close(item["pred_score"], torch.sigmoid(torch.tensor([2.0, 0.0])))
    assert item["name"] == "scan"


def test_doubles_are_dropped_before_the_best_are_chosen():
    # Three marks on one nodule, too far apart in the grid to hide each other as peaks, and a weaker one elsewhere.
    doubles = [([4.0, 4, 4, 24, 24, 16], 3.0), ([4.0, 4, 8, 24, 24, 20], 2.0), ([4.0, 4, 12, 24, 24, 24], 1.0)]
    other = [26.0, 26, 2, 30, 30, 6]
    decode = DecodeBoxesd(max_boxes=2, suppression="iou", iou_threshold=0.1)
    item = decode({"pred": answer(*doubles, (other, -1.0))})
    torch.testing.assert_close(item["pred_box"], torch.tensor([doubles[0][0], other]))


def test_nothing_found_is_an_empty_table():
    item = DecodeBoxesd()({"pred": answer()})
    assert item["pred_box"].shape == (0, 6)
    assert item["pred_score"].shape == (0,)


def test_input_is_left_alone_and_missing_keys_are_honoured():
    data = {"pred": answer()}
    DecodeBoxesd()(data)
    assert set(data) == {"pred"}
    assert DecodeBoxesd(allow_missing_keys=True)({"other": 1}) == {"other": 1}
    with pytest.raises(KeyError):
        DecodeBoxesd()({"other": 1})


def test_several_answers_are_refused():
    with pytest.raises(ValueError, match="one answer"):
        DecodeBoxesd(keys=["a", "b"])
