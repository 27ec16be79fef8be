"""From boxes of the preprocessed image to findings in the patient and in the image as read."""

import numpy as np
import pytest
import torch

from lungdet.detection.findings import make_report
from lungdet.geometry import frames
from lungdet.records import DetectionReport, ModelInfo, SeriesInfo

CT_LPS = np.array([[0.7, 0, 0, -100.0], [0, 0.7, 0, -90.0], [0, 0, 2.0, -300.0], [0, 0, 0, 1]])
SHAPE = (300, 280, 60)


def report(boxes, scores, image_lps=CT_LPS, ct_lps=CT_LPS) -> DetectionReport:
    affines = frames.lps_to_ras(image_lps), frames.lps_to_ras(ct_lps)
    return make_report(boxes, scores, *affines, SHAPE, SeriesInfo("ct"), ModelInfo("m", "1", ""))


def turned(degrees: float, axis: int) -> np.ndarray:
    angle, out = np.deg2rad(degrees), np.eye(4)
    a, b = (i for i in range(3) if i != axis)
    out[[a, b, a, b], [a, b, b, a]] = np.cos(angle), np.cos(angle), -np.sin(angle), np.sin(angle)
    return out


def test_the_same_image_by_hand():
    (finding,) = report(np.array([[10.0, 20, 30, 20, 40, 35]]), [0.25]).findings
    assert finding.box_voxel == (10, 20, 30, 20, 40, 35)
    assert finding.box_lps_mm == pytest.approx((-93.35, -76.35, -241.0, -86.35, -62.35, -231.0))
    assert finding.score == 0.25


def test_a_resampled_and_turned_image_comes_back():
    # RAS orientation reverses LPS x and y; 1 mm steps; voxel 0 is the last column and row as read
    image_lps = np.array([[-1.0, 0, 0, 109.3], [0, -1.0, 0, 105.3], [0, 0, 1.0, -300], [0, 0, 0, 1]])
    (finding,) = report(np.array([[9.5, 9.5, 9.5, 16.5, 16.5, 13.5]]), [0.5], image_lps).findings
    # x: edges at 109.3 - 9 = 100.3 and 93.3 mm -> (100.3 + 100) / 0.7 + 0.5 = 286.6428...
    assert finding.box_voxel == pytest.approx((276.6429, 256.6429, 5.0, 286.6429, 266.6429, 7.0), abs=1e-4)
    assert finding.box_lps_mm == pytest.approx((93.3, 89.3, -291.0, 100.3, 96.3, -287.0), abs=1e-3)


@pytest.mark.parametrize("degrees", [18.5, 45.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_sphere_keeps_its_size_and_place_in_a_turned_scan(degrees: float, axis: int):
    ct_lps = turned(degrees, axis) @ CT_LPS
    box = np.array([[100.0, 100, 20, 110, 110, 23.5]])  # 7 mm on every side
    (finding,) = report(box, [0.5], ct_lps, ct_lps).findings
    assert finding.box_voxel == pytest.approx(box[0])
    assert finding.diameter_mm == pytest.approx(7.0, abs=1e-3)
    center = frames.voxel_to_world(np.array([[104.5, 104.5, 21.25]]), ct_lps)[0]
    assert finding.center_lps_mm == pytest.approx(center, abs=1e-3)


def test_boxes_are_clipped_and_those_outside_dropped():
    boxes = np.array([[-5.0, 270, 50, 5, 290, 70], [-9, 0, 0, -1, 5, 5], [300, 0, 0, 310, 5, 5]])
    (finding,) = report(boxes, [0.5, 0.9, 0.9]).findings
    assert finding.box_voxel == (0, 270, 50, 5, 280, 60)
    assert finding.center_slice == 55
    assert finding.center_lps_mm == pytest.approx((-98.6, 102.15, -191.0))


def test_order_is_by_score_then_place_whatever_the_input_order():
    boxes = np.array([[i, j, 1, i + 5, j + 5, 4] for i in range(4) for j in range(3)], dtype=float)
    scores = np.array([0.5, 0.9, 0.5] * 4)
    expected = report(boxes, scores)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(boxes))
        assert report(boxes[order], scores[order]) == expected
    places = [finding.box_voxel[:2] for finding in expected.findings]
    assert places[:4] == [(0, 1), (1, 1), (2, 1), (3, 1)]
    assert places[4:6] == [(0, 0), (0, 2)]


def test_tensors_of_any_type_are_taken():
    boxes = torch.tensor([[1.0, 2, 3, 4, 5, 6]], dtype=torch.bfloat16, requires_grad=True)
    found = make_report(
        boxes, torch.tensor([1.0]), torch.eye(4), torch.eye(4), (9, 9, 9), SeriesInfo("ct"), ModelInfo("m", "1", "")
    )
    assert found.findings[0].box_voxel == (1, 2, 3, 4, 5, 6)
    assert found.affine_lps[0] == (-1.0, 0.0, 0.0, 0.0)


def test_no_boxes_give_no_findings():
    assert report(torch.empty(0, 6), torch.empty(0)).findings == ()


def test_errors():
    with pytest.raises(ValueError, match="2 boxes, but 1 scores"):
        report(np.ones((2, 6)), [0.5])
    with pytest.raises(ValueError, match="score"):
        report(np.array([[0.0, 0, 0, 1, 1, 1]]), [1.5])
