"""Shrinking while reading is the area average of the whole picture: torch and Pillow are the referees."""

import numpy as np
import pytest
import torch
from PIL import Image

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.readers import read_radiograph
from lungdet.readers.radiograph_shrink import shrink_rows, shrunk_shape

TOLERANCE = 2e-6  # rounding of float32; the docs of the reader state 1e-5


@pytest.mark.parametrize(
    ("shape", "new_shape"),
    [
        ((64, 64), (8, 8)),
        ((61, 47), (20, 11)),
        ((100, 3), (7, 1)),
        ((5, 500), (5, 33)),
        ((9, 9), (9, 9)),
        ((2, 2), (1, 1)),
    ],
)
def test_the_average_of_areas(shape, new_shape):
    picture = np.random.default_rng(1).random(shape, np.float32)
    shrunk = shrink_rows(lambda first, last: picture[first:last], shape, new_shape)
    assert shrunk.shape == new_shape
    # Each pixel cut into as many as make both sizes whole: then a plain mean is the exact average.
    fine = np.repeat(np.repeat(picture.astype(np.float64), new_shape[0], 0), new_shape[1], 1)
    expected = fine.reshape(new_shape[0], shape[0], new_shape[1], shape[1]).mean(axis=(1, 3))
    np.testing.assert_allclose(shrunk, expected, atol=TOLERANCE)
    if shape[0] % new_shape[0] == 0 and shape[1] % new_shape[1] == 0:  # elsewhere Pillow takes whole pixels only
        boxes = Image.fromarray(picture).resize(new_shape[::-1], Image.Resampling.BOX)
        np.testing.assert_allclose(shrunk, np.asarray(boxes), atol=TOLERANCE)
    assert shrunk.mean() == pytest.approx(picture.mean(), abs=1e-5)


def test_torch_agrees_where_the_ratio_is_whole():
    picture = np.random.default_rng(2).random((96, 120), np.float32)
    expected = torch.nn.functional.interpolate(torch.from_numpy(picture)[None, None], (24, 30), mode="area")[0, 0]
    np.testing.assert_allclose(
        shrink_rows(lambda first, last: picture[first:last], (96, 120), (24, 30)), expected.numpy(), atol=TOLERANCE
    )


def test_an_even_picture_stays_even():
    even = np.full((4093, 17), 0.7, np.float32)
    np.testing.assert_allclose(shrink_rows(lambda a, b: even[a:b], (4093, 17), (257, 3)), 0.7, atol=TOLERANCE)


@pytest.mark.parametrize("longer", [1, 2, 63, 64, 65, 1000])
def test_the_aspect_is_kept_and_nothing_grows(longer):
    rows, columns = shrunk_shape(64, 48, longer)
    assert max(rows, columns) == min(longer, 64)
    assert abs(rows * 48 / 64 - columns) <= 0.5


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("elements", [{}, {"window": None}, {"window": (2000, 500)}, {"PixelPaddingValue": 82}])
@pytest.mark.parametrize("max_side", [32, 100])
def test_a_dicom_read_small_is_the_whole_one_made_small(tmp_path, photometric, elements, max_side):
    picture = make_radiograph(0, "hand", rows=300, columns=200)
    path = write_radiograph_dicom(picture, tmp_path / "a.dcm", photometric=photometric, **elements)
    whole, small = read_radiograph(path), read_radiograph(path, max_side=max_side)
    expected = shrink_rows(lambda a, b: whole.pixels[a:b], whole.pixels.shape, small.pixels.shape)
    np.testing.assert_allclose(small.pixels, expected, atol=1e-5)
    assert max(small.pixels.shape) == max_side
    assert small.info.steps[:-1] == whole.info.steps
    assert small.info.steps[-1].startswith(f"shrunk from 300 x 200 to {max_side} x ")
    assert (small.info.rows, small.info.columns, small.info.spacing_mm) == (300, 200, whole.info.spacing_mm)
    assert small.spacing_mm == pytest.approx((0.2 * 300 / max_side, 0.2 * 200 / small.pixels.shape[1]))


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_a_picture_read_small_is_the_whole_one_made_small(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    Image.fromarray((make_radiograph(0, "skull") * 255).astype(np.uint8)).save(path)
    whole, small = read_radiograph(path), read_radiograph(path, max_side=50)
    expected = shrink_rows(lambda a, b: whole.pixels[a:b], whole.pixels.shape, small.pixels.shape)
    np.testing.assert_allclose(small.pixels, expected, atol=1e-5)


def test_a_picture_that_is_small_enough_stays(tmp_path):
    path = write_radiograph_dicom(make_radiograph(0), tmp_path / "a.dcm")
    whole, same = read_radiograph(path), read_radiograph(path, max_side=256)
    np.testing.assert_array_equal(whole.pixels, same.pixels)
    assert whole.info == same.info
