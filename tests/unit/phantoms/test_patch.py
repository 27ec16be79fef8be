"""Patches of a phantom: their boxes and promises, measured on what was painted."""

import time

import numpy as np
import pytest

from lungdet.phantoms import draw_patches, make_background, make_chest
from lungdet.phantoms import patch as patch_module
from lungdet.phantoms.chest import NODULE_STREAM
from lungdet.phantoms.nodule import PEAK_HU
from lungdet.phantoms.patch import make_patch
from lungdet.phantoms.patch_scan import Protocol
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import place_nodules

SHAPE = (64, 64, 48)
NOISE_FREE = Protocol(dose="none")


@pytest.fixture(scope="module")
def background():
    return make_background(7)


@pytest.fixture(scope="module")
def placed(background):
    return place_nodules(background, np.random.default_rng(1), 20)


def around(background, item, shape=SHAPE) -> tuple[int, int, int]:
    voxel = (item.shape.center - background.first_mm) / background.spacing_mm
    return tuple(int(v) for v in np.clip(np.rint(voxel - np.array(shape) / 2), 0, np.array(background.shape) - shape))


def edge_box(patch, nodule) -> np.ndarray:
    steps = np.diag(patch.affine_lps)[:3]
    corners = np.array(nodule.box_lps_mm).reshape(2, 3)
    return (corners - patch.affine_lps[:3, 3]) / steps + 0.5


def test_same_seed_same_patches(background):
    first, again, other = (draw_patches(background, np.random.default_rng(seed), SHAPE, 2) for seed in (1, 1, 2))
    assert [patch.hu.shape for patch in first] == [SHAPE, SHAPE]
    assert first[0].hu.dtype == np.float32
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one.hu, two.hu)
        assert (one.nodules, one.ignored, one.protocol) == (two.nodules, two.ignored, two.protocol)
    assert not np.array_equal(first[0].hu, other[0].hu)


def test_boxes_are_tight_around_what_a_nodule_adds(background, placed):
    for item in placed[:8]:
        origin = around(background, item)
        with_it, without = (
            make_patch(background, np.random.default_rng(0), origin, SHAPE, some, NOISE_FREE) for some in ([item], [])
        )
        assert len(with_it.nodules) == 1
        assert without.nodules == without.ignored == ()
        nodule = with_it.nodules[0]
        added = with_it.hu - without.hu
        assert added.max() == pytest.approx(nodule.peak_hu, abs=2)
        low, high = edge_box(with_it, nodule)
        clear = np.argwhere(added > 0.4 * nodule.contrast_hu)
        if not len(item.shape.spikes):
            assert (abs(clear.min(axis=0) - low) < 1.6).all(), nodule
            assert (abs(clear.max(axis=0) + 1 - high) < 1.6).all(), nodule
        away = np.ones(SHAPE, bool)
        away[tuple(slice(max(int(a) - 3, 0), int(b) + 4) for a, b in zip(low, high, strict=True))] = False
        if not len(item.shape.spikes):
            assert abs(added[away]).max() == 0  # nothing is painted elsewhere


def test_a_patch_leaves_as_much_of_a_nodule_as_a_whole_scan(background):
    placed = place_nodules(draw_patient(7), np.random.default_rng([7, NODULE_STREAM]))
    whole = make_chest(7, shape=background.shape, dose="none")
    peaks = {nodule.box_lps_mm: nodule.peak_hu for nodule in whole.nodules}
    assert len(peaks) > 1
    for item in placed:
        if item.truth.box_lps_mm in peaks:
            patch = make_patch(
                background, np.random.default_rng(0), around(background, item), SHAPE, placed, NOISE_FREE
            )
            found = {nodule.box_lps_mm: nodule.peak_hu for nodule in patch.nodules}
            assert found[item.truth.box_lps_mm] == pytest.approx(peaks[item.truth.box_lps_mm], abs=2)


def test_every_nodule_counted_keeps_its_peak_and_washed_out_ones_are_ignored(background, placed):
    small = min(placed, key=lambda item: item.truth.diameter_mm)
    origin = around(background, small)
    thick = Protocol("soft", "none", 1.0, 5.0, 5.0, 0.0)
    thin, washed = (
        make_patch(background, np.random.default_rng(0), origin, SHAPE, [small], how) for how in (NOISE_FREE, thick)
    )
    assert thin.nodules[0].peak_hu > 1.5 * (washed.nodules + washed.ignored)[0].peak_hu
    for patch in draw_patches(background, np.random.default_rng(3), SHAPE, 8, nodule_ratio=1.0, thick_ratio=1.0):
        assert all(nodule.peak_hu >= PEAK_HU[nodule.kind] for nodule in patch.nodules)
        assert all(box_center_inside(patch, nodule) for nodule in patch.nodules)
        for nodule in patch.ignored:
            assert not box_center_inside(patch, nodule) or nodule.peak_hu < PEAK_HU[nodule.kind]


def box_center_inside(patch, nodule) -> bool:
    center = edge_box(patch, nodule).mean(axis=0)
    return bool(((center >= 0) & (center < patch.hu.shape)).all())


def test_a_nodule_whose_centre_is_outside_is_ignored_and_one_inside_keeps_its_whole_box(background, placed):
    item = max(placed, key=lambda one: one.truth.diameter_mm)
    voxel = (item.shape.center - background.first_mm) / background.spacing_mm
    x, y, z = (int(v) for v in np.rint(voxel))
    y, z = min(y - 20, background.shape[1] - SHAPE[1]), min(max(z - 20, 0), background.shape[2] - SHAPE[2])
    rng = np.random.default_rng(0)
    cut = make_patch(background, rng, (x - 2, y, z), SHAPE, [item], NOISE_FREE)
    assert [nodule.box_lps_mm for nodule in cut.nodules] == [item.truth.box_lps_mm]
    assert edge_box(cut, cut.nodules[0])[0, 0] < 0
    beside = make_patch(background, rng, (x + 3, y, z), SHAPE, [item], NOISE_FREE)
    assert beside.nodules == ()
    assert [nodule.box_lps_mm for nodule in beside.ignored] == [item.truth.box_lps_mm]
    far = make_patch(background, rng, (x + 30, y, z), SHAPE, [item], NOISE_FREE)
    assert far.nodules == far.ignored == ()


def test_ratios_are_kept(background):
    rng = np.random.default_rng(0)
    empty = draw_patches(background, rng, SHAPE, 6, nodule_ratio=0.0, thick_ratio=0.0)
    assert all(not patch.nodules and not patch.ignored for patch in empty)
    assert all(patch.protocol.thickness_mm is None for patch in empty)
    full = draw_patches(background, rng, SHAPE, 6, nodule_ratio=1.0, thick_ratio=1.0)
    assert all(patch.nodules or patch.ignored for patch in full)
    assert all(patch.protocol.thickness_mm is not None for patch in full)
    mixed = [bool(p.nodules) for _ in range(6) for p in draw_patches(background, rng, (32, 32, 24), 4)]
    assert 0.4 < np.mean(mixed) < 0.9


def test_many_patches_and_a_patient_without_room(background, monkeypatch):
    rng = np.random.default_rng(0)
    many = draw_patches(background, rng, (16, 16, 8), 34, nodule_ratio=1.0)
    assert sum(bool(patch.nodules or patch.ignored) for patch in many) == 34

    def refuse(patient, rng, count):
        if count > 2:
            raise ValueError("no place is left")
        return place_nodules(patient, rng, count)

    monkeypatch.setattr(patch_module, "place_nodules", refuse)
    few = draw_patches(background, rng, SHAPE, 4, nodule_ratio=1.0)
    assert all(patch.nodules or patch.ignored for patch in few)
    monkeypatch.setattr(patch_module, "place_nodules", lambda patient, rng, count: refuse(patient, rng, 99))
    assert not any(patch.nodules for patch in draw_patches(background, rng, SHAPE, 2, nodule_ratio=1.0))


def test_a_patch_as_large_as_the_background_and_one_that_is_larger():
    small = make_background(1, (5.0, 5.0, 5.0), (60, 60, 44))
    patch = draw_patches(small, np.random.default_rng(0), (60, 60, 44), thick_ratio=1.0)[0]
    assert patch.hu.shape == (60, 60, 44)
    assert np.isfinite(patch.hu).all()
    with pytest.raises(ValueError, match="do not fit"):
        draw_patches(small, np.random.default_rng(0), (61, 60, 44))


def test_a_patch_takes_little_time(background):
    rng = np.random.default_rng(0)
    draw_patches(background, rng, (96, 96, 64), 12)  # fills the stores of noise
    start = time.process_time()
    for _ in range(5):
        draw_patches(background, rng, (96, 96, 64), 4)
    each_ms = (time.process_time() - start) / 20 * 1e3
    print(f"{each_ms:.1f} ms a patch")
    assert each_ms < 250
