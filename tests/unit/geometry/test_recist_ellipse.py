import numpy as np
import pytest

from lungdet.geometry.recist_ellipse import recist_ellipse_mask

LEVEL = np.array([[20.0, 50.0], [80.0, 50.0], [50.0, 35.0], [50.0, 65.0]])  # half axes 30 and 15 around (50, 50)


def turned(mark: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return (mark - 50) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + 50


def test_whole_ellipse_is_the_textbook_one():
    x, y = np.meshgrid(np.arange(100) + 0.5, np.arange(90) + 0.5, indexing="ij")
    expected = ((x - 50) / 30) ** 2 + ((y - 50) / 15) ** 2 <= 1
    assert np.array_equal(recist_ellipse_mask(LEVEL, (100, 90)), expected)


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 133])
@pytest.mark.parametrize("crossing", [(50.0, 50.0), (30.0, 40.0), (72.0, 61.0)])
def test_area_holds_for_quarters_and_turns(degrees, crossing):
    mark = LEVEL.copy()
    mark[2:, 0], mark[:2, 1] = crossing
    area = recist_ellipse_mask(turned(mark, degrees), (100, 100)).sum()
    assert area == pytest.approx(np.pi * 30 * 15, rel=0.02)  # four quarters with arms that sum to the axes


def test_ends_lie_on_the_outline():
    generator = np.random.default_rng(0)
    for _ in range(50):
        along, across = generator.uniform(0.2, 0.8, 2)
        mark = turned(np.array([[20, 50 + 30 * (across - 0.5)], [80, 50 + 30 * (across - 0.5)],
                                [20 + 60 * along, 35], [20 + 60 * along, 65]]), generator.uniform(0, 180))  # fmt: skip
        crossing = mark[0] + along * (mark[1] - mark[0])
        for end in mark:
            inside, outside = crossing + (end - crossing) * 0.9, crossing + (end - crossing) * 1.1
            mask = recist_ellipse_mask(mark, (100, 100))
            assert mask[tuple(np.floor(inside).astype(int))]
            assert not mask[tuple(np.floor(outside).astype(int))] or np.abs(end - crossing).max() < 12


def test_order_of_ends_and_axes_does_not_matter():
    mark = turned(LEVEL + [[0, 0], [0, 0], [8, 0], [8, 0]], 30)
    expected = recist_ellipse_mask(mark, (100, 100))
    assert np.array_equal(recist_ellipse_mask(mark[[1, 0, 3, 2]], (100, 100)), expected)
    assert np.array_equal(recist_ellipse_mask(mark[[2, 3, 0, 1]], (100, 100)), expected)


@pytest.mark.parametrize(
    ("mark", "pixels"),
    [
        ([[3.5, 3.5]] * 4, 1),  # nothing but a point
        ([[2.0, 3.5], [6.0, 3.5], [4.0, 3.5], [4.0, 3.5]], 4),  # a line
        ([[2.0, 3.5], [6.0, 3.5], [2.0, 5.5], [6.0, 5.5]], 12),  # parallel
        ([[2.0, 3.5], [6.0, 3.5], [4.0, 5.0], [4.0, 7.0]], 4),  # apart
    ],
)
def test_degenerate_marks_still_cover_something(mark, pixels):
    assert recist_ellipse_mask(mark, (10, 10)).sum() == pixels


def test_marks_may_leave_the_image():
    assert recist_ellipse_mask(LEVEL, (40, 200)).sum() < recist_ellipse_mask(LEVEL, (100, 200)).sum()
    assert recist_ellipse_mask(LEVEL + 500, (100, 90)).sum() == 0


@pytest.mark.parametrize("mark", [np.zeros((3, 2)), np.full((4, 2), np.nan)])
def test_no_mark(mark):
    with pytest.raises(ValueError, match=r"\(4, 2\) finite"):
        recist_ellipse_mask(mark, (4, 4))
