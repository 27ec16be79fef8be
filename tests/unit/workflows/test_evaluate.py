"""Scores from CSV files: what is counted, what is told, and what is refused."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lungdet.metrics import LUNA16, ScoringProtocol
from lungdet.readers import AnnotationError
from lungdet.workflows import evaluate_froc

NODULES = "seriesuid,coordX,coordY,coordZ,diameter_mm"
MARKS = "seriesuid,coordX,coordY,coordZ,probability"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_lines(name: str, *lines: str) -> Path:
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / name

    return write_lines


@pytest.fixture
def files(write: Write) -> dict[str, Path]:
    """Three scans: two nodules and an excluded finding; a nodule; nothing. Five marks."""
    return {
        "annotations": write("a.csv", NODULES, "1.1,0,0,0,6", "1.1,50,0,0,12", "1.2,0,0,0,8"),
        "excluded": write("e.csv", NODULES, "1.1,90,0,0,-1", "1.1,90,0,0,-1"),
        "series_uids": write("s.csv", "1.1", "1.2", "1.3"),
        "predictions": write(
            "p.csv", MARKS, "1.1,0,0,1,0.9", "1.1,51,0,0,0.3", "1.1,90,0,4.9,0.8", "1.1,20,0,0,0.7", "1.3,0,0,0,0.5"
        ),
    }


def test_scores_by_hand(files: dict[str, Path]) -> None:
    evaluation = evaluate_froc(**files, fp_rates=(1 / 3, 2 / 3), resamples=50)
    result = evaluation.result
    assert (result.scans, result.nodules, result.true_positives, result.false_positives) == (3, 3, 2, 2)
    assert (result.marks, result.on_excluded) == (5, 1)
    assert result.sensitivities == (1 / 3, 2 / 3)
    assert [(part.label, part.nodules, part.true_positives) for part in result.strata] == [
        ("6-10 mm", 2, 1),
        (">= 10 mm", 1, 1),
    ]
    assert evaluation.notes == (
        "1 repeated rows of excluded findings count once",
        "scans without a mark, which count: 1 of 3",
    )
    assert evaluation.inputs["excluded"] == str(files["excluded"])


def test_protocols_are_named_and_differ(files: dict[str, Path]) -> None:
    official, simplified = (evaluate_froc(**files, protocol=name, resamples=0) for name in ("luna16", "simplified"))
    assert (official.result.false_positives, simplified.result.false_positives) == (2, 3)
    assert [each.to_json()["protocol"] for each in (official, simplified)] == ["luna16", "simplified"]
    assert official.to_json()["intervals"] is None
    own = ScoringProtocol("own", fp_rates=(1.0,), max_marks=1)
    assert evaluate_froc(**files, protocol=own, resamples=0).result.marks == 2


def test_without_an_exclusion_list_the_name_says_so(files: dict[str, Path]) -> None:
    del files["excluded"]
    evaluation = evaluate_froc(**files, resamples=0)
    assert evaluation.result.protocol.name == "luna16 (no exclusion list)"
    assert evaluation.result.false_positives == 3
    assert "no excluded findings were given" in evaluation.notes[0]
    assert "no excluded" not in " ".join(evaluate_froc(**files, protocol="simplified", resamples=0).notes)


def test_without_a_list_of_scans_those_with_findings_count(files: dict[str, Path], write: Write) -> None:
    del files["series_uids"]
    with pytest.raises(AnnotationError, match=r"p.csv, line 6: series UID 1.3 is in no list"):
        evaluate_froc(**files)
    evaluation = evaluate_froc(**files, ignore_unlisted=True, resamples=0)
    assert evaluation.result.scans == 2
    assert "no list of series UIDs: the 2 scans" in evaluation.notes[0]
    assert "1 predictions are in scans that are not listed" in evaluation.notes[1]
    nothing = {"annotations": write("none.csv", NODULES), "predictions": write("no.csv", MARKS)}
    with pytest.raises(AnnotationError, match="no scan is named"):
        evaluate_froc(**nothing)


def test_a_shorter_list_chooses_scans(files: dict[str, Path], write: Write) -> None:
    """Predictions in a scan that the annotations know are left out; those in a scan that nobody knows are not."""
    files["series_uids"] = write("fold.csv", "1.2", "1.3")
    evaluation = evaluate_froc(**files, resamples=0)
    assert (evaluation.result.scans, evaluation.result.nodules, evaluation.result.true_positives) == (2, 1, 0)
    assert "2 annotations are in scans that are not listed, and were left out" in evaluation.notes
    assert "4 predictions are in scans that are not listed, and were left out" in evaluation.notes


def test_no_predictions_find_nothing(files: dict[str, Path], write: Write, tmp_path: Path) -> None:
    files["predictions"] = write("empty.csv", MARKS)
    evaluation = evaluate_froc(**files, resamples=20)
    assert evaluation.result.sensitivities == (0.0,) * 7
    assert evaluation.result.false_negatives == 3
    evaluation.write(tmp_path / "out")
    content = json.loads((tmp_path / "out" / "froc.json").read_text())
    assert (content["cpm"], content["intervals"]["cpm"], content["average_precision"]) == (0.0, [0.0, 0.0], 0.0)
    assert (tmp_path / "out" / "froc.csv").read_text().splitlines()[1:] == ["inf,0,0,0.0,0.0,"]


def test_no_nodules_are_not_a_number(files: dict[str, Path], write: Write, tmp_path: Path) -> None:
    files["annotations"] = write("none.csv", NODULES)
    evaluation = evaluate_froc(**files, resamples=20)
    evaluation.write(tmp_path / "out")
    content = json.loads((tmp_path / "out" / "froc.json").read_text())
    assert (content["cpm"], content["average_precision"], content["false_positives"]) == (None, None, 4)
    assert " - " in evaluation.to_text()


def test_hits_by_overlap_need_sizes(files: dict[str, Path], write: Write) -> None:
    with pytest.raises(AnnotationError, match="no column diameter_mm"):
        evaluate_froc(**files, hit="iou")
    files["predictions"] = write(
        "sized.csv", MARKS + ",diameter_mm", "1.1,0,0,1,0.9,6", "1.1,51,0,0,0.3,3", "1.2,0,0,0,0.2,8"
    )
    assert evaluate_froc(**files, resamples=0).result.true_positives == 3
    evaluation = evaluate_froc(**files, hit="iou", min_iou=0.5, resamples=0)
    assert (evaluation.result.true_positives, evaluation.result.false_positives) == (2, 1)
    assert evaluation.result.protocol.name == "luna16 (hit=iou, min_iou=0.5)"
    files["predictions"] = write("flat.csv", MARKS + ",diameter_mm", "1.1,0,0,1,0.9,0")
    with pytest.raises(AnnotationError, match="line 2: diameter_mm is 0, wanted more than 0"):
        evaluate_froc(**files, hit="iou")


def test_strata_come_from_columns(files: dict[str, Path], write: Write) -> None:
    files["annotations"] = write(
        "more.csv", NODULES + ",readers,type", "1.1,0,0,0,6,3,solid", "1.1,50,0,0,12,4,solid", "1.2,0,0,0,8,4,"
    )
    result = evaluate_froc(**files, strata_columns=("readers", "type"), size_edges_mm=(), resamples=30).result
    found = [(part.kind, part.label, part.true_positives, part.nodules) for part in result.strata]
    assert found == [("readers", "3", 1, 1), ("readers", "4", 1, 2), ("type", "solid", 2, 2)]
    with pytest.raises(AnnotationError, match="no column texture"):
        evaluate_froc(**files, strata_columns=("texture",))


def test_files_hold_the_curve_at_full_precision(files: dict[str, Path], tmp_path: Path) -> None:
    evaluation = evaluate_froc(**files, resamples=20)
    evaluation.write(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "froc.csv", "froc.json", "froc.png", "froc.svg", "precision_recall.png", "precision_recall.svg",
    ]  # fmt: skip
    with (tmp_path / "out" / "froc.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name, values in (
        ("threshold", evaluation.result.curve_thresholds),
        ("fp_per_scan", evaluation.result.curve_fp_rates),
        ("sensitivity", evaluation.result.curve_sensitivities),
    ):
        np.testing.assert_array_equal([float(row[name]) for row in rows], values)
    for row in rows[1:]:
        hits, false = int(row["true_positives"]), int(row["false_positives"])
        assert float(row["precision"]) == hits / (hits + false)
    content = json.loads((tmp_path / "out" / "froc.json").read_text())
    assert content["cpm"] == evaluation.result.cpm
    assert len(content["intervals"]["band"]["fp_rates"]) == 49


def test_figures_can_be_left_out(files: dict[str, Path], tmp_path: Path) -> None:
    evaluate_froc(**files, resamples=0).write(tmp_path / "a", figures=False)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["froc.csv", "froc.json"]
    evaluate_froc(**files, resamples=0).write(tmp_path / "b")
    assert len(list((tmp_path / "b").iterdir())) == 6


HOSTILE = {
    "annotations": [
        ([NODULES, "1.1,0,0,0,-4"], "line 2: diameter_mm is -4"),
        ([NODULES, "1.1,0,nan,0,4"], "line 2: coordY"),
        ([NODULES, "1.1,0,0,0,4", "1.1,0,0,0,4"], "line 3"),
        (["seriesuid,coordX,coordY,coordZ"], "no column diameter_mm"),
    ],
    "predictions": [
        ([], "the file is empty"),
        ([MARKS, "1.1,0,0,0,1.5"], "line 2: probability is 1.5"),
        ([MARKS, "1.1,0,0,0,-0.1"], "line 2: probability is -0.1"),
        ([MARKS, "1.1,0,0,0,inf"], "line 2: probability"),
        ([MARKS, "1.1,0,0,0,0.5", "9.9,0,0,0,0.5"], "line 3: series UID 9.9 is in no list"),
        ([MARKS, '1.1,0,0,0,"0,5"'], "line 2: probability"),
        ([MARKS, "1.1,0,0,0,0.5", "1.1,0,0,0,0.5"], "line 3: the row repeats line 2"),
        (["seriesuid,coordX,coordY,coordZ,score", "1.1,0,0,0,0.5"], "no column probability"),
        ([MARKS.replace(",", ";"), "1.1;0;0;0;0,5"], "not separated by commas"),
    ],
    "series_uids": [
        (["1.1", "1.1"], "repeats"),
        (["1.1", "a b"], "no series UID"),
        (["series_uid", "1.1"], "no series UID"),
    ],
}


@pytest.mark.parametrize(
    ("role", "lines", "message"),
    [(role, lines, message) for role, cases in HOSTILE.items() for lines, message in cases],
)
def test_hostile_files_are_refused(
    role: str, lines: list[str], message: str, files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "bad.csv").write_text("".join(line + "\n" for line in lines))
    with pytest.raises(AnnotationError, match=message) as caught:
        evaluate_froc(**{**files, role: tmp_path / "bad.csv"})
    assert "bad.csv" in str(caught.value)


def test_a_missing_file_is_named(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        evaluate_froc(**{**files, "predictions": tmp_path / "absent.csv"})


def test_the_official_protocol_is_the_default(files: dict[str, Path]) -> None:
    assert evaluate_froc(**files, resamples=0).result.protocol == LUNA16


def test_any_name_without_blanks_is_a_scan(files: dict[str, Path], write: Write) -> None:
    files["series_uids"] = write("s.csv", "1.1", "1.2", "1.3", "LIDC-0007_a")
    assert evaluate_froc(**files, resamples=0).result.scans == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_iou": 0.3}, "min_iou=0.3 has no say where hits are told by distance"),
        ({"size_edges_mm": (float("nan"),)}, "edges must be positive and finite"),
        ({"size_edges_mm": (-1.0, 5.0)}, "edges must be positive and finite"),
        ({"size_edges_mm": (10.0, 5.0)}, "edges must rise"),
        ({"resamples": 10**10}, "resamples must be at most 100000"),
    ],
)
def test_options_that_mean_nothing(files: dict[str, Path], options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_froc(**files, **options)


def test_a_column_that_is_there_twice(files: dict[str, Path], write: Write) -> None:
    files["predictions"] = write("two.csv", MARKS + ",probability", "1.1,0,0,1,0.9,0.1")
    with pytest.raises(AnnotationError, match="column probability is there more than once"):
        evaluate_froc(**files)


def test_an_exclusion_list_that_the_protocol_does_not_use_is_told(files: dict[str, Path]) -> None:
    notes = evaluate_froc(**files, protocol="simplified", resamples=0).notes
    assert notes[0] == "the protocol uses no exclusion list: marks on the excluded findings count as false positives"
