"""A scan and its findings become a probability, or a clear refusal."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.engines.write_bundle import with_settings
from lungdet.networks.nets import NoduleClassifier, ScanRisk
from lungdet.records import CTVolume, Finding, ModelInfo, SeriesInfo
from lungdet.workflows import BundleError, CandidateEmbedder, ScanRiskModel, classifier_network

BUNDLES = Path(__file__).resolve().parents[3] / "bundles"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier's bundle with random weights."""
    root = tmp_path_factory.mktemp("classifier") / "nodule_classifier"
    shutil.copytree(BUNDLES / "nodule_classifier" / "configs", root / "configs")
    (root / "models").mkdir()
    torch.manual_seed(0)
    torch.save(NoduleClassifier().state_dict(), root / "models" / "model.pt")
    return root


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of scan risk with random weights, for any classifier."""
    root = tmp_path_factory.mktemp("risk") / "scan_risk"
    shutil.copytree(BUNDLES / "scan_risk" / "configs", root / "configs")
    common = (root / "configs" / "common.yaml").read_text()
    (root / "configs" / "common.yaml").write_text(with_settings(common, {"classifier_sha256": "", "label_means": ""}))
    (root / "models").mkdir()
    torch.manual_seed(1)
    network = ScanRisk(97, hidden_channels=16)
    torch.nn.init.normal_(network.answer.weight)
    torch.save(network.state_dict(), root / "models" / "model.pt")
    return root


@pytest.fixture(scope="module")
def model(bundle: Path, classifier: Path) -> ScanRiskModel:
    return ScanRiskModel(bundle, "cpu", classifier)


def volume() -> CTVolume:
    hu = np.random.default_rng(0).integers(-1000, 100, (60, 60, 60)).astype(np.int16)
    return CTVolume(hu, np.eye(4), SeriesInfo("made"))


def finding(corner: float, score: float) -> Finding:
    box = (corner, corner, corner, corner + 8, corner + 8, corner + 8)
    return Finding(box, box, score)


def test_findings_in_any_order_give_one_answer(model: ScanRiskModel):
    findings = [finding(5.0 * place, 0.9 - 0.1 * place) for place in range(8)]
    answer = model(volume(), findings)
    assert answer == model(volume(), findings[::-1])
    assert answer.candidates == model.top == 6
    assert 0 < answer.probability < 1
    assert answer == model(volume(), findings[:6])  # those beyond the top do not count
    assert answer.probability != model(volume(), findings[:1]).probability


def test_a_scan_without_findings_has_an_answer(model: ScanRiskModel):
    answer = model(volume(), [])
    assert answer.candidates == 0
    assert answer.probability == pytest.approx(model.network.leak.sigmoid().item(), abs=1e-6)
    assert "every scan without any" in answer.notes[0]
    assert model(volume(), [finding(5, 0.001)]) == answer  # below the least score


def test_marks_of_another_detector_are_judged_with_a_note(bundle: Path, classifier: Path):
    model = ScanRiskModel(bundle, "cpu", classifier, {"detector_sha256": "ab" * 32})
    same, other = (ModelInfo("a detector", "1", digest * 32) for digest in ("ab", "cd"))
    answer = model(volume(), [finding(5, 0.5)], same)
    assert answer.notes == ()
    told = model(volume(), [finding(5, 0.5)], other)
    (note,) = told.notes
    assert (
        note == "the marks are of a detector of other weights (cdcdcdcdcdcd) than those it learnt from (abababababab)"
    )
    assert told.probability == answer.probability
    assert model(volume(), [finding(5, 0.5)]).notes == ()  # nobody says whose they are
    assert note in model(volume(), [], other).notes
    anyones = ScanRiskModel(bundle, "cpu", classifier, {"detector_sha256": ""})
    assert anyones(volume(), [finding(5, 0.5)], other).notes == ()


def test_what_the_label_is_goes_with_every_answer(bundle: Path, classifier: Path):
    model = ScanRiskModel(bundle, "cpu", classifier, {"label_means": "a rule of ours"})
    for findings in ([], [finding(5, 0.5)]):
        assert model(volume(), findings).notes[-1] == "the label: a rule of ours"


def test_a_mark_at_the_border_is_judged(model: ScanRiskModel):
    assert model(volume(), [finding(-4.0, 0.5)]).candidates == 1


def test_a_mark_outside_the_scan_costs_itself_only(model: ScanRiskModel):
    findings = [finding(5.0 * place, 0.9 - 0.1 * place) for place in range(7)]
    answer = model(volume(), [finding(500.0, 0.95), *findings])
    assert answer.probability == model(volume(), findings).probability
    assert answer.candidates == 6  # the next one takes its place
    (note,) = answer.notes
    assert note.startswith("a mark was passed over: the mark [504.0, 504.0, 504.0] mm (LPS) lies outside")
    with pytest.raises(ValueError, match="outside"):
        model(volume(), [finding(500.0, 0.95)])


def test_voxels_that_are_no_numbers_are_refused(model: ScanRiskModel):
    broken = CTVolume(np.full((60, 60, 60), np.nan, np.float32), np.eye(4), SeriesInfo("made"))
    with pytest.raises(ValueError, match="finite"):
        model(broken, [finding(20, 0.5)])
    flat = CTVolume(np.zeros((60, 60, 1), np.int16), np.eye(4), SeriesInfo("made"))
    with pytest.raises(ValueError, match="the scan has one slice, and a cube needs several"):
        model(flat, [finding(20, 0.5)])


def test_the_features_are_vectors_and_answers(classifier: Path):
    embed, cubes = CandidateEmbedder(classifier, "cpu"), torch.full((2, 48, 48, 48), -300.0)
    found, network = embed(cubes), classifier_network(classifier).eval()
    with torch.no_grad():
        half = torch.full((2, 1, 48, 48, 48), 0.5)
        assert torch.allclose(found, torch.cat([network.embed(half), network(half)], dim=1), atol=1e-5)
    assert embed(cubes[:0]).shape == (0, 97)


def test_absent_weights_and_wrong_bundles_are_told(bundle: Path, classifier: Path, tmp_path: Path):
    bare = tmp_path / "bare"
    shutil.copytree(classifier, bare)
    (bare / "models" / "model.pt").unlink()
    with pytest.raises(BundleError, match="no weights there"):
        ScanRiskModel(bundle, "cpu", bare, {"classifier_sha256": "0" * 64})
    with pytest.raises(BundleError, match="classifier of other weights"):
        ScanRiskModel(bundle, "cpu", classifier, {"classifier_sha256": "0" * 64})
    with pytest.raises(BundleError, match="no such bundle"):
        ScanRiskModel(tmp_path / "nothing")
    with pytest.raises(BundleError, match="is no nodule classifier"):
        classifier_network(bundle)
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] == [97 + 2]
