"""What an analysis makes of the answers of its models, and when it does without them."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lungdet.detection import MarkFilter
from lungdet.geometry.lung_mask import LungMask
from lungdet.lesions import ClassifierFile, MarkCalibration, NoduleAnswers
from lungdet.records import CTVolume, DetectionReport, Finding, ModelInfo, ScanRiskAnswer, SeriesInfo
from lungdet.workflows.nodule_classifier import UnratedMark
from lungdet.workflows.study_analyst import StudyAnalyst

SHAPE = (24, 24, 24)
AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])  # as large as a chest
DETECTOR = ModelInfo("detector", "1", "ab" * 32)
ASKED, HELPER = ModelInfo("rater", "1", "cd" * 32), ModelInfo("helper", "1", "ef" * 32)


class Rater:
    """Says .75 of every mark but those that it cannot see."""

    model = ASKED
    mark_filter = MarkFilter(-1.0, 1.0, 1.0)
    answers = NoduleAnswers()

    def __init__(self, threshold: float | None = None, detector: str = DETECTOR.weights_sha256, unseen: int = 0):
        self.threshold, self.filter_detector, self.unseen = threshold, detector, unseen

    def __call__(self, volume: CTVolume, centers: Sequence[Any]) -> list[Any]:
        logits = np.zeros((1, 33))
        logits[0, 0] = np.log(3.0)
        (answer,) = NoduleAnswers()(logits)
        return [UnratedMark("dark")] * self.unseen + [answer] * (len(centers) - self.unseen)


class Risk:
    """Always says .25."""

    classifier = HELPER

    def __call__(self, volume: CTVolume, findings: Sequence[Finding], detector: ModelInfo) -> ScanRiskAnswer:
        assert detector == DETECTOR
        return ScanRiskAnswer(0.25, ModelInfo("risk", "1", ""), len(findings), ("of itself",))


def analyze(rater: Any = None, risk: Any = None, lungs: LungMask | None = None, **options: Any) -> DetectionReport:
    volume = CTVolume(np.full(SHAPE, -800, np.int16), AFFINE, SeriesInfo("made"))
    analyst = StudyAnalyst(None, None, "cpu", **options)
    analyst.rater, analyst.risk, analyst.filters = rater, risk, rater is not None and options.get("filter_marks", False)
    analyst._notes = []
    box, box_mm = (8.0, 8.0, 8.0, 14.0, 14.0, 14.0), (75.0, 75.0, 75.0, 135.0, 135.0, 135.0)
    findings = tuple(Finding(box_mm, box, score) for score in (0.9, 0.5, 0.2))
    affine = tuple(map(tuple, AFFINE.tolist()))
    marks = DetectionReport(SeriesInfo("made"), SHAPE, affine, findings, DETECTOR, "0")  # type: ignore[arg-type]
    return analyst(volume, marks, lungs or LungMask(np.ones(SHAPE, np.uint8)), 0.1)


def scores(report: DetectionReport) -> list[float]:
    return [finding.score for finding in report.findings]


def both(detector: float, odds: float) -> float:
    value = np.exp(-1.0) * detector / (1 - detector) * odds
    return pytest.approx(value / (1 + value), abs=1e-6)  # type: ignore[no-any-return]


def test_the_filters_threshold_counts_unless_the_user_names_one():
    assert len(analyze(Rater(0.5), filter_marks=True).findings) == 2
    assert len(analyze(Rater(0.5), filter_marks=True, least_score=0.0).findings) == 3
    assert len(analyze(Rater(0.0), filter_marks=True, least_score=0.9).findings) == 1
    report = analyze(Rater(), filter_marks=True)
    assert scores(report) == [both(0.9, 3), both(0.5, 3), both(0.2, 3)]  # the bundle's .1, where nothing else is known


def test_a_mark_without_an_answer_is_on_the_scale_of_the_others():
    report = analyze(Rater(unseen=1), filter_marks=True)
    assert scores(report) == [both(0.9, 1), both(0.5, 3), both(0.2, 3)]
    assert report.findings[0].answer is None
    assert report.findings[0].detector_score == 0.9


@pytest.mark.parametrize("detector", ["01" * 32, ""])
def test_the_scores_of_another_detector_are_left_alone(detector: str, caplog: pytest.LogCaptureFixture):
    report = analyze(Rater(0.5, detector), filter_marks=True)
    assert scores(report) == [0.9, 0.5, 0.2]
    assert report.findings[0].detector_score is None
    assert report.findings[0].answer is not None
    assert report.notes[0].startswith("not filtered: the filter was fitted to scores of")
    assert "not filtered" in caplog.text


@pytest.mark.parametrize("filter_marks", [False, True])
@pytest.mark.parametrize(("detector", "odds"), [(DETECTOR.weights_sha256, 3**0.5 / np.e), ("01" * 32, 3.0)])
def test_the_probability_is_that_among_the_marks_of_its_detector(
    filter_marks: bool, detector: str, odds: float, tmp_path: Path
):
    ClassifierFile(on_marks=MarkCalibration(0.5, -1.0, 0.3, detector)).save(tmp_path / "classifier.json")
    rater = Rater(0.0)
    rater.answers = NoduleAnswers(tmp_path / "classifier.json")
    report = analyze(rater, filter_marks=filter_marks)
    answers = [finding.answer for finding in report.findings]
    assert [each and each.nodule for each in answers] == [pytest.approx(odds / (1 + odds), abs=1e-6)] * 3
    assert scores(report) == ([both(0.9, 3), both(0.5, 3), both(0.2, 3)] if filter_marks else [0.9, 0.5, 0.2])
    assert report.notes[-1] == rater.answers.notes(DETECTOR.weights_sha256)[0]


def test_without_answers_nothing_is_said_of_them():
    assert analyze(Rater(unseen=3)).notes == ()


def test_a_filter_that_is_not_there_is_warned_of(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        StudyAnalyst(None, None, "cpu", filter_marks=True)
    assert "not filtered: there is no classifier with a fitted filter" in caplog.text


def test_a_scan_without_lungs_has_no_risk():
    report = analyze(risk=Risk(), lungs=LungMask(np.zeros(SHAPE, np.uint8), "there is no air in the body"))
    assert report.risk is None
    assert report.notes == ("left out: the risk of the scan; no lungs were found: there is no air in the body",)
    assert report.models == ()


def test_a_scan_of_a_part_of_the_lungs_has_no_risk():
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, :, :1] = 1  # 576 ml
    report = analyze(risk=Risk(), lungs=LungMask(labels))
    assert report.risk is None
    assert report.lungs is not None
    assert report.notes == (
        "left out: the risk of the scan; its model has learnt from whole lungs, and the scan shows 576 ml of lung, "
        "where an adult has more than 1000 ml",
    )


def test_a_risk_of_one_lung_says_so():
    report = analyze(risk=Risk(), lungs=LungMask(np.ones(SHAPE, np.uint8), "", ("only one lung is seen",)))
    assert report.risk is not None
    assert report.risk.notes == ("of itself", "only one lung is seen")


def test_the_classifier_that_the_risk_asks_is_named_once():
    assert [model.name for model in analyze(risk=Risk()).models] == ["helper", "risk"]
    same = Risk()
    same.classifier = ASKED
    assert [model.name for model in analyze(Rater(), same).models] == ["rater", "risk"]
