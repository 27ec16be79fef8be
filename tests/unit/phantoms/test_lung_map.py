"""Lungs are found in phantoms, whose lungs are known, and in boxes drawn by hand."""

import numpy as np
import pytest

from lungdet.phantoms import make_background, map_lungs
from lungdet.phantoms.lung_map import LungMap

SPACING = (2.0, 2.0, 2.0)


@pytest.fixture(scope="module")
def background():
    return make_background(4, SPACING, (190, 160, 120))


def block(size=60) -> np.ndarray:
    """Air, a body of water in it, one lung in that; 2 mm voxels, a table behind."""
    hu = np.full((size, size, 40), -1000.0, np.float32)
    hu[5:55, 5:50] = 30.0
    hu[15:45, 12:42, 4:36] = -850.0
    hu[2:58, 52:59] = -880.0  # foam
    return hu


def test_depth_in_a_block_is_the_distance_to_its_faces():
    lungs = map_lungs(block(), SPACING)
    middle = np.array([[30.0, 27.0, 20.0]]) * 2  # 15 voxels of 2 mm from the nearest faces
    assert lungs.depth_at(middle)[0] == pytest.approx(30, abs=5)
    near = np.array([[30.0, 13.0, 20.0], [30.0, 15.0, 20.0]]) * 2
    assert lungs.depth_at(near)[0] < lungs.depth_at(near)[1] < 12
    outside = np.array([[8.0, 27, 20], [30.0, 55.0, 20.0], [1.0, 1, 1]]) * 2  # wall, foam, air
    assert lungs.depth_at(outside) == pytest.approx([0, 0, 0])


def test_the_lungs_of_a_phantom(background):
    lungs = map_lungs(background.hu.T, SPACING)
    rng = np.random.default_rng(0)
    points = rng.uniform((-120, -100, -100), (120, 100, 100), (8000, 3))
    true_depth = -background.thorax.lung_distance_mm(*points.T)
    found = lungs.depth_at(points - background.first_mm) > 0
    assert found[true_depth > 5].mean() > 0.93  # bullae are left out
    assert found[true_depth < -8].mean() < 0.02
    windpipe = background.mediastinum.windpipe
    middle = windpipe.start[(windpipe.start[:, 2] > 35) & (abs(windpipe.start[:, 0]) < 8)]
    assert len(middle) > 4
    assert (lungs.depth_at(middle - background.first_mm) < 1).all()


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 8.0), (4.0, 2.0, 2.0)])
def test_any_spacing_and_slice_axis(background, spacing):
    whole = background.hu.T
    if spacing[2] == 8.0:
        lungs = map_lungs(np.repeat(np.repeat(whole[..., ::4], 2, 0), 2, 1), spacing)
    else:  # slices lie along the first axis
        lungs = map_lungs(whole.transpose(2, 0, 1)[::2], spacing, slice_axis=0)
    litres = (lungs.depth_mm > 0).sum() * lungs.step_mm.prod() / 1e6
    reference = map_lungs(whole, SPACING)
    assert litres == pytest.approx((reference.depth_mm > 0).sum() * reference.step_mm.prod() / 1e6, rel=0.15)


def test_a_mask_is_taken_as_it_is(background):
    mask = np.zeros(background.shape, np.uint8)
    mask[40:80, 40:80, 40:80] = 1
    lungs = map_lungs(background.hu.T, SPACING, mask=mask)
    assert lungs.depth_at(np.array([[119.0, 119, 119]]))[0] > 30
    assert lungs.depth_at(np.array([[70.0, 119, 119]]))[0] == 0
    with pytest.raises(ValueError, match="shape of the image"):
        map_lungs(background.hu.T, SPACING, mask=mask[1:])


@pytest.mark.parametrize("value", [-1000.0, 40.0, 0.0])
def test_no_lungs(value):
    lungs = map_lungs(np.full((30, 30, 20), value), SPACING)
    assert lungs.depth_mm.max() == 0
    assert lungs.draw(np.random.default_rng(0), 1, 10).shape == (0, 3)


def test_places_are_drawn_at_the_depth_asked_for():
    lungs, rng = map_lungs(block(), SPACING), np.random.default_rng(0)
    points = np.concatenate([lungs.draw(rng, 8, 14) for _ in range(50)])
    assert points.shape == (50, 3)
    assert lungs.depth_at(points).min() > 8 - 4
    assert lungs.depth_at(points).max() < 14 + 4
    assert np.ptp(points, axis=0).min() > 20
    bright = LungMap(lungs.depth_mm, np.where(np.indices(lungs.hu.shape)[0] == 12, 0.0, lungs.hu), lungs.step_mm)
    points = np.concatenate([bright.draw(rng, 2, 99, above_hu=-500) for _ in range(20)])
    assert np.abs(points[:, 0] - 12 * lungs.step_mm[0]).max() <= lungs.step_mm[0] / 2
