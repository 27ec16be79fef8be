"""The promise of the truth: every nodule is there to be seen, and its box is tight. Measured, not believed."""

import numpy as np
import pytest

from lungdet.geometry.frames import boxes_to_voxel
from lungdet.phantoms.nodule import CONTRAST_HU, VISIBLE_FRACTION, draw_shape
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import DIAMETER_MM, judge, place_nodules

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


def test_patients_have_all_kinds_in_all_places():
    patient = draw_patient(0)
    placed = place_nodules(patient, np.random.default_rng(0), 30)
    assert {p.truth.kind for p in placed} == {"solid", "part_solid", "ground_glass"}
    assert {p.truth.location for p in placed} == {"isolated", "juxtapleural", "juxtavascular"}
    sizes = [p.truth.diameter_mm for p in placed]
    assert 6 < np.median(sizes) < 11


def test_the_analytic_background_is_what_is_painted(clear_pairs):
    patient = draw_patient(1)
    volume = clear_pairs[0][1].volume
    index = np.random.default_rng(0).integers(0, volume.array.shape, (20000, 3))
    points = index * VOXEL_MM + volume.affine_lps[:3, 3] - patient.offset_lps_mm
    deep = patient.thorax.lung_distance_mm(*points.T) < -2
    painted, told = volume.array[tuple(index[deep].T)], patient.background_hu(points[deep])
    assert deep.sum() > 3000
    assert ((painted > -400) & (told < -700)).mean() < 0.01
