"""Outlines to pixels: by hand, by Pick's theorem, and against matplotlib's and scipy's ways of filling."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from lungdet.geometry.contours import (
    contour_boundary,
    contour_interior,
    contour_with_boundary,
)

DIAMOND = np.array([[2, 0], [4, 2], [2, 4], [0, 2]])


def test_hand_worked_diamond():
    # .  .  o  .  .
    # .  o  x  o  .
    # o  x  x  x  o
    # .  o  x  o  .
    # .  .  o  .  .
    assert contour_interior(DIAMOND).tolist() == [[2, 1], [1, 2], [2, 2], [3, 2], [2, 3]]
    assert len(contour_boundary(DIAMOND)) == 8  # with the four between the corners


def test_hand_worked_steps_in_columns_and_rows():
    outline = np.array([[10, 20], [14, 20], [14, 22], [12, 22], [12, 25], [10, 25]])  # an L, corner at the top left
    assert contour_interior(outline).tolist() == [[11, 21], [12, 21], [13, 21], [11, 22], [11, 23], [11, 24]]


def test_closing_point_and_direction_do_not_matter():
    for points in (DIAMOND[::-1], np.roll(DIAMOND, 1, axis=0), np.concatenate([DIAMOND, DIAMOND[:1]])):
        assert np.array_equal(contour_interior(points), contour_interior(DIAMOND))


def test_outline_that_touches_itself_leaves_out_the_touch():
    # Two squares that share the pixel (4, 4): the loops fill, the touch and the outline do not.
    outline = np.array([[0, 0], [4, 0], [4, 4], [8, 4], [8, 8], [4, 8], [4, 4], [0, 4]])
    assert len(contour_interior(outline)) == 9 + 9


def test_spike_encloses_nothing():
    spike = np.array([[0, 0], [4, 0], [4, 4], [9, 4], [4, 4], [0, 4]])
    assert len(contour_interior(spike)) == 9
    assert [9, 4] in contour_boundary(spike).tolist()


@pytest.mark.parametrize("points", [[[5, 7]], [[5, 7], [6, 7]], [[5, 7], [6, 8], [5, 7]], [[0, 0], [1, 0], [0, 1]]])
def test_too_small_to_enclose_a_pixel(points):
    assert contour_interior(np.array(points)).shape == (0, 2)


@pytest.mark.parametrize("points", [np.empty((0, 2), int), np.zeros((3, 3), int), np.zeros((3, 2))])
def test_what_is_no_outline_is_refused(points):
    with pytest.raises(ValueError, match="whole pixels"):
        contour_interior(points)


def star(seed: int, corners: int, size: int) -> np.ndarray:
    """A polygon with whole corners that does not cross itself: corners by angle around a centre."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = rng.uniform(0.3, 1.0, corners) * size
    return np.rint(size + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(int)


def crosses_itself(points: np.ndarray) -> bool:
    """Corners were rounded, which may make edges touch; Pick's theorem needs a simple polygon."""
    edges = list(zip(points.tolist(), np.roll(points, -1, axis=0).tolist(), strict=True))

    def side(a, b, c):
        return np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    def on(a, b, c):
        return (
            side(a, b, c) == 0
            and min(a[0], b[0]) <= c[0] <= max(a[0], b[0])
            and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
        )

    for i, (a, b) in enumerate(edges):
        for j, (c, d) in enumerate(edges):
            apart = abs(i - j) not in (0, 1, len(edges) - 1)
            if apart and (on(a, b, c) or (side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b))):
                return True
        if on(a, b, edges[(i + 1) % len(edges)][1]) or a == b:
            return True
    return False


@given(st.integers(0, 10**6), st.integers(3, 12), st.integers(3, 25))
@settings(max_examples=150, deadline=None)
def test_picks_theorem(seed, corners, size):
    points = star(seed, corners, size)
    assume(not crosses_itself(points))
    x, y = points.T.astype(float)
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert len(contour_interior(points)) == area - len(contour_boundary(points)) / 2 + 1


@given(st.integers(0, 10**6), st.integers(3, 12), st.integers(3, 25))
@settings(max_examples=100, deadline=None)
def test_matplotlib_agrees(seed, corners, size):
    path = pytest.importorskip("matplotlib.path")
    points = star(seed, corners, size)
    inside = contour_with_boundary(points)
    grid = np.stack(np.meshgrid(np.arange(2 * size + 2), np.arange(2 * size + 2)), axis=-1).reshape(-1, 2)
    apart = grid[~(grid[:, None] == contour_boundary(points)[None]).all(axis=2).any(axis=1)]
    assume(not crosses_itself(points))  # matplotlib winds, we count even and odd
    theirs = apart[path.Path(np.concatenate([points, points[:1]])).contains_points(apart)]
    assert {tuple(p) for p in theirs.tolist()} == {tuple(p) for p in contour_interior(points).tolist()}
    assert len(inside) == len(theirs) + len(contour_boundary(points))


@pytest.mark.parametrize("radius", [1, 2, 5, 11.5])
def test_outline_around_a_disc_gives_the_disc_back(radius):
    """Draw as LIDC's readers did, just outside; scipy finds the ring and fills it."""
    y, x = np.mgrid[0:40, 0:40]
    disc = (x - 20) ** 2 + (y - 18) ** 2 <= radius**2
    ring = ndimage.binary_dilation(disc) & ~disc  # 4-neighbours: an 8-connected chain
    angle = np.arctan2(y[ring] - 18, x[ring] - 20)
    outline = np.stack([x[ring], y[ring]], axis=1)[np.argsort(angle)]
    filled = np.zeros_like(disc)
    column, row = contour_interior(outline).T
    filled[row, column] = True
    assert np.array_equal(filled, ndimage.binary_fill_holes(ring) & ~ring)
    assert np.array_equal(filled, disc)


def test_an_outline_that_runs_round_often_counts_even_and_odd():
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]])
    assert [len(contour_interior(np.tile(square, (turns, 1)))) for turns in (1, 2, 255, 256, 257)] == [9, 0, 9, 0, 9]
