"""From a CT and what was found in it to answers, and back into the file."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from lungdet.engines import FindingAnswersSaver
from lungdet.geometry.frames import lps_to_ras
from lungdet.lesions import ClassifierFile, MarkCalibration, NoduleAnswers
from lungdet.records import DetectionReport, Finding, ModelInfo, SeriesInfo
from lungdet.reports import FindingsFileError, read_json, write_json
from lungdet.transforms import CutFoundCubesd

SHAPE = (60, 50, 40)
AFFINE = np.array([[1.0, 0, 0, -30], [0, 1, 0, -25], [0, 0, 2, 100], [0, 0, 0, 1]])


def finding(center: tuple[float, float, float], score: float) -> Finding:
    box = tuple(np.concatenate([np.array(center) - 3, np.array(center) + 3]).tolist())
    return Finding(box, (1, 1, 1, 7, 7, 7), score)  # type: ignore[arg-type]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    series = SeriesInfo("phantom")
    found = (finding((0, 0, 140), 0.9), finding((-25, -20, 104), 0.5), finding((20, 20, 170), 0.4))
    affine = tuple(tuple(map(float, row)) for row in AFFINE)
    report = DetectionReport(series, SHAPE, affine, found, ModelInfo("detector", "1", ""), "0")  # type: ignore[arg-type]
    write_json(tmp_path / "findings.json", report)
    return tmp_path / "findings.json"


def ct(**changes: Any) -> MetaTensor:
    x, y, z = np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij")
    lps = np.stack([x, y, z, np.ones_like(x)], axis=-1) @ AFFINE.T
    hu = torch.tensor(lps[..., 0] + 2 * lps[..., 1] - lps[..., 2], dtype=torch.float32)  # a linear field in LPS mm
    return MetaTensor(hu[None], affine=torch.as_tensor(lps_to_ras(changes.get("affine", AFFINE))))


def test_each_finding_gets_the_cube_about_it(written: Path) -> None:
    items = CutFoundCubesd()({"image": ct(), "findings": written})
    assert [item["finding"] for item in items] == [0, 1, 2]
    middle = items[0]["image"][0, 23:25, 23:25, 23:25].mean()
    assert float(middle) == pytest.approx(-140, abs=0.01)
    assert items[0]["center_lps_mm"].tolist() == [0, 0, 140]
    assert items[0]["inside"] > items[1]["inside"] > 0.1


def test_a_finding_in_broken_voxels_is_left_out(written: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = ct()
    broken[0, 59, 49, 39] = float("nan")
    items = CutFoundCubesd()({"image": broken, "findings": written})
    assert [item["finding"] for item in items] == [0, 1]
    assert "has no cube" in caplog.text


def test_findings_of_another_image(written: Path) -> None:
    with pytest.raises(ValueError, match="another image"):
        CutFoundCubesd()({"image": ct(affine=AFFINE + np.eye(4, 4, 3)), "findings": written})
    with pytest.raises(ValueError, match="another image"):
        CutFoundCubesd()({"image": ct()[:, :50], "findings": written})


def test_no_findings_file(tmp_path: Path) -> None:
    (tmp_path / "findings.json").write_text("{}")
    with pytest.raises(FindingsFileError, match=r"findings\.json"):
        CutFoundCubesd()({"image": ct(), "findings": tmp_path / "findings.json"})


def test_answers_go_to_their_findings(written: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    (tmp_path / "metadata.json").write_text('{"name": "kind", "version": "2"}')
    out = tmp_path / "out"
    noted = read_json(written)
    found = (replace(noted.findings[0], notes=("no type and ratings: dark", "not measured: why")),) + tuple(
        replace(each, notes=("no type and ratings: dark",)) for each in noted.findings[1:]
    )
    left_out = "left out: type, ratings and probability of a nodule; nobody asked for it"
    write_json(written, replace(noted, findings=found, notes=("kept", left_out)))
    saver = FindingAnswersSaver(out, written, NoduleAnswers(), tmp_path / "model.pt", tmp_path / "metadata.json")
    logits = torch.zeros(2, 33)
    logits[0, 0], logits[1, 4] = 3.0, 9.0
    items = [{"finding": 2, "inside": 0.5}, {"finding": 0, "inside": 1.0}]
    saver.add(SimpleNamespace(state=SimpleNamespace(batch=[items], output={"pred": logits})))  # type: ignore[arg-type]
    report, before = read_json(saver.write(None)), read_json(written)  # type: ignore[arg-type]
    first, second, third = (found.answer for found in report.findings)
    assert first is not None
    assert first.kind == "calcified"
    assert second is None
    assert third is not None
    assert (third.nodule, third.inside) == (pytest.approx(1 / (1 + np.exp(-3))), 0.5)
    assert [found.box_lps_mm for found in report.findings] == [found.box_lps_mm for found in before.findings]
    assert report.model == before.model
    assert [(model.name, model.version) for model in report.models] == [("kind", "2")]
    unsure = NoduleAnswers().notes(report.model.weights_sha256)
    assert (report.notes, report.findings[0].notes) == (("kept", *unsure), ("not measured: why",))
    assert report.findings[1].notes == ("no type and ratings: dark",)
    again = FindingAnswersSaver(out, out / "findings.json", NoduleAnswers(), saver.checkpoint, saver.metadata)
    assert len(read_json(again.write(None)).models) == 1  # type: ignore[arg-type]


def test_answers_are_those_for_people(written: Path, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"weights")
    (tmp_path / "metadata.json").write_text('{"name": "kind", "version": "2"}')
    given, fitted = read_json(written), MarkCalibration(1.0, -1.0, 0.3, "ab" * 32)
    write_json(written, replace(given, model=replace(given.model, weights_sha256="ab" * 32)))
    ClassifierFile(learnt=("margin",), on_marks=fitted).save(tmp_path / "classifier.json")
    answers = NoduleAnswers(tmp_path / "classifier.json")
    saver = FindingAnswersSaver(tmp_path, written, answers, tmp_path / "model.pt", tmp_path / "metadata.json")
    state = SimpleNamespace(batch=[{"finding": 0, "inside": 1.0}], output={"pred": torch.zeros(1, 33)})
    for _ in range(2):  # the second time over its own file
        saver.add(SimpleNamespace(state=state))  # type: ignore[arg-type]
        report = read_json(saver.write(None))  # type: ignore[arg-type]
        answer = report.findings[0].answer
        assert answer is not None
        assert answer.nodule == pytest.approx(1 / (1 + np.e))
        assert [rating.name for rating in answer.ratings] == ["margin"]
        assert report.notes == answers.notes("ab" * 32)
        assert len(report.notes) == 2
