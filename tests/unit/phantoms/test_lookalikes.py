"""Look-alikes: they are where the truth says, they are no nodules, and no nodule touches them."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from lungdet.phantoms import make_chest
from lungdet.phantoms.capsules import join, tube
from lungdet.phantoms.lookalike import LookalikeKind, Sheet, of_sheet, of_tubes, paint_lookalike
from lungdet.phantoms.lookalike_drawing import draw_lookalikes
from lungdet.phantoms.patient import Patient, draw_patient
from lungdet.phantoms.placement import place_nodules
from lungdet.phantoms.render import Painter

BALL_LIKE = 0.18  # a look-alike fills less of the ball around it, a nodule more


@pytest.fixture(scope="module")
def patients() -> list[Patient]:
    """Patients who have every kind of look-alike between them."""
    return [draw_patient(seed) for seed in range(10)]


@pytest.fixture(scope="module")
def painted(patients):
    """Two of them on a coarse grid, with and without look-alikes: axes, ``(Z, Y, X)`` and ``(Z, Y, X)``."""
    axes = [np.arange(low, high, 2.0) for low, high in ((-145, 145), (-125, 125), (-140, 130))]
    pairs = []
    for patient in patients[:2]:
        plain = replace(patient, lookalikes=())
        pairs.append((axes, *(Painter(who, axes[0], axes[1]).block(axes[2]) for who in (patient, plain))))
    return pairs


def _fill(points: np.ndarray, volume_mm3: float) -> float:
    """How much of the smallest ball about their middle some points fill."""
    radius = np.linalg.norm(points - points.mean(axis=0), axis=1).max()
    return volume_mm3 / (4 / 3 * np.pi * radius**3)


def _grid(low, high, count=28):
    step = max((high - low).max() / count, 0.4)
    axes = [np.arange(a, b + step, step) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3), step


def test_patients_have_every_kind(patients):
    kinds = [look.kind for patient in patients for look in patient.lookalikes]
    assert set(kinds) == set(get_args(LookalikeKind))
    assert all(3 <= len(patient.lookalikes) <= 30 for patient in patients)


def test_the_same_source_of_chance_draws_the_same(patients):
    patient = patients[0]
    one, two = (
        draw_lookalikes(np.random.default_rng(5), patient.thorax, patient.mediastinum, patient.vessels, 40.0)
        for _ in range(2)
    )
    assert [look.truth(np.zeros(3)) for look in one] == [look.truth(np.zeros(3)) for look in two]


def test_without_vessels_the_others_are_drawn(patients):
    patient = patients[0]
    drawn = draw_lookalikes(np.random.default_rng(5), patient.thorax, patient.mediastinum, join([]), 40.0)
    assert drawn
    assert not {"vessel_kink", "vessel_crossing", "vessel_branch"} & {look.kind for look in drawn}


def test_every_look_alike_is_painted_in_its_box(patients, painted):
    for patient, (axes, with_them, without) in zip(patients, painted, strict=False):
        added = with_them - without
        for look in patient.lookalikes:
            window = tuple(
                slice(np.searchsorted(axis, a - 1), np.searchsorted(axis, b + 1))
                for axis, a, b in zip(axes[::-1], look.low[::-1], look.high[::-1], strict=True)
            )
            assert added[window].max() > 60, look.kind


def test_look_alikes_change_nothing_outside_their_boxes(patients, painted):
    for patient, (axes, with_them, without) in zip(patients, painted, strict=False):
        changed = with_them != without
        assert changed.any()
        for look in patient.lookalikes:
            window = tuple(
                slice(np.searchsorted(axis, a - 2.1), np.searchsorted(axis, b + 2.1))
                for axis, a, b in zip(axes[::-1], look.low[::-1], look.high[::-1], strict=True)
            )
            changed[window] = False
        assert not changed.any()


def test_no_look_alike_is_a_ball_in_the_lung(patients):
    for patient in patients:
        for look in patient.lookalikes:
            points, step = _grid(look.low, look.high)
            if look.kind == "lymph_node":
                inside = patient.thorax.lung_distance_mm(*points[look.tubes.distance_mm(points) < 0].T) < 0
                assert patient.thorax.lung_distance_mm(*((look.low + look.high) / 2)[:, None])[0] > 0
                assert inside.mean() < 0.2  # a nodule lies in the lung by more than half
                continue
            gaps = look.sheet.distance_mm(points, patient.thorax) if look.sheet else look.tubes.distance_mm(points)
            inside = points[gaps < 0]
            assert len(inside) > 8
            assert _fill(inside, len(inside) * step**3) < BALL_LIKE, look.kind


def test_nodules_are_balls_in_the_lung_and_touch_no_look_alike(patients):
    for number, patient in enumerate(patients[:3]):
        for placed in place_nodules(patient, np.random.default_rng(number), 10):
            shape = placed.shape
            assert patient.thorax.lung_distance_mm(*shape.center[:, None])[0] < 0
            points, step = _grid(shape.center - shape.reach_mm, shape.center + shape.reach_mm, 18)
            inside = points[shape.distance_mm(points) < 0]
            inside = inside[patient.thorax.lung_distance_mm(*inside.T) < 0]
            assert _fill(inside, len(inside) * step**3) > BALL_LIKE
            for look in patient.lookalikes:
                gaps = cdist(inside, look.balls[:, :3]) - look.balls[:, 3]
                assert gaps.min() > 0, look.kind


def test_a_chest_names_the_look_alikes_that_it_shows(patients):
    whole = make_chest(3, shape=(100, 84, 90), spacing_mm=(3.0, 3.0, 3.0), nodules=0)
    assert whole.lookalikes == tuple(look.truth(patients[3].offset_lps_mm) for look in patients[3].lookalikes)
    assert not make_chest(3, shape=(4, 4, 4), spacing_mm=(1.0, 1.0, 1.0), nodules=0).lookalikes


def test_a_tube_in_pieces_is_the_tube_as_a_whole():
    thorax = draw_patient(0).thorax
    look = of_tubes("vessel_kink", 40.0, tube([(50, 0, 0), (60, 5, 6)], [2.0, 1.5]))
    axes = (np.arange(40, 70, 1.4), np.arange(-10, 15, 1.4), np.arange(-8, 16, 1.4))
    whole = np.full([len(axis) for axis in axes[::-1]], -850.0, dtype=np.float32)
    parts = whole.copy()
    paint_lookalike(whole, axes, thorax, look)
    for first in range(0, len(axes[2]), 6):
        paint_lookalike(parts[first : first + 6], (*axes[:2], axes[2][first : first + 6]), thorax, look)
    assert whole.max() > 0
    assert np.abs(whole - parts).max() < 1.0
    assert look.gap_mm(np.array([50.0, 0, 0])) == pytest.approx(-2.0)
    assert look.gap_mm(np.array([50.0, 0, -12.0])) == pytest.approx(10.0)


def test_a_layer_off_the_lung_is_none():
    thorax = draw_patient(0).thorax
    sheet = Sheet(np.array([0.0, 300.0, 0.0]), np.eye(3), np.array([10.0, 8.0]), 3.0, np.zeros(2), pleural=True)
    assert of_sheet("plaque", 50.0, sheet, thorax) is None


def test_a_free_layer_has_its_thickness():
    thorax = draw_patient(0).thorax
    middle = np.array([70.0, 10.0, 20.0])
    assert thorax.lung_distance_mm(*middle[:, None])[0] < -20
    sheet = Sheet(middle, np.eye(3), np.array([12.0, 8.0]), 3.0, np.zeros(2), pleural=False)
    there = sheet.distance_mm(middle + np.array([[0, 0, 0], [0, 0, 1.5], [0, 0, 4.5], [0, 12, 0]]), thorax)
    assert there == pytest.approx([-1.5, 0.0, 3.0, there[3]])
    assert there[3] > 2.0
