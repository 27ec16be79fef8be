import pytest
import torch
from monai.data import MetaTensor, list_data_collate

from lungdet.engines import prepare_picture_batch


def item(label, side: int = 8) -> dict:
    return {"image": MetaTensor(torch.rand(1, side, side)), "label": label}


def test_metadata_is_stripped() -> None:
    images, labels = prepare_picture_batch([item(0), item(2)])
    assert type(images) is torch.Tensor
    assert labels is not None
    assert labels.tolist() == [0, 2]
    assert labels.dtype == torch.int64


def test_several_labels_are_float32() -> None:
    _, labels = prepare_picture_batch([item(torch.tensor([1, 0, 1])), item([0, 0, 1])])
    assert labels is not None
    torch.testing.assert_close(labels, torch.tensor([[1.0, 0, 1], [0, 0, 1]]))


def test_pictures_without_labels() -> None:
    assert prepare_picture_batch([{"image": torch.rand(1, 8, 8)}])[1] is None


@pytest.mark.parametrize("label", [2, torch.tensor([1.0, 0.0])])
def test_a_collated_batch_is_the_same(label) -> None:
    items = [item(label), item(label)]
    images, labels = prepare_picture_batch(list_data_collate(items))
    for found, wanted in zip((images, labels), prepare_picture_batch(items), strict=True):
        assert type(found) is torch.Tensor
        assert torch.equal(found, wanted)


def test_pictures_of_several_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="end the transforms with FitPictured"):
        prepare_picture_batch([item(0, 8), item(0, 9)])
