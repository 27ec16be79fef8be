"""The shipped body-part regressor on phantoms it has never seen: what it covers, and what the guard says."""

import dataclasses

import numpy as np
import pytest

from lungdet.phantoms import make_chest, make_torso
from lungdet.records import CTVolume, ScanScore, SeriesInfo
from lungdet.workflows import BodyScorer
from lungdet.workflows.lung_guard import LungGuard

UNSEEN = 90_001


@pytest.fixture(scope="module")
def scorer() -> BodyScorer:
    return BodyScorer(device="cpu")


@pytest.fixture(scope="module")
def guard() -> LungGuard:
    return LungGuard(device="cpu")


@pytest.fixture(scope="module", params=[0, 1, 2])
def torso(request: pytest.FixtureRequest) -> CTVolume:
    return make_torso(UNSEEN + request.param, spacing_mm=(4.0, 4.0, 8.0), size=110).volume


def part(volume: CTVolume, low: float, high: float) -> CTVolume:
    """Some of the slices, from a part of the way up to another."""
    first, end = (round(share * volume.array.shape[2]) for share in (low, high))
    affine = volume.affine_lps.copy()
    affine[:3, 3] += first * affine[:3, 2]
    return CTVolume(volume.array[:, :, first:end], affine, SeriesInfo("part"))


def turned(volume: CTVolume) -> CTVolume:
    return CTVolume(volume.array[:, :, ::-1].copy(), volume.affine_lps, SeriesInfo("turned"))


def test_a_whole_trunk(scorer: BodyScorer, torso: CTVolume):
    scan: ScanScore = scorer(torso)
    assert [one.region for one in scan.covered] == ["chest", "abdomen", "pelvis"]
    assert scan.line.tau > 0.97
    assert scan.line.r2 > 0.95
    assert not [flag for flag in scan.flags if flag.kind != "outside"]


def test_the_guard_knows_a_torsos_parts(guard: LungGuard, torso: CTVolume):
    assert guard(part(torso, 0.5, 1.0)) == ()  # the chest is up
    (warning,) = guard(part(torso, 0.0, 0.3))
    assert "no slice holds lung" in warning
    assert any("upside down" in warning for warning in guard(turned(torso)))


@pytest.mark.parametrize("seed", [3, 7, 11])
def test_chest_phantoms_pass(guard: LungGuard, seed: int):
    volume = make_chest(seed, spacing_mm=(3.0, 3.0, 4.0), shape=(112, 96, 64)).volume
    assert guard(volume) == ()
    assert any("upside down" in warning for warning in guard(turned(volume)))


def test_all_air_is_no_chest(guard: LungGuard, torso: CTVolume):
    air = dataclasses.replace(torso, array=np.full_like(torso.array, -1000))
    (warning,) = guard(air)
    assert "no slice shows a body" in warning
