import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d, interpolate

from lungdet.geometry.picture_fit import border_value, centred_widths, fit_size, pad_picture, resize_picture


@pytest.mark.parametrize(
    ("size", "side", "wanted"),
    [
        ((2500, 2048), 128, (128, 105)),
        ((3, 2), 3, (3, 2)),
        ((1, 1), 5, (5, 5)),
        ((10_000, 1), 4, (4, 1)),
        ((4, 5), 2, (2, 2)),
    ],
)
def test_fit_size_by_hand(size: tuple[int, int], side: int, wanted: tuple[int, int]):
    assert fit_size(*size, side) == wanted
    assert fit_size(*size[::-1], side) == wanted[::-1]


def test_fitting_twice_changes_nothing():
    for rows in range(1, 60, 7):
        for columns in range(1, 60, 5):
            fitted = fit_size(rows, columns, 24)
            assert max(fitted) == 24
            assert fit_size(*fitted, 24) == fitted
            assert sum(centred_widths(*fitted, 24)) == 48 - sum(fitted)


@pytest.mark.parametrize("size", [(0, 3, 4), (3, 0, 4), (3, 3, 0)])
def test_nothing_does_not_fit(size: tuple[int, int, int]):
    with pytest.raises(ValueError, match="at least 1 pixel"):
        fit_size(*size)


def test_shrinking_by_hand():
    picture = torch.tensor([[[0.0, 3.0, 6.0]]])
    assert torch.allclose(resize_picture(picture, 1, 2), torch.tensor([[[1.0, 5.0]]]))  # (0 + 3 / 2) / 1.5


def test_growing_by_hand():
    assert resize_picture(torch.tensor([[[0.0, 1.0]]]), 1, 4).tolist() == [[[0.0, 0.25, 0.75, 1.0]]]


def test_shrinking_keeps_mean_and_range():
    picture = torch.rand(2, 37, 53, generator=torch.Generator().manual_seed(0))
    for rows, columns in ((1, 1), (5, 52), (36, 7), (37, 11)):
        small = resize_picture(picture, rows, columns)
        assert small.shape == (2, rows, columns)
        assert torch.allclose(small.mean(dim=(1, 2)), picture.mean(dim=(1, 2)), atol=1e-6)
        assert 0 <= small.min() <= small.max() <= 1


def test_agrees_with_pillow_and_torch():
    picture = torch.rand(1, 60, 48, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(resize_picture(picture, 20, 12), avg_pool2d(picture, (3, 4)), atol=1e-6)
    box = Image.fromarray(picture[0].numpy()).resize((31, 60), Image.Resampling.BOX)  # box weighs whole pixels only
    assert np.abs(resize_picture(picture, 60, 31)[0].numpy() - np.asarray(box)).mean() < 0.12
    grown = interpolate(picture[None], size=(75, 60), mode="bilinear")[0]
    assert torch.allclose(resize_picture(picture, 75, 60), grown)


def test_same_size_is_the_picture_itself():
    picture = torch.rand(1, 4, 5)
    assert resize_picture(picture, 4, 5) is picture
    assert pad_picture(picture, (0, 0, 0, 0), torch.ones(1)) is picture


def test_border_and_padding():
    picture = torch.tensor([[[0.1, 0.1, 0.3], [0.3, 0.9, 0.3]]])
    assert border_value(picture).tolist() == pytest.approx([0.3])
    assert torch.allclose(border_value(1 - picture), 1 - border_value(picture))
    assert border_value(torch.tensor([[[0.25]]])).tolist() == [0.25]
    padded = pad_picture(picture, (1, 0, 0, 2), torch.tensor([0.5]))
    assert padded.shape == (1, 4, 4)
    assert torch.equal(padded[:, :2, 1:], picture)
    assert (padded[:, :, 0] == 0.5).all()
    assert (padded[:, 2:] == 0.5).all()


def test_empty_pictures_are_refused():
    with pytest.raises(ValueError, match="cannot resize"):
        resize_picture(torch.zeros(1, 0, 3), 2, 2)
    with pytest.raises(ValueError, match="cannot resize"):
        resize_picture(torch.zeros(1, 3, 3), 0, 2)
