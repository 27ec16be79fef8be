"""The benchmark of the filter: which marks hit, what is fitted to them, and how the difference is told."""

import hashlib
import importlib
from pathlib import Path

import numpy as np
import pytest

from lungdet.detection import MarkFilter
from lungdet.lesions.classifier_file import ClassifierFile


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module("nodules_filter"), importlib.import_module("nodules_filter_marks")


def drawn_scan(marks, seed: int, nodules: int = 4, false: int = 20):
    """A scan whose nodules are 50 mm apart; its true marks score little more than the false ones."""
    rng = np.random.default_rng(seed)
    centers = np.arange(nodules)[:, None] * np.array([50.0, 0, 0])
    places = np.concatenate([centers + 1, rng.uniform(1000, 2000, (false, 3)), [[0.0, 500, 0]]])
    scores = np.clip(np.concatenate([rng.uniform(0.2, 0.9, nodules), rng.uniform(0.1, 0.8, false), [0.95]]), 0, 1)
    return marks.ScanMarks(
        seed, 1.0, places, scores, np.zeros((len(places), 1, 1, 1), np.int16), centers, np.full(nodules, 8.0),
        ("solid",) * nodules, np.array([[0.0, 500, 0]]), np.array([5.0]),
    )  # fmt: skip


def opinion(scan, right: float = 0.9):
    hits, _ = scan.hits()
    return np.where(hits, right, 1 - right)


def test_marks_hit_nodules_and_those_on_excluded_do_not_count(parts):
    _, marks = parts
    hits, counts = drawn_scan(marks, 0).hits()
    assert hits.tolist() == [True] * 4 + [False] * 21
    assert counts.tolist() == [True] * 24 + [False]


def test_a_good_opinion_raises_the_score_and_a_constant_one_does_not(parts):
    benchmark, marks = parts
    scans = [drawn_scan(marks, seed) for seed in range(8)]
    good = [(scan, opinion(scan)) for scan in scans]
    fitted = benchmark.fit(good)
    result = benchmark.compare(good, fitted)
    by_name = {row["score"]: row for row in result["rows"]}
    assert by_name["filter"]["CPM"] == 1.0
    assert by_name["detector"]["CPM"] < 0.9
    assert result["gain"]["CPM"] == pytest.approx(1.0 - by_name["detector"]["CPM"])
    assert result["gain"]["95 %"][0] > 0
    assert result["marks"] == 8 * 25
    even = [(scan, np.full(len(scan.scores), 0.5)) for scan in scans]
    same = benchmark.compare(even, benchmark.fit(even))
    assert same["gain"] == {"CPM": 0.0, "95 %": [0.0, 0.0]}  # drawn together: no scan moves it


def test_the_filtered_score_lets_as_many_false_marks_through(parts):
    benchmark, marks = parts
    scans = [(scan, opinion(scan, 0.6)) for scan in (drawn_scan(marks, seed) for seed in range(4))]
    filter_ = MarkFilter(-1.0, 0.8, 1.2)
    least = benchmark.least_score(scans, filter_)
    before = after = 0
    for scan, said in scans:
        hits, counts = scan.hits()
        before += int((scan.scores[counts & ~hits] >= 0.3).sum())
        after += int((filter_.scores(scan.scores, said)[counts & ~hits] >= least).sum())
    assert before == after > 0


def test_marks_come_back_from_disk(parts, tmp_path: Path):
    _, marks = parts
    scan = drawn_scan(marks, 3)
    marks.write_marks(tmp_path / "a.npz", scan)
    again = marks.read_marks(tmp_path / "a.npz")
    assert again.seed == 3
    assert again.kinds == scan.kinds
    assert np.array_equal(again.marks_mm, scan.marks_mm)
    assert again.cubes.dtype == np.int16


def test_the_filter_is_stored_beside_what_was_there(parts, tmp_path: Path):
    benchmark, marks = parts
    path = tmp_path / "classifier.json"
    ClassifierFile(nodule=1.5, threshold=0.4, weights_sha256="ab").save(path)
    scans = [(scan, opinion(scan)) for scan in (drawn_scan(marks, seed) for seed in range(3))]
    filter_ = benchmark.fit(scans)
    benchmark.store(path, filter_, scans, benchmark.compare(scans, filter_), range(3))
    found = ClassifierFile.load(path, weights_sha256="ab")
    assert (found.nodule, found.threshold) == (1.5, 0.4)
    assert found.filter is not None
    assert MarkFilter.from_dict(found.filter) == filter_
    assert found.filter["fitted_on"] == {"scans": 3, "marks": 75, "seeds": "range(0, 3)"}
    assert 0 < found.filter["min_score"] < 1
    weights = Path(__file__).resolve().parents[2] / "bundles" / "nodule_detector" / "models" / "model.pt"
    assert found.filter["detector_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_a_filter_that_does_not_help_is_not_stored(parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    benchmark, marks = parts
    path = tmp_path / "classifier.json"
    ClassifierFile(threshold=0.4, filter=MarkFilter(0.0, 1.0, 0.0).to_dict()).save(path)
    scans = [(scan, 1 - opinion(scan)) for scan in (drawn_scan(marks, seed) for seed in range(3))]
    filter_ = MarkFilter(0.0, 1.0, 1.0)  # and an opinion that is always wrong
    benchmark.store(path, filter_, scans, benchmark.compare(scans, filter_), range(3))
    assert ClassifierFile.load(path) == ClassifierFile(threshold=0.4)
    assert "without a filter" in capsys.readouterr().out


def test_the_calibration_is_of_the_marks_that_are_shown(parts, capsys: pytest.CaptureFixture[str]):
    _, marks = parts
    on_marks = importlib.import_module("nodules_on_marks")
    scans = [
        (scan, np.random.default_rng(scan.seed).random(len(scan.scores))) for scan in map(marks_of(marks), range(6))
    ]
    said, right, seeds = on_marks.marks_from(scans, 0.5)
    assert len(said) == len(right) == len(seeds) == sum(int((s.scores[:-1] >= 0.5).sum()) for s, _ in scans)
    fitted = on_marks.fit_on_marks(scans, range(6), 0.5)
    line = MarkFilter(fitted.intercept, 0.0, fitted.slope).scores(np.full(len(said), 0.5), said)
    assert [fitted(each) for each in said] == pytest.approx(line)
    assert line.mean() == pytest.approx(right.mean(), abs=1e-3)  # said as often as it is right
    assert fitted.fitted_on == {"scans": 6, "marks": len(said), "false": int((~right).sum()), "seeds": "range(0, 6)"}
    rows = on_marks.sureness_rows(scans, fitted)
    assert [(row["marks from"], row["probability"]) for row in rows] == [
        (least, name) for least in (0.3, 0.02) for name in ("plain", "calibrated")
    ]
    assert rows[1]["log loss"] < rows[0]["log loss"]
    assert on_marks.fit_on_marks(scans[:0], range(0)) is None
    assert "0 of 0 are right" in capsys.readouterr().out
    assert on_marks.sureness_rows(scans[:0], None) == []


def marks_of(marks):
    return lambda seed: drawn_scan(marks, seed)


def test_marks_of_other_phantoms_are_refused(parts, tmp_path: Path):
    _, marks = parts
    marks.check_folder(tmp_path)
    marks.check_folder(tmp_path)
    (tmp_path / "made_by.json").write_text("{}")
    with pytest.raises(ValueError, match="remove it, or name another folder"):
        marks.check_folder(tmp_path)
