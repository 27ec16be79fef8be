"""The promise of the truth: every nodule is there to be seen, and its box is tight. Measured, not believed."""

from dataclasses import replace

import numpy as np
import pytest

from lungdet.geometry.frames import boxes_to_voxel
from lungdet.phantoms import make_chest, placement
from lungdet.phantoms.chest import paint_nodule
from lungdet.phantoms.nodule import CONTRAST_HU, PEAK_HU, VISIBLE_FRACTION, draw_shape
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import DIAMETER_MM, FAINT_FROM_MM, judge, place_nodules
from lungdet.phantoms.scanner import Scanner

VOXEL_MM = 1.5


def _added(pair, nodule, margin=2):
    """What the nodule added, in a window around its box; and the box in the window's edge frame."""
    with_nodules, without = pair
    affine = with_nodules.volume.affine_lps
    box = boxes_to_voxel(np.array([nodule.box_lps_mm]), affine)[0]
    low, high = np.floor(box[:3]).astype(int) - margin, np.ceil(box[3:]).astype(int) + margin
    low = np.maximum(low, 0)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    added = with_nodules.volume.array[window].astype(int) - without.volume.array[window]
    return added, box - np.tile(low, 2)


def test_nodules_change_nothing_elsewhere(clear_pairs):
    for with_nodules, without in clear_pairs:
        changed = with_nodules.volume.array != without.volume.array
        for nodule in (*with_nodules.nodules, *with_nodules.ignored):
            box = boxes_to_voxel(np.array([nodule.box_lps_mm]), with_nodules.volume.affine_lps)[0]
            reach = nodule.diameter_mm * 0.8 / VOXEL_MM + 5  # room for spikes
            low = np.maximum(np.floor(box[:3] - reach), 0).astype(int)
            high = np.ceil(box[3:] + reach).astype(int)
            changed[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = False
        assert not changed.any()


def test_every_nodule_adds_its_contrast_over_its_volume(clear_pairs):
    seen = 0
    for pair in clear_pairs:
        for nodule in pair[0].nodules:
            added, _ = _added(pair, nodule)
            volume_mm3 = np.pi / 6 * nodule.diameter_mm**3
            visible_mm3 = (added >= CONTRAST_HU[nodule.kind]).sum() * VOXEL_MM**3
            assert visible_mm3 >= VISIBLE_FRACTION * volume_mm3, nodule
            assert nodule.visible_fraction >= VISIBLE_FRACTION
            seen += 1
    assert seen >= 12


def test_the_recorded_peak_is_what_the_scan_shows(clear_pairs):
    for pair in clear_pairs:
        for nodule in pair[0].nodules:
            added, _ = _added(pair, nodule, margin=6)
            assert added.max() == pytest.approx(nodule.peak_hu, abs=1.01), nodule  # two roundings
            assert nodule.peak_hu >= PEAK_HU[nodule.kind]
    assert sum(len(pair[0].nodules) for pair in clear_pairs) >= 12


def test_the_peak_holds_in_thick_slices_and_with_another_kernel():
    view = {
        "spacing_mm": (1.8, 1.8, 3.0),
        "shape": (160, 130, 86),
        "dose": "none",
        "kernel": "lung",
        "thickness_mm": 5.0,
    }
    pair = make_chest(1, nodules=9, **view), make_chest(1, nodules=0, **view)
    affine = pair[0].volume.affine_lps
    added = pair[0].volume.array.astype(int) - pair[1].volume.array
    assert len(pair[0].nodules) >= 6
    for nodule in pair[0].nodules:
        i0, j0, k0, i1, j1, k1 = np.rint(boxes_to_voxel(np.array([nodule.box_lps_mm]), affine)[0]).astype(int)
        peak = added[i0 - 3 : i1 + 3, j0 - 3 : j1 + 3, max(k0 - 3, 0) : k1 + 3].max()
        assert peak == pytest.approx(nodule.peak_hu, abs=1.01)


def test_what_the_scan_washes_out_is_ignored():
    fine = make_chest(2, nodules=12, spacing_mm=(2.0, 2.0, 2.0), shape=(145, 120, 130), dose="none")
    coarse = make_chest(2, nodules=12, spacing_mm=(9.0, 9.0, 9.0), shape=(34, 28, 30), dose="none", kernel="soft")
    assert len(coarse.nodules) + len(coarse.ignored) == len(fine.nodules) + len(fine.ignored)
    lost = [nodule for nodule in coarse.ignored if nodule.peak_hu < PEAK_HU[nodule.kind]]
    assert lost
    assert all(nodule.peak_hu >= PEAK_HU[nodule.kind] for nodule in coarse.nodules)
    assert not any(nodule.peak_hu < PEAK_HU[nodule.kind] for nodule in fine.ignored)


def test_the_smallest_nodules_are_seen_wherever_the_grid_lies():
    """Placed with a margin on the peak, so that a nodule of 3 mm between four voxels still keeps the promise."""
    patient = draw_patient(3)
    found = next(p for p in place_nodules(patient, np.random.default_rng(1), 6) if p.truth.location == "isolated")
    bare = {"lumps": np.zeros((0, 4)), "spikes": found.shape.spikes.select([])}
    ball = replace(found.shape, half_axes=np.full(3, 1.5), kind="solid", hu=-40.0, core=0.0, **bare)
    truth, _ = judge(patient, ball, "isolated")
    assert truth.diameter_mm == pytest.approx(3.0, rel=0.05)
    lowest = np.inf
    for shift in np.ndindex(2, 2, 2):
        axes = [c + 1.4 * (np.arange(16) - 7.5 + 0.5 * part) for c, part in zip(ball.center, shift, strict=True)]
        hu = np.full((16, 16, 16), -850.0, dtype=np.float32)
        paint_nodule(hu, axes, patient, replace(found, shape=ball))
        blurred = Scanner(np.random.default_rng(0), (1.4, 1.4), np.ones((16, 16)), "soft", "none", 1.4).blur(hu)
        lowest = min(lowest, float(blurred.max()) + 850)
    assert lowest > 2 * PEAK_HU["solid"]
    assert 0.4 * truth.peak_hu < lowest < truth.peak_hu


def test_boxes_are_tight(clear_pairs):
    for pair in clear_pairs:
        for nodule in pair[0].nodules:
            if nodule.diameter_mm < 6:  # three voxels tell no edge
                continue
            added, box = _added(pair, nodule)
            places = np.argwhere(added >= 0.35 * np.percentile(added, 97))
            margin = np.concatenate([places.min(axis=0) - box[:3], box[3:] - places.max(axis=0) - 1])
            assert (margin > -1.6).all(), (nodule, margin)  # spikes may stand out a little
            assert (margin < 1.6).all(), (nodule, margin)


def test_solid_nodules_are_denser_than_lung(clear_pairs):
    for with_nodules, _ in clear_pairs:
        affine = with_nodules.volume.affine_lps
        for nodule in with_nodules.nodules:
            if nodule.diameter_mm < 6:  # the window below would hold lung
                continue
            center = np.rint(np.linalg.inv(affine) @ [*nodule.center_lps_mm, 1.0])[:3].astype(int)
            inside = with_nodules.volume.array[tuple(slice(c - 1, c + 2) for c in center)].mean()
            assert inside > {"solid": -350, "part_solid": -620, "ground_glass": -740}[nodule.kind], nodule


def test_center_size_and_box_agree(clear_pairs):
    for with_nodules, _ in clear_pairs:
        for nodule in with_nodules.nodules:
            low, high = np.array(nodule.box_lps_mm[:3]), np.array(nodule.box_lps_mm[3:])
            assert np.allclose((low + high) / 2, nodule.center_lps_mm)
            mean_side = (high - low).prod() ** (1 / 3)
            assert 0.75 < nodule.diameter_mm / mean_side < 1.05  # a ball fills its box's sides
            assert DIAMETER_MM[0] <= nodule.diameter_mm <= DIAMETER_MM[1]


def test_judge_does_not_depend_on_its_own_grid():
    patient = draw_patient(3)
    for placed in place_nodules(patient, np.random.default_rng(0), 4):
        finer, within = judge(patient, placed.shape, placed.truth.location, size=48)
        assert within > 0.5
        assert finer.diameter_mm == pytest.approx(placed.truth.diameter_mm, rel=0.05)
        assert finer.visible_fraction == pytest.approx(placed.truth.visible_fraction, abs=0.06)
        assert np.allclose(finer.box_lps_mm, placed.truth.box_lps_mm, atol=1.6)


def test_a_nodule_buried_in_the_heart_is_refused():
    patient = draw_patient(3)
    x, y, z = patient.mediastinum.chambers[0, :3]
    shape = draw_shape(np.random.default_rng(0), "solid", 10.0, np.array([x, y, z]))
    assert judge(patient, shape, "isolated") is None


def test_a_ball_measures_what_it_is():
    patient = draw_patient(3)
    placed = next(p for p in place_nodules(patient, np.random.default_rng(1), 6) if p.truth.location == "isolated")
    shape = placed.shape
    ball = type(shape)(
        shape.center, np.full(3, 4.0), np.eye(3), np.zeros((0, 4)), "solid", 40.0, 0.0, 0.0, shape.spikes.select([])
    )
    truth, within = judge(patient, ball, "isolated", size=48)
    assert within == 1.0
    assert truth.diameter_mm == pytest.approx(8.0, rel=0.01)
    assert np.subtract(truth.box_lps_mm[3:], truth.box_lps_mm[:3]) == pytest.approx([8.0, 8.0, 8.0], abs=0.2)
    assert truth.center_lps_mm == pytest.approx(tuple(shape.center + patient.offset_lps_mm), abs=0.1)


def test_patients_have_all_kinds_and_sizes_in_all_places():
    patient = draw_patient(0)
    placed = [p for seed in range(9) for p in place_nodules(patient, np.random.default_rng(seed), 14)]
    assert {p.truth.kind for p in placed} == {"solid", "part_solid", "ground_glass"}
    assert {p.truth.location for p in placed} == {"isolated", "juxtapleural", "juxtavascular"}
    sizes = [p.truth.diameter_mm for p in placed]
    assert 6.5 < np.median(sizes) < 9.5
    assert min(sizes) < 4
    assert max(sizes) > 20
    assert 0.35 < np.log(sizes).std() < 0.6
    faint = [p.truth.diameter_mm for p in placed if p.truth.kind != "solid"]
    assert FAINT_FROM_MM <= min(faint) < 6.5


def test_a_mass_of_30_mm_finds_its_place(monkeypatch):
    monkeypatch.setattr(placement, "_draw_diameter", lambda rng: float(rng.uniform(26, 28.5)))
    for seed in range(2):
        placed = place_nodules(draw_patient(seed), np.random.default_rng(seed), 2)
        assert all(24 < p.truth.diameter_mm <= 30 for p in placed)


def test_the_analytic_background_is_what_is_painted(clear_pairs):
    patient = draw_patient(1)
    volume = clear_pairs[0][1].volume
    index = np.random.default_rng(0).integers(0, volume.array.shape, (20000, 3))
    points = index * VOXEL_MM + volume.affine_lps[:3, 3] - patient.offset_lps_mm
    deep = patient.thorax.lung_distance_mm(*points.T) < -2
    painted, told = volume.array[tuple(index[deep].T)], patient.background_hu(points[deep])
    assert deep.sum() > 3000
    assert ((painted > -400) & (told < -700)).mean() < 0.01
