import numpy as np
import pytest

from lungdet.phantoms import make_torso

COARSE = {"size": 64, "spacing_mm": (7.0, 7.0, 25.0)}


def test_volume_and_coordinates_tell_the_same():
    phantom = make_torso(3, **COARSE)
    volume = phantom.volume
    assert volume.array.dtype == np.int16
    assert volume.array.shape[:2] == (64, 64)
    heights = volume.affine_lps[2, 3] + np.arange(volume.array.shape[2]) * 25.0
    np.testing.assert_allclose(phantom.torso.coordinate(heights), phantom.coordinates)
    assert phantom.coordinates[0] == pytest.approx(1.0)  # slices rise to the head
    assert 0 <= phantom.coordinates[-1] < 25.0 / 500


def test_same_arguments_same_bytes_and_dose_is_only_noise():
    first, again = make_torso(4, **COARSE), make_torso(4, **COARSE)
    np.testing.assert_array_equal(first.volume.array, again.volume.array)
    clean = make_torso(4, **COARSE, dose="none").volume.array
    difference = (first.volume.array - clean)[20:44, 20:44].astype(float)
    assert 0.5 < difference.std() < 15
    assert abs(difference.mean()) < 1


def test_slices_of_a_range_do_not_depend_on_it():
    whole = make_torso(5, **COARSE, dose="none", table=False)
    low = float(whole.torso.height(0.7))
    part = make_torso(5, **COARSE, dose="none", table=False, z_range_mm=(low, low + 60.0))
    assert part.volume.array.shape[2] == 3
    np.testing.assert_allclose(part.coordinates[0], 0.7)


def test_a_table_lies_behind_the_patient_and_can_be_left_out():
    size = {"size": 128, "spacing_mm": (4.5, 4.5, 40.0)}
    with_table = make_torso(6, **size, dose="none").volume.array
    without = make_torso(6, **size, dose="none", table=False).volume.array
    rows = np.nonzero((with_table != without).any(axis=(0, 2)))[0]
    assert len(rows)
    assert rows.min() > 64  # columns, rows, slices: rows run to the back
    assert (with_table >= without).all()


def test_padding_fills_the_corners():
    array = make_torso(1, **COARSE, padding_hu=-2000).volume.array
    assert (array[0, 0] == -2000).all()


class Spot:
    """A lesion as a phantom takes it."""

    def __init__(self):
        self.heights = []

    def paint(self, hu, z_mm, x_mm, y_mm):
        self.heights += list(z_mm)
        assert hu.shape == (len(z_mm), len(y_mm), len(x_mm))
        hu[:, 30:34, 30:34] = 900.0


def test_lesions_are_painted_into_every_block():
    spot = Spot()
    array = make_torso(1, **COARSE, dose="none", lesions=[spot]).volume.array
    assert len(spot.heights) == array.shape[2]
    assert (array[31:33, 31:33] > 800).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 1}, "size >= 2"),
        ({"spacing_mm": (3.0, 0.0, 5.0)}, "spacing_mm > 0"),
        ({"z_range_mm": (10.0, -10.0)}, "lowest, highest"),
        ({"dose": "huge"}, "dose must be one of"),
    ],
)
def test_wrong_arguments_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_torso(1, **(COARSE | wrong))
