"""Answers of a classifier and of a scan's model cannot hold nonsense, and survive JSON."""

import dataclasses
import json
import math

import pytest

from lungdet.records import LungsFound, LungSideFacts, ModelInfo, NoduleAnswer, RatingAnswer, ScanRiskAnswer

ANSWER = NoduleAnswer(0.9, (0.1, 0.2, 0.6, 0.1), (RatingAnswer.of_levels("malignancy", (0, 0, 0.5, 0.5, 0)),), 0.8)


def test_mean_and_spread_by_hand():
    rating = RatingAnswer.of_levels("malignancy", (0.25, 0.0, 0.5, 0.0, 0.25))
    assert rating.mean == 3.0
    assert rating.spread == pytest.approx(math.sqrt(2.0))  # (4 + 0 + 4) / 4
    assert RatingAnswer.of_levels("texture", (0, 0, 0, 0, 1)).spread == 0.0


def test_the_kind_is_the_most_likely_and_ratings_have_names():
    assert ANSWER.kind == "ground_glass"
    malignancy = ANSWER.rating("malignancy")
    assert malignancy is not None
    assert malignancy.mean == 3.5
    assert ANSWER.rating("margin") is None


def test_there_and_back_through_json():
    assert NoduleAnswer.from_dict(json.loads(json.dumps(ANSWER.to_dict()))) == ANSWER
    risk = ScanRiskAnswer(0.5, ModelInfo("scan_risk", "1", "ab"), 6, ("thick slices",))
    assert ScanRiskAnswer.from_dict(json.loads(json.dumps(risk.to_dict()))) == risk
    side = LungSideFacts(2000.0, -850.0, 3.5)
    lungs = LungsFound(side, side, LungSideFacts(0.0), (1.0, 2.0, 3.5), notes=("no left lung is seen",))
    assert LungsFound.from_dict(json.loads(json.dumps(lungs.to_dict()))) == lungs
    assert lungs.found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nodule": 1.5}, "nodule and inside"),
        ({"nodule": math.nan}, "nodule and inside"),
        ({"inside": -0.1}, "nodule and inside"),
        ({"kinds": (0.5, 0.5)}, "4 probabilities"),
        ({"kinds": (0.5, 0.5, 0.5, 0.5)}, "sum to 1"),
        ({"ratings": ANSWER.ratings * 2}, "once"),
    ],
)
def test_bad_answers_are_refused(change: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(ANSWER, **change)


def test_bad_ratings_are_refused():
    with pytest.raises(ValueError, match="no rating"):
        RatingAnswer("calcification", 3.0, 0.0, (0, 0, 1, 0, 0))
    with pytest.raises(ValueError, match="mean must"):
        RatingAnswer("malignancy", 6.0, 0.0, (0, 0, 0, 0, 1))
    with pytest.raises(ValueError, match="5 probabilities"):
        RatingAnswer.of_levels("malignancy", (1.0,))


def test_bad_scans_are_refused():
    with pytest.raises(ValueError, match="probability"):
        ScanRiskAnswer(math.nan, ModelInfo("m", "1", ""), 0)
    with pytest.raises(ValueError, match="candidates"):
        ScanRiskAnswer(0.1, ModelInfo("m", "1", ""), -1)
    for wrong in (
        {"volume_ml": -1.0},
        {"volume_ml": 1.0, "mean_hu": math.nan},
        {"volume_ml": 1, "emphysema_percent": 101},
    ):
        with pytest.raises(ValueError, match="must be"):
            LungSideFacts(**wrong)
