"""Boxes in, near and far from the lungs."""

import numpy as np
import pytest

from lungdet.geometry.near_lungs import near_lungs

SPACING = (1.0, 2.0, 4.0)


@pytest.fixture
def labels() -> np.ndarray:
    mask = np.zeros((40, 40, 20), dtype=np.uint8)
    mask[10:20, 10:20, 5:10] = 2
    return mask


@pytest.mark.parametrize(("axis", "step"), [(0, 1.0), (1, 2.0), (2, 4.0)])
def test_the_margin_is_in_mm_along_each_axis(labels: np.ndarray, axis: int, step: float):
    box = np.array([[12.0, 12.0, 6.0, 14.0, 14.0, 8.0]])
    end = (20, 20, 10)[axis]
    for gap, near in ((1, True), (2, False)):
        moved = box.copy()
        moved[0, axis], moved[0, axis + 3] = end + gap, end + gap + 2
        assert near_lungs(labels, moved, SPACING, margin_mm=1.5 * step).tolist() == [near]


def test_boxes_that_reach_out_and_none_at_all(labels: np.ndarray):
    boxes = np.array([[-50.0, -50, -50, 90, 90, 90], [-9, -9, -9, -5, -5, -5], [60, 60, 60, 70, 70, 70]])
    assert near_lungs(labels, boxes, SPACING).tolist() == [True, False, False]
    assert near_lungs(labels, np.empty((0, 6)), SPACING).shape == (0,)
    assert not near_lungs(np.zeros_like(labels), boxes, SPACING).any()


def test_bad_input_is_refused(labels: np.ndarray):
    with pytest.raises(ValueError, match=r"\(N, 6\)"):
        near_lungs(labels, np.zeros((2, 4)), SPACING)
    with pytest.raises(ValueError, match="margin_mm"):
        near_lungs(labels, np.zeros((1, 6)), SPACING, margin_mm=float("nan"))
