import torch
from monai.data import MetaTensor

from lungdet.engines import prepare_detection_batch


def patch(value: float, boxes: int) -> dict:
    return {"image": MetaTensor(torch.full((1, 4, 4, 2), value)), "box": torch.rand(boxes, 6)}


def test_nested_samples_keep_their_order_and_their_boxes():
    batch = [[patch(0.0, 2), patch(1.0, 0)], [patch(2.0, 1)]]
    images, targets = prepare_detection_batch(batch)
    assert images.shape == (3, 1, 4, 4, 2)
    assert images[:, 0, 0, 0, 0].tolist() == [0.0, 1.0, 2.0]
    assert [each["box"].shape for each in targets] == [(2, 6), (0, 6), (1, 6)]


def test_metadata_does_not_reach_the_network():
    images, _ = prepare_detection_batch([patch(0.0, 1)])
    assert type(images) is torch.Tensor


def test_no_boxes_in_any_shape_are_an_empty_table():
    images, targets = prepare_detection_batch({"image": torch.zeros(1, 2, 2, 2), "box": []})
    assert images.shape == (1, 1, 2, 2, 2)
    assert targets[0]["box"].shape == (0, 6)


def test_boxes_to_ignore_travel_where_there_are_some():
    batch = [patch(0.0, 1) | {"ignore_box": torch.rand(2, 6)}, patch(1.0, 1)]
    _, targets = prepare_detection_batch(batch)
    assert targets[0]["ignore_box"].shape == (2, 6)
    assert "ignore_box" not in targets[1]
