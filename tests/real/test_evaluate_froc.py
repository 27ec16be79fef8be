"""``lungdet evaluate froc`` on the 55,677 marks of a published detector, and a second opinion on changed copies.

There is only one file of real predictions. So that agreement on it is no coincidence, the plain implementation of
``benchmarks/froc.py``, which shares no code with lungdet, scores random parts and disturbed copies of it as well.
"""

import csv
import importlib.util
import json
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lungdet import cli
from lungdet.workflows import evaluate_froc

GOLDEN = [0.6922, 0.7690, 0.8238, 0.8651, 0.8929, 0.9174, 0.9334]
Rows = list[list[str]]


@pytest.fixture(scope="module")
def files(real_data: Path) -> dict[str, Path]:
    folder = real_data / "luna16"
    return {
        "annotations": folder / "annotations.csv",
        "excluded": folder / "annotations_excluded.csv",
        "series_uids": folder / "seriesuids.csv",
        "predictions": folder / "deeplung_dpn26_predictions.csv",
    }


@pytest.fixture(scope="module")
def plain(repository: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("plain_froc", repository / "benchmarks" / "froc.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(files: dict[str, Path]) -> Rows:
    with files["predictions"].open(newline="") as stream:
        return list(csv.reader(stream))


def test_the_command_gives_the_published_figures(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"--annotations": "annotations", "--excluded": "excluded", "--seriesuids": "series_uids"}
    options = [text for option, role in names.items() for text in (option, str(files[role]))]
    command = ["evaluate", "froc", *options, "--predictions", str(files["predictions"]), "-o", str(tmp_path)]
    assert cli.main(command) == 0
    content = json.loads((tmp_path / "froc.json").read_text())
    np.testing.assert_allclose(content["sensitivities"], GOLDEN, atol=5e-5)
    assert content["cpm"] == pytest.approx(0.8419658, abs=5e-8)
    counted = [content[name] for name in ("true_positives", "false_negatives", "false_positives", "marks")]
    assert counted == [1136, 50, 46078, 52708]
    assert (content["on_excluded"], content["double_hits"]) == (5308, 186)
    low, high = content["intervals"]["cpm"]
    assert 0.80 < low < 0.8419658 < high < 0.88
    printed = capsys.readouterr().out
    assert "TP 1136, FN 50, FP 46078, 186 double hits, 5308 on excluded findings" in printed
    assert " ".join(f"{value:.4f}" for value in GOLDEN) in " ".join(printed.split())
    assert "scans without a mark, which count: 1 of 888" in printed


def test_the_two_protocols_differ_by_a_tenth(files: dict[str, Path]) -> None:
    simplified = evaluate_froc(**files, protocol="simplified", resamples=0).result
    assert simplified.cpm == pytest.approx(0.7418694, abs=5e-8)  # the published code gives the same
    assert (simplified.true_positives, simplified.false_positives, simplified.marks) == (1136, 54351, 55677)


def test_it_is_quick(files: dict[str, Path]) -> None:
    """Far below what is asked for, so that a busy machine does not matter."""
    start = time.process_time()
    evaluate_froc(**files, resamples=0)
    scored = time.process_time()
    evaluate_froc(**files, resamples=1000)
    assert scored - start < 5
    assert time.process_time() - scored < 30


def keep_scans(rows: Rows, random: np.random.Generator) -> Rows:
    uids = sorted({row[0] for row in rows})
    kept = set(random.choice(uids, 300, replace=False).tolist())
    return [row for row in rows if row[0] in kept]


def drop_marks(rows: Rows, random: np.random.Generator) -> Rows:
    return [row for row in rows if random.random() < 0.3]


def move_marks(rows: Rows, random: np.random.Generator) -> Rows:
    return [[row[0], *(f"{float(x) + random.normal(0, 2):.4f}" for x in row[1:4]), row[4]] for row in rows]


def round_scores(rows: Rows, random: np.random.Generator) -> Rows:
    return [[*row[:4], f"{float(row[4]):.2f}"] for row in rows]


def shuffle_scores(rows: Rows, random: np.random.Generator) -> Rows:
    order = random.permutation(len(rows))
    return [[*row[:4], rows[other][4]] for row, other in zip(rows, order, strict=True)]


@pytest.mark.parametrize("change", [keep_scans, drop_marks, move_marks, round_scores, shuffle_scores])
@pytest.mark.parametrize("protocol", ["luna16", "simplified"])
def test_a_second_opinion_on_changed_copies(
    change, protocol: str, files: dict[str, Path], rows: Rows, plain: ModuleType, tmp_path: Path
) -> None:
    head, *marks = rows
    path = tmp_path / "changed.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([head, *change(marks, np.random.default_rng(0))])
    ours = evaluate_froc(**{**files, "predictions": path}, protocol=protocol, resamples=0).result
    nodules, excluded, found = (plain.read_points(each) for each in (files["annotations"], files["excluded"], path))
    scans = files["series_uids"].read_text().split()
    theirs, _ = plain.plain_froc(found, nodules, excluded, scans, protocol)
    np.testing.assert_allclose(ours.sensitivities, theirs["sensitivities"], atol=1e-12)
    assert ours.cpm == pytest.approx(theirs["cpm"], abs=1e-12)
    counted = (ours.true_positives, ours.false_positives, ours.marks, ours.double_hits, ours.on_excluded)
    assert counted == tuple(theirs[name] for name in ("found", "false", "marks", "double", "excluded"))


def test_order_and_monotone_scores_do_not_matter(files: dict[str, Path], rows: Rows, tmp_path: Path) -> None:
    head, *marks = rows
    np.random.default_rng(1).shuffle(marks)
    path = tmp_path / "shuffled.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([head, *([*row[:4], repr(float(row[4]) / 2 + 0.25)] for row in marks)])
    assert evaluate_froc(**{**files, "predictions": path}, resamples=0).result.cpm == pytest.approx(
        0.8419657913755723, abs=1e-15
    )


def test_scans_of_each_third_add_up(files: dict[str, Path], tmp_path: Path) -> None:
    uids = files["series_uids"].read_text().split()
    total = {"true_positives": 0, "false_positives": 0, "nodules": 0, "double_hits": 0}
    for fold in range(3):
        (tmp_path / "fold.csv").write_text("\n".join(uids[fold::3]))
        fold_files = {**files, "series_uids": tmp_path / "fold.csv"}
        result = evaluate_froc(**fold_files, resamples=0, ignore_unlisted=True).result
        for name in total:
            total[name] += getattr(result, name)
    assert total == {"true_positives": 1136, "false_positives": 46078, "nodules": 1186, "double_hits": 186}
