"""Marks far from the lungs are dropped where that is asked for, and never all of them for want of lungs."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from lungdet import workflows
from lungdet.cli import main
from lungdet.geometry import frames
from lungdet.records import CTVolume, SeriesInfo
from lungdet.workflows import DetectSummary, detect, many_studies
from lungdet.workflows.lung_filter import LungFilter

SPACING = (4.0, 4.0, 8.0)


def box_chest() -> torch.Tensor:
    """Two lungs in a block of tissue, 4 x 4 x 8 mm."""
    hu = torch.full((1, 80, 60, 30), -1000.0)
    hu[:, 5:75, 5:55] = 40.0
    hu[:, 10:35, 10:50, 3:27] = -850.0
    hu[:, 45:70, 10:50, 3:27] = -850.0
    return hu


def study(hu: torch.Tensor) -> dict[str, object]:
    """An item whose image is the scan turned upside down on a grid of 2 mm, with marks in it."""
    affine = np.diag([*SPACING, 1.0])
    info = SeriesInfo(source="made")
    volume = CTVolume(hu[0].numpy(), affine, info)
    ct = MetaTensor(hu, affine=torch.from_numpy(frames.ras_to_lps(affine)), meta={"series": info.to_json()})
    image_lps = np.diag([2.0, 2.0, -2.0, 1.0])
    image_lps[2, 3] = volume.array.shape[2] * 8.0
    image = MetaTensor(torch.zeros(1, 2, 2, 2), affine=torch.from_numpy(frames.ras_to_lps(image_lps)))
    centers_lps = np.array([[90.0, 120, 100], [90, 32, 100], [90, 120, 16 - 30], [310, 120, 100]])
    boxes = frames.boxes_to_voxel(np.hstack([centers_lps - 4, centers_lps + 4]), image_lps)
    return {"ct": ct, "image": image, "pred_box": torch.from_numpy(boxes), "pred_score": torch.arange(4) / 4}


def test_marks_further_than_the_margin_go():
    item = study(box_chest())
    assert LungFilter(10.0)(item)["pred_score"].tolist() == [0.0, 0.25]  # in a lung, and 4 mm before it
    assert LungFilter(0.0)(item)["pred_score"].tolist() == [0.0]
    assert LungFilter(500.0)(item)["pred_score"].tolist() == [0.0, 0.25, 0.5, 0.75]
    assert LungFilter(10.0)(item)["pred_box"].shape == (2, 6)
    assert len(item["pred_score"]) == 4


@pytest.mark.parametrize(("margin_mm", "expected"), [(None, 2), (7.0, 0)])
def test_detect_filters_each_study(
    write_series: Callable[..., SeriesInfo],
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    margin_mm: float | None,
    expected: int,
):
    class DropsAll(LungFilter):
        def __call__(self, item: dict[str, object]) -> dict[str, object]:
            assert self.margin_mm == margin_mm
            return {**item, "pred_box": item["pred_box"][:0], "pred_score": item["pred_score"][:0]}

    write_series("chest", seed=1)
    monkeypatch.setattr(many_studies, "LungFilter", DropsAll)
    options = {"bundle": tiny_bundle, "progress": False, "max_pictures": 0, "guard": False}
    summary = detect(tmp_path / "chest", tmp_path / "out", lungs_margin_mm=margin_mm, **options)
    assert len(summary.studies[0].report.findings) == expected


def test_without_marks_nothing_breaks():
    item = {**study(box_chest()), "pred_box": torch.zeros(0, 6), "pred_score": torch.zeros(0)}
    assert LungFilter(10.0)(item)["pred_box"].shape == (0, 6)


def test_without_lungs_all_marks_stay(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        item = LungFilter(10.0)(study(torch.full((1, 80, 60, 30), -1000.0)))
    assert len(item["pred_score"]) == 4
    assert "no lungs are found, so all marks are kept: no body is seen" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "expected"), [([], None), (["--lungs-only"], 10.0), (["--lungs-only", "25"], 25.0)]
)
def test_the_command_line_asks_for_it(monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: float | None):
    asked: list[float | None] = []
    monkeypatch.setattr(
        workflows, "detect", lambda *_, **options: asked.append(options["lungs_margin_mm"]) or DetectSummary(()),
        raising=False,
    )  # fmt: skip
    assert main(["detect", "scan", "-o", "out", *arguments]) == 0
    assert asked == [expected]


@pytest.mark.parametrize("command", ["detect", "analyze"])
@pytest.mark.parametrize(("arguments", "expected"), [([], {}), (["--whole-scan"], {"crop_to_lungs": False})])
def test_the_whole_scan_is_searched_where_asked_for(
    monkeypatch: pytest.MonkeyPatch, command: str, arguments: list[str], expected: dict[str, bool]
):
    asked: list[dict[str, bool]] = []
    monkeypatch.setattr(
        workflows, command, lambda *_, **options: asked.append(options["overrides"]) or DetectSummary(()),
        raising=False,
    )  # fmt: skip
    assert main([command, "scan", "-o", "out", *arguments]) == 0
    assert asked == [expected]


@pytest.mark.parametrize("margin", ["-1", "nan", "wide"])
def test_bad_margins_are_refused(margin: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["detect", "scan", "-o", "out", f"--lungs-only={margin}"])
    assert "--lungs-only" in capsys.readouterr().err
    with pytest.raises(ValueError, match="margin_mm"):
        LungFilter(-1.0)
