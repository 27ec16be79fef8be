"""A cut of a chest about one nodule."""

import numpy as np
import pytest

from lungdet.geometry.frames import world_to_voxel
from lungdet.phantoms import make_nodule_cut


def test_same_arguments_same_bytes_and_another_scan_shows_the_same_nodule():
    first, again = (make_nodule_cut(5, 9.0, spacing_mm=(1.5, 1.5, 2.0)) for _ in range(2))
    assert (first.volume.array == again.volume.array).all()
    assert first.nodule == again.nodule
    other = make_nodule_cut(5, 9.0, spacing_mm=(1.5, 1.5, 2.0), scan_seed=1)
    assert other.nodule == first.nodule
    assert not np.array_equal(other.volume.array, first.volume.array)


@pytest.mark.parametrize("location", ["isolated", "juxtapleural", "juxtavascular"])
def test_the_truth_is_what_the_scan_shows(location):
    cut = make_nodule_cut(6, 14.0, location=location, spacing_mm=(1.0, 1.0, 1.0), dose="none")
    x, y, z = world_to_voxel(np.array([cut.nodule.center_lps_mm]), cut.volume.affine_lps)[0].round().astype(int)
    assert cut.volume.array[x, y, z] > -300
    assert cut.lungs[x, y, z]
    low, high = np.array(cut.nodule.box_lps_mm[:3]), np.array(cut.nodule.box_lps_mm[3:])
    assert cut.long_axial_mm <= np.hypot(*(high - low)[:2]) + 0.5
    assert cut.long_axial_mm >= (high - low)[:2].max() * 0.75
    bright = (cut.volume.array > -400) & cut.lungs
    start, stop = (world_to_voxel(corner[None], cut.volume.affine_lps)[0] for corner in (low, high))
    inside = tuple(slice(round(a), round(b) + 1) for a, b in zip(start, stop, strict=True))
    if location == "isolated":
        assert bright[inside].sum() == pytest.approx(cut.volume_mm3, rel=0.12)


def test_what_cannot_be_made():
    with pytest.raises(ValueError, match="positive"):
        make_nodule_cut(1, 0.0)
    with pytest.raises(ValueError, match="no place"):
        make_nodule_cut(1, 90.0)
