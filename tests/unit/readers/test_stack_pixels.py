import numpy as np
import pytest

from lungdet.readers import read_ct


def hu_of(folder, **options):
    return read_ct(folder, **options).array.transpose(2, 1, 0)


def test_each_slice_has_its_own_rescale(ct_files, stored):
    folder = ct_files.series(stored, change=lambda n: {"RescaleSlope": 1 + n % 2, "RescaleIntercept": -1000 - n})
    number = np.arange(6)[:, None, None]
    hu = hu_of(folder)
    assert hu.dtype == np.int16
    np.testing.assert_array_equal(hu, stored * (1 + number % 2) - 1000 - number)


def test_a_fractional_slope_gives_float32(ct_files, stored):
    hu = hu_of(ct_files.series(stored, RescaleSlope="0.5", RescaleIntercept="-1000.25"))
    assert hu.dtype == np.float32
    np.testing.assert_array_equal(hu, (stored * 0.5 - 1000.25).astype(np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_signed_and_unsigned_and_bytes(ct_files, stored, dtype):
    values = (stored % 200).astype(dtype)
    hu = hu_of(ct_files.series(values))
    assert hu.dtype == np.int16
    np.testing.assert_array_equal(hu, values.astype(int) - 1024)


def test_unsigned_values_above_int16_fit_after_the_intercept(ct_files, stored):
    values = stored.astype(np.uint16)
    values[2, 1, 1] = 33000
    hu = hu_of(ct_files.series(values))
    assert hu.dtype == np.int16
    assert hu[2, 1, 1] == 33000 - 1024


def test_values_that_do_not_fit_int16_give_float32(ct_files, stored):
    values = stored.astype(np.uint16)
    values[2, 1, 1] = 65000
    hu = hu_of(ct_files.series(values))
    assert hu.dtype == np.float32
    np.testing.assert_array_equal(hu, values.astype(np.float32) - 1024)


def test_negative_slope(ct_files, stored):
    values = stored.copy()
    values[0, 0, 0] = 3100
    hu = hu_of(ct_files.series(values, RescaleSlope=-1, RescaleIntercept=1500))
    expected = 1500 - values
    expected[0, 0, 0] = -1000  # -1600 is out of the field of view
    np.testing.assert_array_equal(hu, expected)


@pytest.mark.parametrize("slope", [1, "0.5"])
def test_padding_becomes_air(ct_files, stored, slope):
    values = stored.copy()
    values[1, 0, :2], values[2, 0, 0] = -2000, -3000  # padding by its tag, and out of the field by value
    values[3, 0, 0] = -430
    folder = ct_files.series(values, RescaleSlope=slope, PixelPaddingValue=-2000)
    expected = values * float(slope) - 1024
    expected[1, 0, :2] = expected[2, 0, 0] = -1000
    np.testing.assert_array_equal(hu_of(folder), expected)
    assert read_ct(folder).info.steps[-1] == "set 3 voxels of padding to -1000 HU"
    np.testing.assert_array_equal(hu_of(folder, padding_hu=None), values * float(slope) - 1024)
    assert hu_of(folder, padding_hu=-3000)[2, 0, 0] == -3000
    assert hu_of(folder, padding_hu=-1000.5).dtype == np.float32


def test_padding_of_one_slice_is_not_that_of_another(ct_files, stored):
    values = stored.copy()
    values[:2, 0, 0] = 77
    folder = ct_files.series(values, change=lambda number: {"PixelPaddingValue": 77} if number == 1 else {})
    hu = hu_of(folder)
    assert (hu[0, 0, 0], hu[1, 0, 0]) == (77 - 1024, -1000)


def test_a_padding_range(ct_files, stored):
    values = stored.copy()
    values[1, 0, :3] = [-100, -50, -10]
    hu = hu_of(ct_files.series(values, PixelPaddingValue=-100, PixelPaddingRangeLimit=-40))
    assert hu[1, 0, :3].tolist() == [-1000, -1000, -1034]


def test_padding_that_does_not_fit_int16_does_not_cost_int16(ct_files, stored):
    values = stored.copy()
    values[0] = -32768
    values[1, 0, 0] = -32768
    folder = ct_files.series(values, PixelPaddingValue=-32768)
    hu = hu_of(folder)
    assert hu.dtype == np.int16
    assert (hu[0] == -1000).all()
    assert hu_of(folder, padding_hu=None).dtype == np.float32


@pytest.mark.parametrize("above", [3000, 65000])
def test_float32_on_demand_holds_the_same_hu(ct_files, stored, above: int):
    values = stored.astype(np.uint16)
    values[2, 1, 1] = above
    folder = ct_files.series(values, PixelPaddingValue=int(values[3, 0, 0]))
    hu = hu_of(folder, dtype="float32")
    assert hu.dtype == np.float32
    np.testing.assert_array_equal(hu, hu_of(folder))
    with pytest.raises(ValueError, match="dtype must be one of"):
        hu_of(folder, dtype="int8")


def test_an_odd_rescale_type_is_told(ct_files, stored):
    volume = read_ct(ct_files.series(stored, RescaleType="Houndsfield Unit"))
    assert volume.info.steps == ("RescaleType 'Houndsfield Unit' taken as HU",)
