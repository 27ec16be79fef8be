"""The scale of a score: fitted to scans with truth, kept in a file that knows its weights."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from lungdet.lesions import LabelledScan, ScoreScale, ScoreScaleError, fit_score_scale
from lungdet.lesions.fit_score_scale import best_threshold
from lungdet.records import BODY_REGIONS

SCALE = ScoreScale(2.0, -1.0, 0.4, 0.7, (0.1, 0.45), (0.0, 1.0), (0.001, 0.00125, 0.0015), 0.05, "ab" * 32)


def labelled(seed: int, noise: float = 0.0, length_mm: float = 800.0) -> LabelledScan:
    """A body from top to bottom of which the raw score is (u + 1) / 2."""
    u = np.linspace(0, 1, 161)
    raw = (u + 1) / 2 + np.random.default_rng(seed).normal(0, noise, len(u))
    region = [BODY_REGIONS[int(value >= 0.4) + int(value >= 0.7)] for value in u]
    return LabelledScan(raw, 100 - length_mm * u, u, region, (u > 0.1) & (u < 0.45))


def test_a_noiseless_score_gives_the_truth():
    scale = fit_score_scale([labelled(0), labelled(1, length_mm=640.0), labelled(2, length_mm=1000.0)], "cd" * 32)
    assert (scale.scale, scale.offset) == pytest.approx((2.0, -1.0))
    assert (scale.chest_abdomen, scale.abdomen_pelvis) == pytest.approx((0.4, 0.7), abs=1 / 160)
    assert scale.rate_per_mm == pytest.approx((1 / 1000, 1 / 800, 1 / 640))
    assert scale.lungs == pytest.approx((0.1, 0.45), abs=0.015)
    assert scale.known == pytest.approx((0.0, 1.0), abs=0.01)
    assert scale.scatter == pytest.approx(0, abs=1e-9)
    assert scale.weights_sha256 == "cd" * 32
    assert [scale.region(value) for value in (-3.0, 0.39, 0.41, 0.69, 0.71, 9.0)] == [
        "chest", "chest", "abdomen", "abdomen", "pelvis", "pelvis",
    ]  # fmt: skip


def test_noise_is_told_as_scatter():
    scale = fit_score_scale([labelled(seed, noise=0.01) for seed in range(4)])
    assert scale.scatter == pytest.approx(1.96 * 0.02, rel=0.15)


def test_a_score_that_falls_towards_the_feet_is_turned():
    scan = labelled(0)
    scale = fit_score_scale([dataclasses.replace(scan, raw=-scan.raw)])
    assert scale.scale == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("scans", "words"),
    [
        ([], "no labelled scan"),
        ([dataclasses.replace(labelled(0), holds_lung=np.zeros(161, bool))], "shows lung"),
        ([dataclasses.replace(labelled(0), region=["chest"] * 161)], "shows abdomen, pelvis"),
        ([labelled(0), dataclasses.replace(labelled(1), z_mm=np.linspace(0, 800, 161))], "not learnt the order"),
    ],
)
def test_what_cannot_be_fitted_is_refused(scans: list[LabelledScan], words: str):
    with pytest.raises(ValueError, match=words):
        fit_score_scale(scans)


def test_a_labelled_scan_is_whole():
    with pytest.raises(ValueError, match="lengths"):
        dataclasses.replace(labelled(0), raw=np.zeros(3))
    with pytest.raises(ValueError, match="no such part of the body: head"):
        dataclasses.replace(labelled(0), region=["head"] * 161)


def test_the_best_threshold_is_the_best():
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, 60)
    above = values + rng.normal(0, 0.5, 60) > 0.3
    found = ((values >= best_threshold(values, above)) == above).sum()
    assert found == max(((values >= cut) == above).sum() for cut in np.linspace(-4, 4, 4001))


def test_the_file_gives_the_scale_back(tmp_path: Path):
    SCALE.save(tmp_path / "models" / "score.json")
    assert ScoreScale.load(tmp_path / "models" / "score.json") == SCALE
    assert ScoreScale.load(tmp_path / "models" / "score.json", weights_sha256="ab" * 32) == SCALE
    with pytest.raises(ScoreScaleError, match=r"score\.json: fitted to abababababab, but .* ef"):
        ScoreScale.load(tmp_path / "models" / "score.json", weights_sha256="ef" * 32)


@pytest.mark.parametrize("change", [{"format": "other"}, {"lungs": [1]}, {"lungs": [2.0, 1.0]}, {"scale": None}, {}])
def test_a_file_that_is_no_scale_is_refused(tmp_path: Path, change: dict):
    SCALE.save(tmp_path / "score.json")
    content = json.loads((tmp_path / "score.json").read_text()) | change
    (tmp_path / "score.json").write_text(json.dumps(content) if change else "[" * 100_000)
    with pytest.raises(ScoreScaleError, match=r"score\.json: no score scale"):
        ScoreScale.load(tmp_path / "score.json")


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0.0}, {"scale": math.nan}, {"known": (1.0, 1.0)}, {"chest_abdomen": 0.8}, {"scatter": -1.0},
        {"rate_per_mm": (0.0, 0.1, 0.2)}, {"rate_per_mm": (0.2, 0.1, 0.3)},
    ],
)  # fmt: skip
def test_a_scale_that_cannot_be_is_refused(change: dict):
    with pytest.raises(ValueError, match=r"must|chest ends"):
        dataclasses.replace(SCALE, **change)
