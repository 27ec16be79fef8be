"""Findings and reports cannot hold nonsense."""

import dataclasses
import math

import pytest

from lungdet.records import DetectionReport, Finding, ModelInfo, SeriesInfo

BOX_MM = (10.0, -20.0, 30.0, 14.0, -11.0, 36.0)
BOX = (1.0, 2.0, 3.0, 5.0, 6.0, 6.0)


def report(findings: tuple[Finding, ...]) -> DetectionReport:
    affine = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    return DetectionReport(SeriesInfo("ct"), (8, 8, 8), affine, findings, ModelInfo("m", "1", ""), "0.1.0")


def test_center_diameter_and_slice_by_hand():
    finding = Finding(BOX_MM, BOX, 0.5)
    assert finding.center_lps_mm == (12.0, -15.5, 33.0)
    assert finding.diameter_mm == pytest.approx(6.0)  # (4 * 9 * 6) ** (1 / 3)
    assert finding.center_slice == 4  # the middle of 3..6 is 4.5, inside voxel 4


@pytest.mark.parametrize("low_high", [(4, 5), (0, 1), (2, 4)])
def test_center_slice_is_a_voxel_of_the_box(low_high: tuple[int, int]):
    low, high = low_high
    assert low <= Finding(BOX_MM, (0, 0, low, 1, 1, high), 0.5).center_slice < high


@pytest.mark.parametrize("name", ["box_lps_mm", "box_voxel"])
@pytest.mark.parametrize(
    "box",
    [(0, 0, 0, 1, 1), (0, 0, 0, 1, math.nan, 1), (0, 0, 0, 1, math.inf, 1), (0, 0, 0, 1, 0, 1), (2, 0, 0, 1, 1, 1)],
)
def test_bad_boxes_are_refused_by_name(name: str, box: tuple[float, ...]):
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(Finding(BOX_MM, BOX, 0.5), **{name: box})


@pytest.mark.parametrize("score", [-0.01, 1.01, math.nan])
def test_bad_scores_are_refused(score: float):
    with pytest.raises(ValueError, match="score"):
        Finding(BOX_MM, BOX, score)


def test_a_report_falls_in_score():
    high, low = Finding(BOX_MM, BOX, 0.9), Finding(BOX_MM, BOX, 0.1)
    assert report((high, low)).findings[0].score == 0.9
    assert report(()).findings == ()
    with pytest.raises(ValueError, match="falling score"):
        report((low, high))
