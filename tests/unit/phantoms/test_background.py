"""A background is the phantom of its seed without nodules, and stands in for its patient."""

import pickle
from copy import deepcopy

import numpy as np
import pytest

from lungdet.phantoms import make_background, make_chest
from lungdet.phantoms.nodule import VISIBLE_FRACTION
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import judge, place_nodules

SEED = 3


@pytest.fixture(scope="module")
def background():
    return make_background(SEED, (1.6, 1.6, 1.6), (180, 160, 120))


def test_it_is_the_phantom_without_nodules_blur_and_noise(background):
    phantom = make_chest(SEED, spacing_mm=(1.6, 1.6, 1.6), shape=(180, 160, 120), nodules=0, dose="none")
    difference = background.hu.T.astype(float) - phantom.volume.array
    assert abs(difference.mean()) < 1
    assert np.median(abs(difference)) < 20  # what the blur takes from texture and edges
    first = phantom.volume.affine_lps[:3, 3] - draw_patient(SEED).offset_lps_mm
    assert np.allclose(background.first_mm, first)
    assert [axis[0] for axis in background.axes] == pytest.approx(first)
    assert background.axes[0][1] - background.axes[0][0] == pytest.approx(1.6)


def test_same_seed_same_picture_another_seed_another():
    small = ((6.0, 6.0, 6.0), (52, 48, 40))
    first, again, other = make_background(1, *small), make_background(1, *small), make_background(2, *small)
    assert first.shape == (52, 48, 40)
    assert np.array_equal(first.hu, again.hu)
    assert not np.array_equal(first.hu, other.hu)


def test_it_is_small_travels_and_is_never_copied(background):
    packed = pickle.dumps(background)
    assert len(packed) < background.hu.nbytes + 14e6
    assert np.array_equal(pickle.loads(packed).hu, background.hu)  # noqa: S301
    assert deepcopy({"background": background})["background"] is background
    with pytest.raises(ValueError, match="read-only"):
        background.hu[0, 0, 0] = 0


def test_what_it_reads_off_its_picture_is_what_the_patient_says(background):
    patient, rng = draw_patient(SEED), np.random.default_rng(0)
    points = rng.uniform((-100, -80, -60), (100, 80, 60), (20000, 3))
    points = points[patient.thorax.lung_distance_mm(*points.T) < 0]
    difference = background.background_hu(points) - patient.background_hu(points)
    assert abs(np.median(difference)) < 15
    assert np.mean(abs(difference) < 150) > 0.9  # edges of vessels aside
    few = points[np.linalg.norm(points - points[0], axis=1) < 5]
    assert np.array_equal(background.background_hu(few), patient.background_hu(few))
    wall = points[patient.thorax.lung_distance_mm(*points.T) > -1.0]
    assert len(wall) > 20
    assert np.allclose(background.background_hu(wall), patient.lung_hu(wall))


def test_nodules_placed_in_it_are_visible_to_a_judge_who_knows_the_patient(background):
    patient = draw_patient(SEED)
    placed = place_nodules(background, np.random.default_rng(0), 30)
    judged = [judge(patient, item.shape, item.truth.location)[0] for item in placed]
    seen = np.array([truth.visible_fraction for truth in judged])
    assert (seen >= VISIBLE_FRACTION - 0.05).all()
    assert np.mean(seen >= VISIBLE_FRACTION) > 0.95
    for item, truth in zip(placed, judged, strict=True):
        assert item.truth.box_lps_mm == pytest.approx(truth.box_lps_mm)


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"shape": (1, 20, 20)}, {"spacing_mm": (1.0, 0.0, 1.0)}])
def test_wrong_sizes(wrong):
    with pytest.raises(ValueError, match="wanted seed >= 0"):
        make_background(**({"seed": 1} | wrong))
