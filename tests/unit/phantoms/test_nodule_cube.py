"""Cubes about marks: what is in their middle, how they are balanced, and what is refused."""

from collections import Counter

import numpy as np
import pytest

from lungdet.phantoms import MARK_PLACES, Background, CubeStyle, draw_cubes, make_background
from lungdet.phantoms.mark_places import ANATOMY_SHARES, draw_place
from lungdet.phantoms.nodule_cube import _coarsened, _cut_off, _there_and_back
from lungdet.phantoms.wanted_nodule import draw_diameter, place_wanted
from lungdet.records import NODULE_TYPES

CLEAN = {"thick_ratio": 0.0, "coarse_ratio": 0.0, "cut_ratio": 0.0}


@pytest.fixture(scope="module")
def background() -> Background:
    """A patient at 1 mm, without the outer parts of the lungs."""
    return make_background(9103, (1.0, 1.0, 1.0), (224, 176, 160))


@pytest.fixture(scope="module")
def cubes(background):
    """Some hundred cubes."""
    return [cube for n in range(8) for cube in draw_cubes(background, np.random.default_rng(n), 16)]


def test_the_same_chance_gives_the_same_cubes(background):
    one, two = (draw_cubes(background, np.random.default_rng(3), 3) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        assert (a.hu == b.hu).all()
        assert a.nodule == b.nodule
        assert a.readings == b.readings


def test_a_cube_is_what_it_says(cubes):
    for cube in cubes:
        assert cube.hu.shape == (48, 48, 48)
        assert cube.hu.dtype == np.float32
        assert (cube.nodule is None) == (not cube.readings)
        np.testing.assert_allclose(cube.affine_lps[:3, :3], np.eye(3))
        np.testing.assert_allclose(cube.mark_lps_mm, cube.affine_lps[:3, 3] + 23.5)


def test_the_mark_lies_off_its_nodule_as_a_detector_has_it(cubes):
    off = [
        np.linalg.norm(np.subtract(cube.mark_lps_mm, cube.nodule.center_lps_mm)) / cube.nodule.diameter_mm
        for cube in cubes
        if cube.nodule
    ]
    half_voxel = 0.5 * 3**0.5 / 4.0  # of the smallest nodule
    assert max(off) < 0.15 + half_voxel
    assert np.median(off) > 0.03


def test_a_nodule_is_brighter_than_the_same_place_without_it(background):
    for cube in draw_cubes(background, np.random.default_rng(1), 6, style=CubeStyle(nodule_ratio=1.0, **CLEAN)):
        if cube.nodule is None:
            continue
        first = np.rint(cube.affine_lps[:3, 3] - background.offset_lps_mm - background.first_mm).astype(int)
        middle = np.rint(first + 23.5 + np.subtract(cube.nodule.center_lps_mm, cube.mark_lps_mm)).astype(int)
        x, y, z = (slice(m - 1, m + 2) for m in middle)
        i, j, k = (slice(m - 1, m + 2) for m in middle - first)
        assert cube.hu[i, j, k].mean() > background.hu[z, y, x].mean() + 100


def test_types_are_balanced_and_places_many(cubes):
    types = Counter(cube.nodule.type for cube in cubes if cube.nodule)
    assert set(types) == set(NODULE_TYPES)
    assert max(types.values()) < 4 * min(types.values())
    places = {cube.place for cube in cubes if cube.nodule is None}
    assert places <= set(MARK_PLACES)
    assert len(places) > 10
    assert {cube.place for cube in cubes if cube.nodule} <= {"isolated", "juxtapleural", "juxtavascular"}


def test_a_false_mark_keeps_away_from_nodules(background):
    style = CubeStyle(nodule_ratio=0.7)
    for seed in range(3):
        drawn = draw_cubes(background, np.random.default_rng(seed), 12, style=style)
        nodules = [cube.nodule for cube in drawn if cube.nodule]
        for cube in drawn:
            if cube.nodule is None:
                gaps = [
                    np.linalg.norm(np.subtract(cube.mark_lps_mm, n.center_lps_mm)) - n.diameter_mm / 2 for n in nodules
                ]
                assert min(gaps, default=9) > 3


@pytest.mark.parametrize("kind", NODULE_TYPES)
def test_a_wanted_type_comes_in_the_wanted_size(background, kind):
    placed = place_wanted(background, np.random.default_rng(2), kind, (6.0, 9.0))
    assert placed.truth.type == kind
    assert 4.5 < placed.truth.diameter_mm < 11


def test_diameters_stay_in_their_range():
    rng = np.random.default_rng(0)
    drawn = [draw_diameter(rng, 4.0, 6.0) for _ in range(300)]
    assert min(drawn) >= 4.0
    assert max(drawn) <= 6.0


def test_every_place_is_drawn_about_as_often_as_said(background):
    rng = np.random.default_rng(0)
    names = Counter(draw_place(background, background.mark_places, rng)[0] for _ in range(400))
    for name, share in ANATOMY_SHARES.items():
        assert names[name] == pytest.approx(400 * share, abs=4 * (400 * share) ** 0.5 + 1)


def test_forks_and_crossings_lie_in_vessels(background):
    places, vessels = background.mark_places, background.vessels
    assert len(places.forks) > 20
    assert len(places.touches) > 20
    assert len(places.rib_ends)
    assert vessels.distance_mm(places.forks[:50]).max() < 0
    assert vessels.distance_mm(places.touches[:50]).max() < 3
    wall = background.thorax.lung_distance_mm(*places.rib_ends.T)
    assert np.abs(wall).max() < 40


def test_coarser_voxels_keep_what_is_linear_and_blur_the_rest():
    ramp = np.arange(48, dtype=np.float32)
    for phase in (0.0, 0.3, 0.9):
        np.testing.assert_allclose((_there_and_back(48, 1.7, phase) @ ramp)[2:-2], ramp[2:-2], atol=1e-4)
    noise = np.random.default_rng(0).normal(size=(48, 48, 48)).astype(np.float32)
    assert _coarsened(noise, np.random.default_rng(1), True).std() < 0.7 * noise.std()


def test_beyond_the_scan_there_is_air_and_the_mark_never():
    for seed in range(20):
        cut = _cut_off(np.zeros((48, 48, 48), np.float32), np.random.default_rng(seed))
        assert cut.min() == -1000
        assert (cut[:, :, 22:26] == 0).all()


def test_no_cubes_are_no_cubes(background):
    assert draw_cubes(background, np.random.default_rng(0), 0) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"nodule_ratio": 1.5},
        {"type_weights": (1.0, 1.0)},
        {"type_weights": (0.0,) * 4},
        {"diameter_mm": (9.0, 5.0)},
        {"diameter_mm": (1.0, 5.0)},
    ],
)
def test_a_style_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CubeStyle(**wrong)


def test_other_voxels_and_odd_sides_are_refused(background):
    coarse = make_background(1, (6.0, 6.0, 6.0), (52, 52, 40))
    with pytest.raises(ValueError, match="1 mm"):
        draw_cubes(coarse, np.random.default_rng(0))
    with pytest.raises(ValueError, match="even"):
        draw_cubes(background, np.random.default_rng(0), side=47)
