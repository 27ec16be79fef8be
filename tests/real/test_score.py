"""The shipped body-part regressor, trained on phantoms alone, on real CT."""

import dataclasses
from pathlib import Path

import pytest

from lungdet.readers import read_ct
from lungdet.records import CTVolume
from lungdet.workflows import BodyScorer, score
from lungdet.workflows.lung_guard import LungGuard


@pytest.fixture(scope="module")
def chest(real_data: Path) -> CTVolume:
    return read_ct(real_data / "ct" / "acrin_nsclc_chest")


@pytest.fixture(scope="module")
def scorer() -> BodyScorer:
    return BodyScorer(device="cpu")


@pytest.fixture(scope="module")
def guard() -> LungGuard:
    return LungGuard(device="cpu")


def test_a_real_chest_is_scored_in_order(scorer: BodyScorer, chest: CTVolume):
    scan = scorer(chest, most_slices=68)
    assert scan.line.tau >= 0.75  # the shoulders are out of order
    assert "chest" in [part.region for part in scan.covered]
    assert scan.lungs_mm[0] - scan.lungs_mm[1] > 150
    assert not [flag for flag in scan.flags if flag.kind in ("upside_down", "no_order", "spacing", "no_lungs")]


def test_the_guard_lets_a_real_chest_pass(guard: LungGuard, chest: CTVolume):
    assert guard(chest) == ()
    upside_down = dataclasses.replace(chest, array=chest.array[:, :, ::-1].copy())
    assert any("upside down" in warning for warning in guard(upside_down))


def test_a_real_head_holds_no_lungs(real_data: Path, tmp_path: Path):
    (study,) = score(real_data / "ct" / "ge_head_tilted", tmp_path, plot=False, progress=False).studies
    assert study.scan.has("no_lungs")
