import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax

from lungdet.lesions import ClassifierFile, ClassifierFileError, MarkCalibration, NoduleAnswers
from lungdet.lesions.nodule_answers import shares_to_levels
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS

FITTED = ClassifierFile(2.0, 0.5, 1.5, 0.3, {"intercept": 0.1, "detector": 1.0, "classifier": 2.0}, "abc")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    FITTED.save(tmp_path / "classifier.json")
    return tmp_path / "classifier.json"


def logits(count: int = 3) -> np.ndarray:
    rows = np.random.default_rng(0).normal(0, 2, (count, 33))
    rows[:, 5:] = -np.sort(-rows[:, 5:].reshape(count, 7, 4), axis=2).reshape(count, 28)  # falling, as the network's
    return rows


def test_by_scipy(written: Path) -> None:
    rows = logits()
    for row, answer in zip(rows, NoduleAnswers(written)(rows), strict=True):
        assert answer.nodule == pytest.approx(expit(row[0] / 2.0))
        assert answer.kinds == pytest.approx(softmax(row[1:5] / 0.5))
        assert answer.kind == NODULE_TYPES[int(row[1:5].argmax())]
        above = expit(row[5:9] / 1.5)
        malignancy = answer.rating("malignancy")
        assert malignancy is not None
        assert malignancy.mean == pytest.approx(1 + above.sum())
        assert np.cumsum(malignancy.levels[::-1])[:4] == pytest.approx(above[::-1])


def test_ratings_come_in_order() -> None:
    rows = np.zeros((1, 33))
    rows[0, 5 + 4 * 3 : 5 + 4 * 4] = 100.0  # texture is the fourth
    (answer,) = NoduleAnswers()(rows)
    assert tuple(rating.name for rating in answer.ratings) == ORDINAL_RATINGS
    assert [rating.mean for rating in answer.ratings] == pytest.approx([3, 3, 3, 5, 3, 3, 3])


def test_readers_who_disagree_make_a_spread() -> None:
    agree, differ = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.5, 0.5])
    assert shares_to_levels(agree).tolist() == [0, 0, 1, 0, 0]
    assert shares_to_levels(differ).tolist() == [0.5, 0, 0, 0, 0.5]


def test_extreme_logits_still_make_probabilities() -> None:
    rows = np.concatenate([np.full((1, 33), 1e4), np.full((1, 33), -1e4)])
    sure, unsure = NoduleAnswers()(rows)
    assert (sure.nodule, unsure.nodule) == (1.0, 0.0)


def test_what_was_not_learnt_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "classifier.json"
    learnt = ("malignancy", "texture", "margin", "subtlety")
    ClassifierFile(learnt=learnt).save(path)
    answers = NoduleAnswers(path)
    (answer,) = answers(logits(1))
    assert tuple(rating.name for rating in answer.ratings) == ORDINAL_RATINGS  # an evaluation scores all
    shown = answers.learnt(answer)
    assert shown.ratings == tuple(rating for rating in answer.ratings if rating.name in learnt)
    assert (shown.nodule, shown.kinds) == (answer.nodule, answer.kinds)
    told = "ratings left out, for the classifier has not learnt them: spiculation, lobulation, sphericity"
    assert answers.notes("ab")[0] == told
    ClassifierFile(learnt=()).save(path)
    assert NoduleAnswers(path).learnt(answer).ratings == ()


def test_ratings_that_nobody_has_judged_are_shown(written: Path) -> None:
    content = json.loads(written.read_text())
    del content["learnt"], content["on_marks"]  # as files of earlier versions
    written.write_text(json.dumps(content))
    answers = NoduleAnswers(written)
    (answer,) = answers(logits(1))
    assert answers.file == FITTED
    assert answers.learnt(answer) == answer
    assert [note.split(":")[0] for note in answers.notes("ab")] == ["probability of a nodule"]


def test_the_probability_among_a_detectors_marks(tmp_path: Path) -> None:
    path = tmp_path / "classifier.json"
    ClassifierFile(nodule=2.0, on_marks=MarkCalibration(0.5, -1.0, 0.3, "ab", {"marks": 9})).save(path)
    answers = NoduleAnswers(path)
    rows = np.zeros((2, 33))
    rows[:, 0] = 4.0, 1000.0
    first, sure = answers(rows)
    assert answers.on_marks(first, "ab").nodule == pytest.approx(expit(0.5 * 4.0 / 2.0 - 1.0))
    assert answers.on_marks(sure, "ab").nodule == pytest.approx(expit(0.5 * np.log(1e6 - 1) - 1.0))
    assert answers.on_marks(first, "cd") == first
    assert answers.notes("ab") == (
        "probability of a nodule: calibrated on this detector's marks that score 0.3 or more",
    )
    assert "not calibrated" in answers.notes("cd")[0]
    assert "not calibrated" in NoduleAnswers().notes("")[0]
    assert answers.file.on_marks == MarkCalibration(0.5, -1.0, 0.3, "ab", {"marks": 9})


@pytest.mark.parametrize(
    "changes",
    [
        {"slope": -0.1}, {"slope": "1"}, {"intercept": float("nan")}, {"intercept": True}, {"min_score": 2},
        {"min_score": None}, {"detector_sha256": ""}, {"detector_sha256": 3}, {"more": 1}, None,
    ],
)  # fmt: skip
def test_a_calibration_that_is_none_is_told_when_it_is_read(written: Path, changes: dict[str, object] | None) -> None:
    whole = {"slope": 1, "intercept": 0.0, "min_score": 0.3, "detector_sha256": "ab", "fitted_on": {}}
    content = json.loads(written.read_text())
    for on_marks, right in ((whole, True), ({} if changes is None else whole | changes, False)):
        written.write_text(json.dumps(content | {"on_marks": on_marks}))
        if right:
            assert ClassifierFile.load(written).on_marks == MarkCalibration(1, 0.0, 0.3, "ab")
        else:
            with pytest.raises(ClassifierFileError, match=r"classifier\.json"):
                ClassifierFile.load(written)


def test_no_rows_no_answers() -> None:
    assert NoduleAnswers()(np.zeros((0, 33))) == []


@pytest.mark.parametrize("bad", [np.zeros(33), np.zeros((2, 32)), np.full((1, 33), np.nan)])
def test_bad_logits(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(B, 33\)|not finite"):
        NoduleAnswers()(bad)


def test_file_comes_back(written: Path) -> None:
    assert ClassifierFile.load(written) == FITTED
    assert NoduleAnswers(written, weights_sha256="abc").file == FITTED


def test_other_weights_are_refused(written: Path) -> None:
    with pytest.raises(ClassifierFileError, match=r"classifier\.json: fitted to abc, but .* def"):
        NoduleAnswers(written, weights_sha256="def")


@pytest.mark.parametrize(
    "change",
    [
        {"format": "x"},
        {"nodule": 0},
        {"kind": "warm"},
        {"threshold": 1},
        {"filter": 3},
        {"ratings": None},
        {"learnt": ["shape"]},
        {"learnt": ["margin", "margin"]},
        {"learnt": 3},
        {"on_marks": 3},
    ],
    ids=lambda change: next(iter(change)),
)
def test_bad_files(change: dict[str, object], written: Path) -> None:
    written.write_text(json.dumps({**json.loads(written.read_text()), **change}))
    with pytest.raises(ClassifierFileError, match=r"classifier\.json"):
        ClassifierFile.load(written)


def test_no_json(tmp_path: Path) -> None:
    (tmp_path / "classifier.json").write_text("[" * 100_000)
    with pytest.raises(ClassifierFileError, match="train again"):
        ClassifierFile.load(tmp_path / "classifier.json")
    with pytest.raises(OSError, match="nowhere"):
        ClassifierFile.load(tmp_path / "nowhere.json")


def test_weights_are_known_by_their_bytes(tmp_path: Path, written: Path) -> None:
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    with pytest.raises(ClassifierFileError, match="fitted to abc"):
        NoduleAnswers(written, weights=weights)
    ClassifierFile(weights_sha256=hashlib.sha256(b"weights").hexdigest()).save(written)
    assert NoduleAnswers(written, weights=weights).file.nodule == 1.0
    weights.unlink()
    assert NoduleAnswers(None, weights=weights).file == ClassifierFile()  # nothing that could belong to other weights


@pytest.mark.parametrize(
    "changes",
    [
        {"min_score": 1.5}, {"min_score": "0.5"}, {"min_score": float("nan")}, {"min_score": True},
        {"detector": -1.0}, {"intercept": float("inf")}, {"classifier": None}, {"intercept": 10**400},
        {"detector_sha256": 3}, None,
    ],
)  # fmt: skip
def test_a_filter_that_is_none_is_told_when_it_is_read(written: Path, changes: dict[str, object] | None) -> None:
    content = json.loads(written.read_text())
    content["filter"] = {} if changes is None else {**content["filter"], **changes}
    written.write_text(json.dumps(content))
    with pytest.raises(ClassifierFileError, match=r"classifier\.json"):
        ClassifierFile.load(written)


def test_a_whole_filter_is_read(written: Path) -> None:
    fitted = {"intercept": 0, "detector": 1.0, "classifier": 2.0, "min_score": 0, "detector_sha256": "ab"}
    replace(FITTED, filter=fitted).save(written)
    assert ClassifierFile.load(written).filter == fitted
