import numpy as np

from lungdet.lesions.repeats import group_repeats, overlap_in_series
from lungdet.records import MeasuredLesion


def mark(
    key: str, study: int = 1, series: int = 1, center: tuple[float, float, float] | None = None, long: float = 10.0
) -> MeasuredLesion:
    return MeasuredLesion(key, "p", study, series, "lung", long, 8.0, center_mm=center)


def test_slices_of_one_series_are_told_by_position():
    a, near, beside = mark("a", center=(0, 0, 0)), mark("b", center=(4, 0, 5)), mark("c", center=(5, 0, 0))
    above = mark("d", center=(0, 0, 5.1))
    assert overlap_in_series(a, near)  # radius 4.5
    assert not overlap_in_series(a, beside)
    assert not overlap_in_series(a, above)
    assert overlap_in_series(a, mark("e")) is None


def test_distance_does_not_count_within_a_series():
    marks = [mark("a", center=(0, 0, 0)), mark("b", center=(90, 0, 0)), mark("c", center=(1, 0, 0))]
    assert group_repeats(marks, np.zeros((3, 3)), 0.1) == [(0, 2), (1,)]
    assert group_repeats(marks, np.full((3, 3), 9.0), 0.1) == [(0, 2), (1,)]


def test_other_series_are_told_by_distance():
    marks = [mark("a", series=1), mark("b", series=2), mark("c", series=3), mark("d", study=2)]
    far = np.full((4, 4), 0.5)
    far[0, 1] = far[1, 0] = far[0, 3] = far[3, 0] = 0.1  # the fourth is of another study
    assert group_repeats(marks, far, 0.3) == [(0, 1), (2,), (3,)]
    assert group_repeats(marks, far, 0.0) == [(0,), (1,), (2,), (3,)]


def test_equal_sizes_make_surer():
    far = np.full((2, 2), 0.449)
    assert group_repeats([mark("a"), mark("b", series=2, long=12.0)], far, 0.3) == [(0, 1)]
    assert group_repeats([mark("a"), mark("b", series=2, long=12.1)], far, 0.3) == [(0,), (1,)]
    assert group_repeats([mark("a"), mark("b", series=2)], far + 0.01, 0.3) == [(0,), (1,)]
    one_axis = MeasuredLesion("c", "p", 1, 2, "lung", 9.0)
    assert group_repeats([mark("a"), one_axis], far, 0.3) == [(0, 1)]


def test_much_larger_marks_at_one_place_are_other_lesions():
    near = np.zeros((2, 2))
    assert group_repeats([mark("a"), mark("b", series=2, long=20.0)], near, 0.3) == [(0, 1)]
    assert group_repeats([mark("a"), mark("b", series=2, long=20.1)], near, 0.3) == [(0,), (1,)]


def test_a_row_of_neighbours_is_not_one_lesion():
    marks = [mark(str(n), series=n) for n in range(3)]
    far = np.array([[0, 0.2, 0.9], [0.2, 0, 0.1], [0.9, 0.1, 0]])
    assert group_repeats(marks, far, 0.3) == [(0,), (1, 2)]


def test_no_marks():
    assert group_repeats([], np.zeros((0, 0)), 1.0) == []
