import numpy as np
import pytest
import torch
from monai.data import MetaTensor, set_track_meta

from lungdet.transforms import conversion


@pytest.fixture
def no_metadata():
    set_track_meta(False)
    yield
    set_track_meta(True)


def test_nothing_is_copied(scan):
    array = np.zeros((1, 4, 5, 6), dtype=np.int16).transpose(0, 3, 2, 1)
    tensor = conversion.as_image(array)
    assert isinstance(tensor, MetaTensor)
    assert tensor.data_ptr() == array.__array_interface__["data"][0]
    assert tensor.stride() == tuple(step // 2 for step in array.strides)
    assert conversion.as_image(scan) is scan
    assert conversion.plain(scan).data_ptr() == scan.data_ptr()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24.0).reshape(1, 2, 3, 4)[:, ::-1],
        np.arange(24, dtype=">i2").reshape(1, 2, 3, 4),
        np.broadcast_to(np.float32(3), (1, 2, 3, 4)),
    ],
    ids=["flipped", "big endian", "read-only"],
)
def test_arrays_that_torch_cannot_take_are_copied(array):
    assert np.array_equal(conversion.as_image(array).numpy(), array)


@pytest.mark.usefixtures("no_metadata")
def test_no_metadata_if_monai_tracks_none(scan):
    assert type(conversion.as_image(scan)) is torch.Tensor
    assert type(conversion.as_image(np.zeros((1, 2, 2, 2)))) is torch.Tensor


def test_metadata_is_a_copy(scan):
    out = conversion.with_meta_of(torch.zeros(1), scan)
    out.meta["new"] = 1
    out.applied_operations.append({})
    assert "new" not in scan.meta
    assert scan.applied_operations == []
    assert type(conversion.with_meta_of(torch.zeros(1), np.zeros(1))) is torch.Tensor


def test_boxes_from_anything():
    assert conversion.as_boxes([[1, 2, 3, 4, 5, 6]]).dtype == torch.float32
    assert conversion.as_boxes(np.zeros((1, 6))).dtype == torch.float64
    assert type(conversion.as_boxes(MetaTensor(torch.zeros(1, 6)))) is torch.Tensor
    assert conversion.as_box_rows([]).shape == (0, 6)
    assert conversion.as_box_rows(np.zeros(0), 4).shape == (0, 4)


def test_an_image_without_affine_is_refused():
    with pytest.raises(ValueError, match="'ct' is a Tensor without affine"):
        conversion.image_affine(torch.zeros(1, 2, 2, 2), "ct")
