"""From marks to measured and judged findings; what cannot be told is left out, and said so."""

import csv
import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lungdet.cli import main
from lungdet.geometry import frames
from lungdet.lesions.classifier_file import ClassifierFile
from lungdet.phantoms import ChestPhantom, make_chest, write_nifti
from lungdet.records import CTVolume, DetectionReport, Finding, ModelInfo, NoduleAnswer, ScanRiskAnswer, SeriesInfo
from lungdet.reports import read_json
from lungdet.workflows import BundleError, NoduleRater, UnratedMark, analyze, detect, study_analyst
from lungdet.workflows.analyze_studies import KNOWN_NOTE

CLASSIFIER = """
imports:
- $import torch
bundle_root: .
checkpoint: $@bundle_root + '/models/model.pt'
classifier_file: $@bundle_root + '/models/classifier.json'
device: cpu
network: $torch.nn.Sequential(torch.nn.AvgPool3d(48), torch.nn.Flatten(), torch.nn.Linear(1, 33))
scale_cubes: {_target_: lungdet.transforms.ScaleHUd, keys: image, low_hu: -1000, high_hu: 400}
inferer: {_target_: monai.inferers.SimpleInferer}
answers: {_target_: lungdet.lesions.NoduleAnswers, path: '@classifier_file'}
"""
FILTER = {"intercept": 0.0, "detector": 1.0, "classifier": 1.0}
QUICK: dict[str, Any] = {"risk": None, "guard": False, "progress": False, "max_pictures": 0}
NOWHERE = (3.0, 3.0, 3.0, 6.0, 6.0, 6.0)  # a mark in the air at the corner


@pytest.fixture(scope="module")
def chest() -> ChestPhantom:
    return make_chest(8, spacing_mm=(2.5, 2.5, 2.5), shape=(144, 116, 112))


@pytest.fixture
def marking(tiny_bundle: Path) -> Callable[..., Path]:
    """Let the tiny detector mark these boxes."""

    def mark(boxes: Sequence[Sequence[float]], scores: Sequence[float]) -> Path:
        path = tiny_bundle / "configs" / "common.yaml"
        text = path.read_text().splitlines()
        lines = [line for line in text if not line.startswith(("boxes:", "scores:"))]
        rows = [list(map(float, box)) for box in boxes]
        lines += [f"boxes: $torch.tensor({rows}).reshape(-1, 6)", f"scores: $torch.tensor({list(scores)})"]
        path.write_text("\n".join(lines))
        return tiny_bundle

    return mark


def tied(fitted: dict[str, float], detector: Path) -> dict[str, Any]:
    """A filter of the detector's scores."""
    return {**fitted, "detector_sha256": hashlib.sha256((detector / "models" / "model.pt").read_bytes()).hexdigest()}


@pytest.fixture
def classifier(tmp_path: Path, tiny_bundle: Path) -> Path:
    """A classifier that is sure of nodules, of part-solid ones, and of malignancy 4 of 5."""
    root = tmp_path / "bundles" / "rater"
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    (root / "configs" / "metadata.json").write_text(json.dumps({"name": "rater", "version": "1.2"}))
    (root / "configs" / "common.yaml").write_text(CLASSIFIER)
    (root / "configs" / "inference.yaml").write_text("output_dir: out\n")
    network = torch.nn.Sequential(torch.nn.AvgPool3d(48), torch.nn.Flatten(), torch.nn.Linear(1, 33))
    with torch.no_grad():
        network[2].weight.zero_()
        network[2].bias.zero_()
        network[2].bias[:9] = torch.tensor([math.log(3.0), 0.0, 5.0, 0.0, 0.0, 20.0, 20.0, 20.0, -20.0])
    torch.save(network.state_dict(), root / "models" / "model.pt")
    ClassifierFile(filter=tied(FILTER, tiny_bundle)).save(root / "models" / "classifier.json")
    return root


def box_of(volume: CTVolume, center_lps_mm: Sequence[float], diameter_mm: float) -> list[float]:
    middle = frames.world_to_voxel(np.array([center_lps_mm]), volume.affine_lps)[0] + 0.5
    half = diameter_mm / 2 / frames.spacing_of(volume.affine_lps)
    return [*(middle - half).tolist(), *(middle + half).tolist()]


@pytest.fixture
def study(chest: ChestPhantom, tmp_path: Path) -> Path:
    return write_nifti(chest.volume, tmp_path / "chest.nii")


@pytest.fixture
def marked(chest: ChestPhantom, marking: Callable[..., Path]) -> Path:
    """A detector that marks the largest nodule, a place in the air, and the nodule again with a low score."""
    largest = max(chest.nodules, key=lambda nodule: nodule.diameter_mm)
    box = box_of(chest.volume, largest.center_lps_mm, largest.diameter_mm)
    return marking([box, NOWHERE, box], [0.9, 0.5, 0.03])


def only(summary: object) -> DetectionReport:
    (result,) = summary.studies  # type: ignore[attr-defined]
    assert result.report is not None, result.error
    return result.report


def test_all_that_can_be_told_is_told(
    chest: ChestPhantom, study: Path, marked: Path, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[float] = []

    def scan_model(volume: CTVolume, findings: Sequence[Finding], detector: ModelInfo) -> ScanRiskAnswer:
        assert detector.name == "tiny"
        seen.extend(finding.score for finding in findings)
        return ScanRiskAnswer(0.123456789, ModelInfo("risk", "3", ""), len(findings))

    monkeypatch.setattr(study_analyst, "_open_scan_model", lambda *_: scan_model)
    report = only(analyze(study, tmp_path / "out", bundle=marked, classifier=classifier, guard=False, progress=False))
    assert seen == pytest.approx([0.9, 0.03])  # low scores, too, but none outside the lungs
    assert [finding.score for finding in report.findings] == pytest.approx([0.9, 0.5])  # the bundle's threshold is .1
    first, second = report.findings
    truth = max(chest.nodules, key=lambda nodule: nodule.diameter_mm)
    assert first.measurement is not None
    assert first.measurement.mean_diameter_mm == pytest.approx(truth.diameter_mm, rel=0.3)
    assert first.measurement.side in ("left", "right")
    assert second.measurement is None
    assert second.notes[0] == "no type and ratings: it lies outside the lungs"
    assert second.notes[1].startswith("not measured: ")
    assert first.answer is not None
    assert first.answer.nodule == pytest.approx(0.75)
    assert first.answer.kind == "part_solid"
    malignancy = first.answer.rating("malignancy")
    assert malignancy is not None
    assert malignancy.mean == pytest.approx(4.0)
    assert second.answer is None
    assert report.risk == ScanRiskAnswer(0.123457, ModelInfo("risk", "3", ""), 2)
    assert [model.name for model in report.models] == ["rater", "risk"]
    assert report.notes == NoduleRater(classifier).answers.notes(report.model.weights_sha256)
    assert report.lungs is not None
    assert report.lungs.both.volume_ml == pytest.approx(
        report.lungs.left.volume_ml + report.lungs.right.volume_ml, abs=1
    )
    (folder,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert read_json(folder / "findings.json") == report
    assert (folder / "pictures" / "lungs.png").is_file()
    with (tmp_path / "out" / "findings.csv").open(newline="") as stream:
        assert [row["type"] for row in csv.DictReader(stream)] == ["part_solid", ""]


def test_absent_weights_are_said_and_nothing_else_is_lost(
    study: Path, marked: Path, classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
):  # fmt: skip
    (classifier / "models" / "model.pt").unlink()
    monkeypatch.setattr(study_analyst, "CLASSIFIER", str(classifier))
    monkeypatch.setattr(study_analyst, "RISK", "no_such_bundle")
    command = ["analyze", str(study), "-o", str(tmp_path / "out"), "--bundle", str(marked), "--no-guard", "--filter"]
    assert main([*command, "--classifier", str(classifier), "--risk", "no_such_bundle"]) == 0
    said = capsys.readouterr().out
    assert "left out: type, ratings and probability of a nodule; the bundle" in said
    assert "has no weights" in said
    assert "left out: the risk of the scan; the bundle no_such_bundle cannot be used" in said
    assert "not filtered" in said
    (path,) = (tmp_path / "out").glob("*/findings.json")
    content = json.loads(path.read_text())
    assert "risk" not in content
    assert "measurement" in content["findings"][0]
    assert "answer" not in content["findings"][0]
    assert len(content["notes"]) == 3
    page = path.with_name("report.html").read_text()
    assert "What to know" in page
    assert "Left out: the risk of the scan" in page


def test_a_bundle_that_was_named_must_be_there(study: Path, marked: Path, tmp_path: Path):
    with pytest.raises(BundleError, match="no such bundle"):
        analyze(study, tmp_path / "out", bundle=marked, classifier=tmp_path / "nowhere", risk=None)


def test_nobody_asked_is_said(study: Path, marked: Path, tmp_path: Path):
    report = only(
        analyze(study, tmp_path / "out", bundle=marked, classifier=None, risk=None, guard=False, progress=False)
    )
    assert [note.split(";")[1] for note in report.notes] == [" nobody asked for it"] * 2


def test_the_filter_changes_scores_and_keeps_the_detectors(study: Path, marked: Path, classifier: Path, tmp_path: Path):
    options = {"bundle": marked, "classifier": classifier, **QUICK}
    report = only(analyze(study, tmp_path / "out", filter_marks=True, min_score=0.0, **options))
    first, outside, last = report.findings
    assert [first.detector_score, last.detector_score] == pytest.approx([0.9, 0.03])
    odds = [0.9 / 0.1 * 3, 0.03 / 0.97 * 3]  # the classifier says .75, odds of 3
    assert [first.score, last.score] == pytest.approx([odd / (1 + odd) for odd in odds], abs=1e-4)
    assert (outside.score, outside.detector_score) == (0.5, None)  # outside the lungs nobody is asked
    assert "together" in report.notes[-2]
    report = only(analyze(study, tmp_path / "out", filter_marks=True, min_score=0.5, **options))
    assert len(report.findings) == 2
    ClassifierFile(filter=tied({**FILTER, "min_score": 0.9}, marked)).save(classifier / "models" / "classifier.json")
    report = only(analyze(study, tmp_path / "out", filter_marks=True, **options))
    assert len(report.findings) == 1


def test_known_findings_take_the_detectors_place(study: Path, marked: Path, classifier: Path, tmp_path: Path):
    detect(study, tmp_path / "out", bundle=marked, guard=False, progress=False)
    options = {"classifier": classifier, **QUICK}
    (path,) = (tmp_path / "out").glob("*/findings.json")
    before = read_json(path)
    for findings in (path.parent, tmp_path / "out"):  # the second time they are analyzed already
        report = only(analyze(study, tmp_path / "out", findings=findings, filter_marks=True, **options))
        assert [finding.box_voxel for finding in report.findings] == [each.box_voxel for each in before.findings]
        assert report.findings[0].detector_score == before.findings[0].score
        assert report.model == before.model
        assert report.findings[0].measurement is not None
    fresh = only(analyze(study, tmp_path / "fresh", bundle=marked, **options))
    known = only(analyze(study, tmp_path / "known", findings=path, **options))
    assert known.notes == (KNOWN_NOTE, *fresh.notes)
    assert dataclasses.replace(known, notes=fresh.notes) == fresh


def test_marks_of_an_earlier_run_are_not_lost(study: Path, marked: Path, tmp_path: Path):
    detect(study, tmp_path / "out", bundle=marked, guard=False, progress=False)
    (path,) = (tmp_path / "out").glob("*/findings.json")
    before = path.read_bytes()
    options = {"classifier": None, "findings": tmp_path / "out", "min_score": 0.6, **QUICK}
    (result,) = analyze(study, tmp_path / "out", **options).studies
    assert "1 of 2 marks" in result.error
    assert path.read_bytes() == before
    assert len(only(analyze(study, tmp_path / "more", **options)).findings) == 1


def test_findings_of_another_scan_are_refused(study: Path, marked: Path, chest: ChestPhantom, tmp_path: Path):
    detect(study, tmp_path / "out", bundle=marked, guard=False, progress=False)
    (path,) = (tmp_path / "out").glob("*/findings.json")
    options = {"classifier": None, **QUICK}
    other = write_nifti(chest.volume, tmp_path / "other.nii")
    (result,) = analyze(other, tmp_path / "more", findings=path, **options).studies
    assert "holds no findings of this series" in result.error
    smaller = dataclasses.replace(chest.volume, array=chest.volume.array[:, :, :50])
    write_nifti(smaller, study)  # the same path, another image
    (result,) = analyze(study, tmp_path / "more", findings=path, **options).studies
    assert "lies elsewhere" in result.error
    with pytest.raises(ValueError, match=r"no findings\.json there"):
        analyze(study, tmp_path / "more", findings=tmp_path, **options)


@pytest.mark.parametrize("case", ["no lungs", "half a lung", "air", "one slice", "border"])
def test_odd_scans_have_an_answer(
    case: str, chest: ChestPhantom, classifier: Path, marking: Callable[..., Path], tmp_path: Path
):
    array, affine = chest.volume.array, chest.volume.affine_lps
    box = (64.0, 56.0, 50.0, 69.0, 61.0, 55.0)
    if case == "no lungs":
        array = np.maximum(array, 0)
    elif case == "half a lung":
        array = array[:48]
        box = (30.0, 56.0, 50.0, 35.0, 61.0, 55.0)
    elif case == "air":
        array = np.full_like(array, -1000)
    elif case == "one slice":
        array, box = array[:, :, 50:51], (64.0, 56.0, 0.0, 69.0, 61.0, 1.0)
    elif case == "border":
        array, box = array[:, :, :56], (30.0, 56.0, 51.0, 35.0, 61.0, 56.0)
    bundle = marking([box], [0.9])
    study = write_nifti(CTVolume(array, affine, SeriesInfo("odd")), tmp_path / "odd.nii")
    summary = analyze(
        study, tmp_path / "out", bundle=bundle, classifier=classifier, risk=None, guard=False, progress=False
    )
    report = only(summary)
    (found,) = report.findings
    assert report.lungs is not None
    assert report.lungs.found == (case in ("half a lung", "one slice", "border"))
    assert found.measurement or found.notes
    if case == "one slice":
        assert any("no type and ratings" in note for note in found.notes)
    else:
        assert found.answer is not None
        assert case != "border" or found.answer.inside < 1.0
    page = (summary.studies[0].page or Path()).read_text()
    assert ("No lungs were found" in page) == (not report.lungs.found)


def test_a_bad_study_does_not_stop_the_rest(
    study: Path, marked: Path, tmp_path: Path, chest: ChestPhantom, capsys: pytest.CaptureFixture[str]
):
    broken = tmp_path / "broken.nii"
    broken.write_bytes(b"no volume")
    command = ["analyze", str(broken), str(study), "-o", str(tmp_path / "out"), "--bundle", str(marked), "--no-guard"]
    assert main([*command, "--classifier", "none", "--risk", "none"]) == 1
    told = capsys.readouterr()
    assert "broken.nii" in told.err
    assert "1 of 2 studies" in told.out


def test_a_wrong_earlier_scan_is_refused_before_the_network_is_asked(study: Path, marked: Path, tmp_path: Path):
    analyze(study, tmp_path / "first", bundle=marked, classifier=None, **QUICK)
    told: dict[str, Any] = {
        "bundle": marked,
        "classifier": None,
        "prior": tmp_path / "first",
        "prior_days": 9.0,
        **QUICK,
    }
    path = marked / "configs" / "common.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("inferer:")]
    path.write_text("\n".join([*lines, "inferer: '$lambda image, network: 1 / 0'"]))
    (failed,) = analyze(study, tmp_path / "second", **told).failed
    assert "very series" in failed.error


def test_a_model_that_fails_costs_its_answer_only(
    study: Path, marked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(volume: CTVolume, findings: Sequence[Finding], detector: ModelInfo) -> ScanRiskAnswer:
        raise ValueError(f"{volume.info.source}: a volume of one slice has no cubes")

    monkeypatch.setattr(study_analyst, "_open_scan_model", lambda *_: refuse)
    report = only(
        analyze(study, tmp_path / "out", bundle=marked, classifier=None, guard=False, progress=False, max_pictures=0)
    )
    assert report.notes[-1] == "left out: the risk of the scan; a volume of one slice has no cubes"
    assert report.findings


def test_marks_and_weights_that_do_not_fit_are_told(classifier: Path, chest: ChestPhantom):
    rater = NoduleRater(classifier)
    inside = tuple(float(value) for value in chest.nodules[0].center_lps_mm)
    answers = rater(chest.volume, [(1e4, 0.0, 0.0), inside, (math.nan, 0.0, 0.0)])
    assert [isinstance(answer, UnratedMark) for answer in answers] == [True, False, True]
    assert rater(chest.volume, []) == []
    empty = dataclasses.replace(chest.volume, array=np.full(chest.volume.array.shape, np.nan, dtype=np.float32))
    (answer,) = rater(empty, [inside])
    assert isinstance(answer, UnratedMark)
    ClassifierFile(learnt=("margin",)).save(classifier / "models" / "classifier.json")
    (answer,) = NoduleRater(classifier)(chest.volume, [inside])
    assert isinstance(answer, NoduleAnswer)
    assert [rating.name for rating in answer.ratings] == ["margin"]
    ClassifierFile(weights_sha256="ab" * 32).save(classifier / "models" / "classifier.json")
    with pytest.raises(BundleError, match="belongs to weights abababababab"):
        NoduleRater(classifier)
    (classifier / "models" / "classifier.json").write_text("{}")
    with pytest.raises(BundleError, match=r"classifier\.json"):
        NoduleRater(classifier)
    with pytest.raises(BundleError, match="no classifier of nodules"):
        NoduleRater("nodule_detector")


@pytest.mark.parametrize(("name", "value"), [("max_pictures", -1), ("min_score", 1.5), ("lungs_margin_mm", -1.0)])
def test_wrong_numbers_are_refused(name: str, value: float, tmp_path: Path):
    with pytest.raises(ValueError, match=name.removeprefix("lungs_")):
        analyze(tmp_path, tmp_path / "out", **{name: value})
