"""Lesions of a patient: places, changes and sizes over the studies."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from lungdet.phantoms.torso_lesion_history import BONE, CHANGES, ROOM, ROOM_IN_BONE, draw_lesions, draw_scales


@dataclass(frozen=True)
class Spot:
    center_mm: Any
    max_radius_mm: float = 20.0
    organ: str = "anywhere"
    hu: float = 40.0


class OpenBody:
    """A body with room everywhere, all of it at 40 HU."""

    def draw_place(self, rng: np.random.Generator, lesion_type: int) -> Spot:
        return Spot(rng.uniform(-100, 100, 3))

    def paint(self, z_mm: Any, x_mm: Any, y_mm: Any) -> Any:
        return np.full((len(z_mm), len(y_mm), len(x_mm)), 40, np.float32)


def test_the_same_seed_gives_the_same_lesions():
    one, two = (draw_lesions(np.random.default_rng(5), OpenBody(), "000007", 3, 4) for _ in range(2))
    assert [lesion.identity for lesion in one] == ["000007-01", "000007-02", "000007-03", "000007-04"]
    assert [lesion.scale for lesion in one] == [lesion.scale for lesion in two]
    np.testing.assert_array_equal(one[2].first.center_mm, two[2].first.center_mm)


def test_lesions_keep_apart_and_within_their_room():
    for seed in range(6):
        lesions = draw_lesions(np.random.default_rng(seed), OpenBody(), "000001", 4, 6)
        for number, one in enumerate(lesions):
            room = 20.0 * (ROOM_IN_BONE if one.lesion_type == BONE else ROOM)
            assert (one.first.shape.reach_mm - 0.5) * max(one.scale) <= room + 1e-6
            for other in lesions[:number]:
                for study in range(4):
                    first, second = one.state(study), other.state(study)
                    if first is not None and second is not None:
                        reach = first.shape.reach_mm + second.shape.reach_mm
                        assert np.linalg.norm(first.center_mm - second.center_mm) > reach - 6


def test_every_lesion_stands_out_against_what_is_around():
    for seed in range(10):
        for lesion in draw_lesions(np.random.default_rng(seed), OpenBody(), "000001", 1, 6):
            assert abs(lesion.first.hu - 40) >= 24


def test_a_place_that_is_too_small_is_left_out():
    class TightBody(OpenBody):
        def draw_place(self, rng: np.random.Generator, lesion_type: int) -> Spot:
            return Spot(np.zeros(3), max_radius_mm=1.0)

    assert draw_lesions(np.random.default_rng(0), TightBody(), "000001", 2, 3) == ()


def test_only_the_types_asked_for_are_drawn():
    lesions = draw_lesions(np.random.default_rng(1), OpenBody(), "000001", 1, 6, (4, 5))
    assert {lesion.lesion_type for lesion in lesions} == {4, 5}


def test_every_change_does_what_it_says():
    rng = np.random.default_rng(2)
    seen = set()
    for _ in range(400):
        change, scale = draw_scales(rng, 4)
        seen.add(change)
        there = [value > 0 for value in scale]
        assert all(there) == (change not in ("vanishes", "appears"))
        assert there == sorted(there, reverse=change == "vanishes")  # gone stays gone, come stays
        if change == "stable":
            assert max(scale) / min(scale) < 1.35
        if change == "grows":
            assert scale[3] > 1.08 * scale[0]
        if change == "shrinks":
            assert scale[3] < 0.93 * scale[0]
    assert seen == set(CHANGES)


def test_with_one_study_a_lesion_is_there():
    change, scale = draw_scales(np.random.default_rng(0), 1)
    assert change == "stable"
    assert scale == (pytest.approx(1.0, abs=0.15),)
