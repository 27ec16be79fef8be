"""Where the labels of many boxes go in a picture, so that none hides another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from .planes import Rectangle

_GAPS_PX = (3, 8, 14, 22, 32, 44, 58, 74, 92)
_TURNS = 24
_SEARCHED = 30  # boxes; the time of a search grows with their cube, and a picture with more is crowded anyhow
_HIDES_LABEL, _CROSSES, _HIDES_BOX = 50.0, 200.0, 2.0  # of a pixel, of a line, of a pixel; a pixel's way costs 1
Leader = tuple[float, float, float, float]  # (x, y) at the box, (x, y) at the label


def place_labels(
    boxes: Sequence[Rectangle],
    sizes: Sequence[tuple[float, float]],
    taken: Sequence[Rectangle],
    width: int,
    height: int,
) -> list[Rectangle]:
    """Place a label near each box, greedily: the first box chooses first, and nearer is better.

    A place costs its distance, the labels and boxes that it hides, and the leader lines that it or its own leader line
    crosses. Where there is no room at all, the cheapest place is taken. After the first 30, labels stand
    to the right of their boxes, whatever is there.

    Args:
        boxes: in pixels of the picture.
        sizes: ``(width, height)`` of each label.
        taken: what no label may hide, such as letters at the rim.
        width: of the picture.
        height: of the picture.

    Returns:
        A rectangle for each label.

    Example:
        >>> place_labels([(10, 10, 20, 20)], [(12, 8)], [], 100, 100)
        [(23.0, 11.0, 35.0, 19.0)]
    """
    places: list[Rectangle] = []
    leaders: list[Leader] = []
    frame = (0.0, 0.0, float(width), float(height))
    for box, size in zip(boxes, sizes, strict=True):
        if len(places) >= _SEARCHED:
            places.append(next(_candidates(box, *size, _GAPS_PX[0])))
            continue
        others = [other for other in boxes[:_SEARCHED] if other != box]
        best, least = box, math.inf
        for gap in _GAPS_PX:
            if least <= gap:  # whatever is farther off costs more than that
                break
            for place in _candidates(box, *size, gap):
                cost = _cost(leader(box, place), place, frame, others, [*places, *taken], leaders)
                best, least = (place, cost) if cost < least else (best, least)
        places.append(best)
        leaders.append(leader(box, best))
    return places


def _cost(
    line: Leader,
    place: Rectangle,
    frame: Rectangle,
    boxes: Sequence[Rectangle],
    labels: Sequence[Rectangle],
    leaders: Sequence[Leader],
) -> float:
    hidden = sum(_overlap(place, other) for other in labels)
    boxed = sum(_overlap(place, other) for other in boxes)
    cut = (place[2] - place[0]) * (place[3] - place[1]) - _overlap(place, frame)
    crossed = sum(_meets(place, other) or _cross(line, other) for other in leaders)
    crossed += sum(_meets(other, line) for other in (*labels, *boxes))
    length = math.dist(line[:2], line[2:])
    return length + _HIDES_LABEL * (hidden + cut) + _HIDES_BOX * boxed + _CROSSES * crossed


def leader(box: Rectangle, place: Rectangle) -> Leader:
    """Return the shortest line between a box and its label.

    Example:
        >>> leader((0, 0, 10, 10), (20, 4, 30, 8))
        (10.0, 6.0, 20.0, 6.0)
    """
    x0, x1 = _nearest(box[0], box[2], place[0], place[2])
    y0, y1 = _nearest(box[1], box[3], place[1], place[3])
    return x0, y0, x1, y1


def _candidates(box: Rectangle, width: float, height: float, gap: float) -> Iterator[Rectangle]:
    """Places at a distance around a box, beginning at its right."""
    middle_x, middle_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half_x, half_y = (box[2] - box[0] + width) / 2 + gap, (box[3] - box[1] + height) / 2 + gap
    for turn in range(_TURNS):
        along, down = math.cos(2 * math.pi * turn / _TURNS), math.sin(2 * math.pi * turn / _TURNS)
        reach = 1 / max(abs(along), abs(down))  # on the outline of a rectangle, not on an ellipse
        left = middle_x + half_x * along * reach - width / 2
        top = middle_y + half_y * down * reach - height / 2
        yield left, top, left + width, top + height


def _nearest(low: float, high: float, other_low: float, other_high: float) -> tuple[float, float]:
    """Nearest points of two intervals; the middle of what they share."""
    if other_low >= high:
        return float(high), float(other_low)
    if other_high <= low:
        return float(low), float(other_high)
    middle = (max(low, other_low) + min(high, other_high)) / 2
    return middle, middle


def _overlap(one: Rectangle, other: Rectangle) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)


def _meets(place: Rectangle, line: Leader) -> bool:
    """Whether a line runs through a rectangle, by the points of it."""
    x0, y0, x1, y1 = line
    if max(x0, x1) <= place[0] or min(x0, x1) >= place[2] or max(y0, y1) <= place[1] or min(y0, y1) >= place[3]:
        return False
    parts = (step / 12 for step in range(13))
    points = ((x0 + (x1 - x0) * part, y0 + (y1 - y0) * part) for part in parts)
    return any(place[0] < x < place[2] and place[1] < y < place[3] for x, y in points)


def _cross(one: Leader, other: Leader) -> bool:
    return _sides(one, other) < 0 and _sides(other, one) < 0


def _sides(line: Leader, other: Leader) -> float:
    """Negative where the ends of ``other`` lie on two sides of ``line``."""
    x, y = line[2] - line[0], line[3] - line[1]
    first = x * (other[1] - line[1]) - y * (other[0] - line[0])
    second = x * (other[3] - line[1]) - y * (other[2] - line[0])
    return first * second
