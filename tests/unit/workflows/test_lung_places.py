"""Places of the lungs in a scan: middle, top, and where the scan cuts them."""

from typing import Literal

import numpy as np
import pytest

from lungdet.workflows.lung_places import lung_places

AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])


def lungs() -> np.ndarray:
    """A lung that gets wider downwards: 150 mm high in a scan of 200 mm."""
    labels = np.zeros((40, 30, 40), dtype=np.uint8)
    labels[10:30, 10:15, 5:35] = 1
    labels[10:30, 15:25, 5:20] = 2  # the lower half only
    return labels


@pytest.mark.parametrize("order", ["C", "F"])
def test_by_hand(order: Literal["C", "F"]):
    found = lung_places(np.asarray(lungs(), order=order), AFFINE)
    assert found.middle is not None
    # 150 voxels of a row about y 12 and z 19.5, and as many about y 19.5 and z 12
    assert found.middle == pytest.approx((39.0, 31.5, 78.75))
    assert found.top == pytest.approx((39.0, 24.0, 5 * 34.5))  # upper edge of slice 34
    assert found.cut_at == ()


def test_a_scan_that_ends_lower_moves_the_middle_but_not_the_top():
    whole, part = lung_places(lungs(), AFFINE), lung_places(lungs()[:, :, 15:], AFFINE @ _moved(15))
    assert part.top == whole.top
    assert part.cut_at == ("bottom",)
    assert part.middle is not None
    assert whole.middle is not None
    assert part.middle[2] - whole.middle[2] > 20


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        (np.s_[:, :, :30], ("top",)),
        (np.s_[:, :, 10:30], ("top", "bottom")),
        (np.s_[12:], ("side",)),
        (np.s_[:, :20, 6:], ("bottom", "side")),
    ],
)
def test_borders(index: tuple[slice, ...], wanted: tuple[str, ...]):
    assert lung_places(lungs()[index], AFFINE).cut_at == wanted


def test_axes_may_run_anywhere():
    flipped = lungs()[:, :, ::-1].transpose(2, 0, 1)[:, :, ::-1]
    affine = np.zeros((4, 4))
    affine[2, 0], affine[2, 3] = -5.0, 5.0 * 39
    affine[0, 1] = 2.0
    affine[1, 2], affine[1, 3] = -2.0, 2.0 * 29
    affine[3, 3] = 1.0
    assert lung_places(flipped, affine) == lung_places(lungs(), AFFINE)
    assert lung_places(flipped[:30], affine).cut_at == ("bottom",)


def test_no_lungs_are_nowhere():
    found = lung_places(np.zeros((4, 4, 4), dtype=np.uint8), AFFINE)
    assert (found.middle, found.top, found.cut_at) == (None, None, ())


def _moved(slices: int) -> np.ndarray:
    shift = np.eye(4)
    shift[2, 3] = slices
    return shift
