"""The bundle of scan risk trains and scores in two processes, and answers in one; also through to the voxels."""

import csv
import importlib
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.datalists.scan_list import ScanList, ScanListEntry, write_scan_list
from lungdet.networks.nets import NoduleClassifier
from lungdet.phantoms import draw_cohort_patient, write_cohort
from lungdet.records import ModelInfo, ScanCandidates
from lungdet.reports.candidate_file import write_candidates

BUNDLE = "scan_risk"
BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
DETECTOR = ModelInfo("a detector", "1.0", "ab" * 32)
TINY_NETWORK = {"block_config": [1, 1], "growth_rate": 4, "init_features": 8}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny classifier with random weights."""
    root = tmp_path_factory.mktemp("classifier") / "tiny"
    shutil.copytree(BUNDLES / "nodule_classifier" / "configs", root / "configs")
    common = root / "configs" / "common.yaml"
    settings = f"  settings: {json.dumps(TINY_NETWORK)}\n"
    known = "  _target_: lungdet.networks.nets.NoduleClassifier\n"
    common.write_text(common.read_text().replace(known, known + settings))
    (root / "models").mkdir()
    torch.manual_seed(0)
    torch.save(NoduleClassifier(settings=TINY_NETWORK).state_dict(), root / "models" / "model.pt")
    return str(root)


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Scans with 0 to 2 candidates; those with a bright one are positive."""
    folder, random = tmp_path_factory.mktemp("candidates"), np.random.default_rng(0)
    parts = ["training"] * 7 + ["validation"] * 3 + ["test"] * 4 + ["unlabelled"]
    entries = []
    for number, part in enumerate(parts):
        count = number % 3
        cubes = random.integers(-1000, -600, (count, 48, 48, 48)).astype(np.int16)
        cubes[:, 20:28, 20:28, 20:28] = 50 if number % 2 else -700
        scores = np.linspace(0.9, 0.5, count, dtype=np.float32)
        found = ScanCandidates(f"s{number}", cubes, scores, np.zeros((count, 3)), np.ones(count, np.float32), DETECTOR)
        write_candidates(folder / f"s{number}.npz", found)
        label = None if part == "unlabelled" else number % 2
        entries.append(ScanListEntry(f"s{number}", f"s{number}.npz", part, label, count))
    return str(write_scan_list(folder, ScanList(tuple(entries), DETECTOR, 2, 0.02, {})))


@pytest.fixture(scope="module")
def settings(classifier: str, datalist: str) -> dict[str, str]:
    return {"bundle": BUNDLE, "datalist": datalist, "classifier": classifier}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, run_bundle, settings: dict[str, str]) -> Path:
    """Folder of a training of two epochs in two processes."""
    folder = tmp_path_factory.mktemp("risk") / "runs"
    log = run_bundle(
        "train.yaml", "multi_gpu_train.yaml", processes=2, num_epochs="2", output_dir=str(folder), **settings
    )
    assert "log_likelihood" in log
    return folder


@pytest.mark.slow
def test_a_training_leaves_weights_and_a_history(trained: Path):
    weights = torch.load(trained / "model.pt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in weights.values())
    assert not any(name.startswith("module.") for name in weights)
    with (trained / "history.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[-1]["log_likelihood"]) < 0


@pytest.mark.slow
def test_its_weights_score_and_answer(trained: Path, tmp_path: Path, run_bundle, settings: dict[str, str]):
    chosen = {**settings, "checkpoint": str(trained / "model.pt")}
    run_bundle("evaluate.yaml", "multi_gpu_evaluate.yaml", processes=2, output_dir=str(tmp_path / "two"), **chosen)
    scores = json.loads((tmp_path / "two" / "metrics.json").read_text())
    assert (scores["cases"], scores["positives"]) == (4, 2)
    run_bundle("inference.yaml", output_dir=str(tmp_path / "all"), **chosen)
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["submission.csv"]  # most scans taught the weights
    tables = []
    for name in ("two", "all"):
        with (tmp_path / name / "submission.csv").open(newline="") as stream:
            tables.append({row["id"]: float(row["cancer"]) for row in csv.DictReader(stream)})
    assert len(tables[1]) == 15
    assert {name: tables[1][name] for name in tables[0]} == pytest.approx(tables[0], abs=1e-5)


@pytest.mark.slow
def test_it_learns_through_to_the_voxels(tmp_path: Path, run_bundle, settings: dict[str, str]):
    given = {**settings, "num_epochs": "1", "output_dir": str(tmp_path), "batch_size": "4", "top": "2", "pooled_by": ""}
    run_bundle("train.yaml", "finetune.yaml", **given)
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    assert {name.split(".")[0] for name in weights} == {"classifier", "risk"}


def test_the_benchmark_makes_the_cohort_of_its_command(datalist: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BUNDLES.parent / "benchmarks"))
    cohort = importlib.import_module("nodules_risk_cohort")
    asked: list[list[str]] = []

    def run(words: list[str]) -> int:
        asked.append(words)
        if words[0] == "phantom":
            write_cohort(tmp_path / "scans", 4, 20_000, spacing_mm=(12, 12, 12), shape=(30, 26, 24))
        else:
            shutil.copytree(Path(datalist).parent, tmp_path / "candidates")
        return 0

    monkeypatch.setattr(cohort, "lungdet", run)
    made = cohort.make_cohort(tmp_path, (2, 1, 1))
    assert [words[0] for words in asked] == ["phantom", "candidates"]
    assert made.rule["020000"] == pytest.approx(draw_cohort_patient(20_000).probability, abs=1e-4)
    assert len(made.rule) == 4
    assert len(made.part("test")) == 4
    makefile = (BUNDLES.parent / "Makefile").read_text()
    assert f"--seed {cohort.SEED} " in makefile
    assert " ".join(cohort.PLAIN) in makefile


def test_the_benchmark_ends_where_a_command_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BUNDLES.parent / "benchmarks"))
    cohort = importlib.import_module("nodules_risk_cohort")
    monkeypatch.setattr(cohort, "lungdet", lambda words: 2)
    with pytest.raises(SystemExit, match="lungdet phantom"):
        cohort.make_cohort(tmp_path, (2, 1, 1))


@pytest.mark.slow
def test_the_benchmark_trains_and_compares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str]
):
    monkeypatch.syspath_prepend(str(BUNDLES.parent / "benchmarks"))
    benchmark = importlib.import_module("nodules")
    shutil.copytree(Path(settings["datalist"]).parent, tmp_path / "candidates")
    (tmp_path / "scans").mkdir()
    rule = {f"s{number}": {"probability": 0.01 + number % 2 * 0.98} for number in range(15)}
    (tmp_path / "scans" / "truth.json").write_text(json.dumps({"scans": rule}))
    given = ["--cohort", str(tmp_path), "--classifier", settings["classifier"], "--quick", "--shipped", str(tmp_path)]
    try:
        words = ["risk", *given, "--out", str(tmp_path / "results.jsonl")]
        benchmark.run("nodules", benchmark.__doc__, benchmark.PARTS, benchmark.add_arguments, words)
    finally:
        logging.disable(logging.NOTSET)
    result = json.loads((tmp_path / "results.jsonl").read_text())["result"]
    rows = {row["score"]: row for row in result["rows"]}
    assert result["scans"] == {"training": 7, "validation": 3, "test": 4}
    assert rows["the rule itself"]["AUC"] == 1.0
    assert 0 <= rows["noisy_or"]["AUC"] <= 1
    assert 0 < rows["attention"]["a scan without marks"] < 1
    assert 0 <= rows["attention, shuffled labels"]["AUC"] <= 1
    assert "| highest score of the detector | 4 |" in capsys.readouterr().out
