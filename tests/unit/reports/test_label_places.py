"""Labels of boxes: none hides another, near where there is room, with a line where there is not."""

import random

import pytest

from lungdet.reports.label_places import leader, place_labels

Rectangle = tuple[float, float, float, float]


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_a_lone_label_is_at_the_right_by_hand():
    assert place_labels([(10, 10, 20, 20)], [(12, 8)], [], 100, 100) == [(23.0, 11.0, 35.0, 19.0)]


def test_at_the_rim_it_turns_inward():
    ((left, top, right, bottom),) = place_labels([(85, 10, 95, 20)], [(12, 8)], [], 100, 100)
    assert min(left, top) >= 0
    assert max(right, bottom) <= 100


@pytest.mark.parametrize("seed", range(3))
def test_no_label_hides_another_or_a_box(seed: int):
    draw = random.Random(seed)
    corners = [(draw.uniform(140, 500), draw.uniform(60, 420)) for _ in range(30)]
    boxes = [(x, y, x + 12.0, y + 12.0) for x, y in corners]
    letters = [(0.0, 270.0, 24.0, 294.0)]
    places = place_labels(boxes, [(26.0, 18.0)] * 30, letters, 640, 560)
    for rank, place in enumerate(places):
        assert not any(overlap(place, other) for other in (*places[:rank], *letters)), rank
        assert not overlap(place, boxes[rank])


def test_the_same_place_many_times_gets_as_many_labels():
    places = place_labels([(300.0, 300.0, 310.0, 310.0)] * 9, [(20.0, 18.0)] * 9, [], 640, 640)
    assert not any(overlap(one, other) for rank, one in enumerate(places) for other in places[:rank])


def test_without_any_room_there_is_an_answer():
    assert len(place_labels([(0, 0, 4, 4)] * 3, [(20, 18)] * 3, [], 8, 8)) == 3
    assert place_labels([], [], [], 8, 8) == []


def test_after_thirty_a_label_stands_beside_its_box():
    boxes = [(300.0, 300.0, 310.0, 310.0)] * 40
    assert place_labels(boxes, [(20, 18)] * 40, [], 640, 640)[30:] == [(313.0, 296.0, 333.0, 314.0)] * 10


def test_leaders_by_hand():
    assert leader((0, 0, 10, 10), (20, 4, 30, 8)) == (10.0, 6.0, 20.0, 6.0)
    assert leader((0, 0, 10, 10), (-9, 14, -4, 18)) == (0.0, 10.0, -4.0, 14.0)
