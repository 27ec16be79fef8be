import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from lungdet.phantoms import draw_torso
from lungdet.phantoms.capsules import join
from lungdet.phantoms.torso_frame import BOTTOM_MM, TOP_MM
from lungdet.records import LESION_TYPES


@pytest.fixture(scope="module")
def torso():
    return draw_torso(11)


def field(torso, step=2.0, half=210.0):
    x, y = torso.center_mm(float(torso.height(0.4)))
    along = np.arange(-half, half + step / 2, step)
    return x + along, y + along


def paint_at(torso, z_mm, step=2.0):
    x, y = field(torso, step)
    return torso.paint(np.atleast_1d(z_mm), x, y), x, y


def test_coordinate_and_height_undo_each_other(torso):
    u = np.linspace(-0.2, 1.2, 57)
    np.testing.assert_allclose(torso.coordinate(torso.height(u)), u, atol=1e-12)


def test_coordinate_rises_to_the_feet_and_is_the_same_at_a_landmark_of_every_patient():
    wanted = (TOP_MM - 470.0) / (TOP_MM - BOTTOM_MM)  # the carina of the standard body
    for seed in range(4):
        other = draw_torso(seed)
        low, high = other.z_range_mm
        assert (np.diff(other.coordinate(np.linspace(low, high, 50))) < 0).all()
        assert other.coordinate(other.landmarks_mm["carina"]) == pytest.approx(wanted)
        assert list(other.landmarks_mm.values()) == sorted(other.landmarks_mm.values(), reverse=True)


def test_parts_change_at_the_dome_and_at_the_crest(torso):
    marks = torso.landmarks_mm
    heights = (marks["diaphragm_dome"] + 1, marks["diaphragm_dome"] - 1, marks["iliac_crest"] - 1)
    assert [torso.part(z) for z in heights] == ["chest", "abdomen", "pelvis"]


def test_a_slice_is_the_same_alone_and_among_others_and_for_the_same_seed(torso):
    heights = torso.height(np.array([0.8, 0.2, 0.5]))
    x, y = field(torso, 6.0)
    together = torso.paint(heights, x, y)
    np.testing.assert_array_equal(torso.paint(heights[1:2], x, y)[0], together[1])
    np.testing.assert_array_equal(draw_torso(11).paint(heights, x, y), together)
    assert together.dtype == np.float32
    assert together.min() >= -1001
    assert together.max() < 2500
    assert not np.array_equal(draw_torso(12).paint(heights, x, y), together)


def test_no_heights_give_no_slices(torso):
    assert torso.paint(np.empty(0), *field(torso, 30.0)).shape == (0, 15, 15)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed >= 0"):
        draw_torso(-1)


def inner_air_ml(torso, z_mm):
    """Lung and gas of a slice of 1 mm, without what is outside the skin."""
    hu, _, _ = paint_at(torso, z_mm)
    air = np.pad(hu[0] < -500, 1, constant_values=True)  # an arm may touch the border
    names, _ = ndimage.label(air)
    return float((air & (names != names[0, 0])).sum()) * 4.0 / 1000


@pytest.mark.parametrize("seed", [0, 5, 8])
def test_lungs_lie_between_apex_and_recess(seed):
    other = draw_torso(seed)
    marks = other.landmarks_mm
    scale = other.frame.scale
    assert inner_air_ml(other, marks["carina"]) > 10 * scale[0] * scale[1]
    for name in ("larynx", "femoral_head", "pubic_symphysis"):
        assert inner_air_ml(other, marks[name]) < 4.0, name


@pytest.mark.parametrize("seed", [1, 6, 9])
def test_the_windpipe_forks_at_the_carina(seed):
    other = draw_torso(seed)

    def airways(standard):
        x, y = (np.arange(-45, 46.0) * s for s in other.frame.scale)
        z = float(other.frame.from_standard(standard))
        center = other.center_mm(z)
        hu = other.paint(np.array([z]), center[0] + x, center[1] + y)[0]
        names, count = ndimage.label(hu[:, 22:69] < -950)
        return sum(1 for n in range(1, count + 1) if (names == n).sum() > 40)

    assert airways(500.0) == 1
    assert airways(459.0) == 2


def test_heads_of_the_thigh_bones_lie_at_their_landmark(torso):
    hu, x, y = paint_at(torso, torso.landmarks_mm["femoral_head"])
    center = torso.frame.point_mm((92.0, 5.0, 22.0))
    row, column = np.abs(y - center[1]).argmin(), np.abs(x - center[0]).argmin()
    assert hu[0, row - 3 : row + 4, column - 3 : column + 4].min() > 90


@pytest.mark.parametrize("seed", [2, 4])
def test_the_box_of_the_body_is_that_of_the_picture(seed):
    torso = draw_torso(seed)
    arms_off = dataclasses.replace(torso.anatomy, arms=join([]))
    bare = dataclasses.replace(torso, anatomy=arms_off)
    for u in (0.25, 0.45, 0.65, 0.8, 0.85, 0.95):
        z = float(torso.height(u))
        x, y = field(torso, 1.0, 230.0)
        rows, columns = np.nonzero(bare.paint(np.array([z]), x, y)[0] > -500)
        seen = x[columns.min()], y[rows.min()], x[columns.max()], y[rows.max()]
        np.testing.assert_allclose(torso.body_box(z), seen, atol=4.5)


@pytest.mark.parametrize("lesion_type", [kind for kind in LESION_TYPES if kind > 0])
def test_places_lie_in_their_tissue(torso, lesion_type):
    low, high = {1: (60, 700), 4: (-45, 250), 5: (-960, -650), 6: (-60, 300)}.get(lesion_type, (-170, 450))
    parts = {3: {"chest"}, 4: {"abdomen", "chest"}, 6: {"abdomen"}, 8: {"pelvis"}}.get(lesion_type)
    for seed in range(4):
        place = torso.draw_place(np.random.default_rng(seed), lesion_type)
        x, y, z = place.center_mm
        near = np.arange(-3.0, 4.0)
        assert low < float(torso.paint(np.array([z]), x + near, y + near).mean()) < high, place
        assert parts is None or torso.part(float(z)) in parts
        x0, y0, x1, y1 = torso.body_box(float(z))
        assert x0 < x < x1
        assert y0 < y < y1
        assert place.max_radius_mm > 5


def test_the_same_source_draws_the_same_place_and_other_types_are_refused(torso):
    first, again = (torso.draw_place(np.random.default_rng(3), 2) for _ in range(2))
    np.testing.assert_array_equal(first.center_mm, again.center_mm)
    with pytest.raises(ValueError, match="1 to 8, got 9"):
        torso.draw_place(np.random.default_rng(0), 9)
