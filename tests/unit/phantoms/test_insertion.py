"""Inserted nodules: their box, their promises, and what they leave as it was."""

import numpy as np
import pytest

from lungdet.phantoms import InsertionStyle, draw_insertion, make_chest, map_lungs
from lungdet.phantoms.insertion import denoise
from lungdet.phantoms.nodule import PEAK_HU, VISIBLE_FRACTION

SPACING = (1.2, 1.2, 3.0)


@pytest.fixture(scope="module")
def scan():
    volume = make_chest(6, spacing_mm=SPACING, shape=(240, 210, 60), nodules=0).volume
    hu = volume.array.astype(np.float32)
    return hu, map_lungs(hu, SPACING)


def insertions(scan, count, style=None, seed=0):
    rng = np.random.default_rng(seed)
    found = [draw_insertion(rng, *scan[:1], SPACING, scan[1], style or InsertionStyle()) for _ in range(count)]
    return [one for one in found if one is not None]


def test_every_nodule_is_as_visible_as_promised_and_its_box_is_tight(scan):
    hu, _ = scan
    found = insertions(scan, 25)
    assert len(found) >= 22
    assert {one.location for one in found} == {"isolated", "juxtapleural", "juxtavascular"}
    for one in found:
        assert one.visible_fraction >= VISIBLE_FRACTION
        assert one.added_hu.max() == pytest.approx(one.peak_hu)
        assert one.peak_hu >= PEAK_HU[one.kind]
        assert one.added_hu.min() >= 0
        assert one.added_hu.shape == hu[one.window].shape
        low, high = one.box_edge[:3], one.box_edge[3:]
        assert (low >= 0).all()
        assert (high <= hu.shape).all()
        clear = np.argwhere(one.added_hu > 0.5 * one.peak_hu) + [span.start for span in one.window]
        assert (clear >= low - 1).all()
        assert (clear + 1 <= high + 1).all()
        if one.kind == "solid":  # of a part-solid one this is the core
            assert (clear.min(axis=0) - low < 2.5).all()
            assert (high - clear.max(axis=0) - 1 < 2.5).all()
        side = (high - low) * SPACING
        assert 0.7 * one.diameter_mm < np.cbrt(side.prod()) < 1.6 * one.diameter_mm


def test_boxes_are_off_by_nothing_on_the_average(scan):
    offsets = []
    for one in insertions(scan, 30, InsertionStyle((6.0, 14.0)), seed=2):
        if one.kind == "solid" and one.location == "isolated":
            clear = np.argwhere(one.added_hu > 0.5 * one.peak_hu) + [span.start for span in one.window]
            middle = (clear.min(axis=0) + clear.max(axis=0) + 1) / 2
            offsets.append(middle - (one.box_edge[:3] + one.box_edge[3:]) / 2)
    assert len(offsets) > 5
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.25


def test_it_lies_in_the_lung(scan):
    hu, _ = scan
    for one in insertions(scan, 12, seed=3):
        before = denoise(hu[one.window], 2)
        changed = one.added_hu > 0.3 * one.peak_hu
        assert np.median(before[changed]) < -500
        whole = hu[one.window] + one.added_hu
        assert whole[changed].max() < 900


def test_the_noise_stays():
    rng = np.random.default_rng(0)
    hu = np.full((80, 80, 40), 30.0, np.float32)
    hu[8:72, 8:72, 2:38] = -860.0
    noise = rng.normal(0, 25, hu.shape).astype(np.float32)
    spacing = (1.5, 1.5, 1.5)
    lungs = map_lungs(hu, spacing)
    one = draw_insertion(np.random.default_rng(4), hu + noise, spacing, lungs, InsertionStyle((18.0, 20.0)))
    after = (hu + noise)[one.window] + one.added_hu
    inside = one.added_hu > 0.97 * one.added_hu.max()
    core = np.abs(after[inside] - np.median(after[inside]))
    assert inside.sum() > 50
    assert 0.5 * 25 < 1.4826 * np.median(core) < 1.2 * 25


def test_denoising_keeps_edges_and_takes_noise():
    rng = np.random.default_rng(1)
    hu = np.full((40, 40, 6), -850.0, np.float32)
    hu[20:] = 40.0
    plain = denoise(hu + rng.normal(0, 20, hu.shape).astype(np.float32), 2)
    assert plain[:17].std() < 10
    assert np.abs(plain[17:23] - hu[17:23]).mean() < 70
    assert np.array_equal(denoise(hu[:20], 2), hu[:20])


def test_sizes_kinds_and_places_follow_the_style_and_the_occupied(scan):
    small = insertions(scan, 6, InsertionStyle((4.0, 4.5)))
    assert all(one.kind == "solid" and 3 < one.diameter_mm < 5.5 for one in small)
    hu, lungs = scan
    taken = np.array([[0.0, 0, 0, *hu.shape]])
    assert draw_insertion(np.random.default_rng(0), hu, SPACING, lungs, InsertionStyle(), taken) is None
    half = np.array([[0.0, 0, 0, hu.shape[0] / 2, *hu.shape[1:]]])
    rng = np.random.default_rng(0)
    free = [draw_insertion(rng, hu, SPACING, lungs, InsertionStyle((5.0, 9.0)), half) for _ in range(5)]
    assert all(one.box_edge[0] > hu.shape[0] / 2 for one in free if one)
    assert any(free)


def test_no_lungs_no_nodules_and_same_draw_same_nodule(scan):
    empty = np.full((40, 40, 20), -1000.0, np.float32)
    assert draw_insertion(np.random.default_rng(0), empty, SPACING, map_lungs(empty, SPACING), InsertionStyle()) is None
    one, two = (insertions(scan, 1, seed=8)[0] for _ in range(2))
    assert one.window == two.window
    assert np.array_equal(one.added_hu, two.added_hu)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"diameter_mm": (5.0, 4.0)}, "diameter_mm"),
        ({"blur_mm": (-1.0, 1.0)}, "blur_mm"),
        ({"slice_axis": 3}, "slice_axis"),
    ],
)
def test_wrong_styles(wrong, message):
    with pytest.raises(ValueError, match=message):
        InsertionStyle(**wrong)
