"""Hits by overlap, in space and in slices."""

import numpy as np
import pytest

from lungdet.metrics import DEEPLESION, ScanMatch, froc, match_boxes

BOX = [0.0, 0.0, 0.0, 4.0, 4.0, 4.0]
HALF = [0.0, 0.0, 0.0, 4.0, 4.0, 2.0]
AWAY = [50.0, 50.0, 50.0, 54.0, 54.0, 54.0]


def test_a_scan_by_hand() -> None:
    match = match_boxes([HALF, BOX, AWAY, [90, 90, 90, 91, 91, 91]], [0.9, 0.6, 0.5, 0.4], [BOX, AWAY, [7] * 6], 0.5)
    assert match.nodule_scores == (0.9, 0.5, -np.inf)
    assert match.false_scores == (0.4,)
    assert (match.nodules, match.marks, match.double_hits, match.on_excluded) == (3, 4, 1, 0)
    assert match.hit_scores == (0.9, 0.5)


def test_the_threshold_itself_is_enough() -> None:
    assert match_boxes([HALF], [0.9], [BOX], 0.5).hit_scores == (0.9,)
    assert match_boxes([HALF], [0.9], [BOX], 0.5001).false_scores == (0.9,)


def test_excluded_findings_are_told_by_the_centre() -> None:
    match = match_boxes([AWAY, BOX], [0.9, 0.8], [BOX], 0.5, [[52, 52, 53], [2, 2, 2]], [-1.0, 4.0])
    assert (match.on_excluded, match.false_scores, match.hit_scores) == (1, (), (0.8,))


def test_the_best_boxes_count() -> None:
    match = match_boxes([BOX, AWAY, AWAY], [0.1, 0.5, 0.4], [BOX], 0.5, max_marks=1)
    assert (match.marks, match.hit_scores, match.false_scores) == (1, (), (0.5,))


def test_slices_and_images_without_boxes() -> None:
    assert match_boxes([[0, 0, 4, 4]], [0.3], [[0, 0, 4, 3]], 0.5, [[9, 9]], [4.0]).hit_scores == (0.3,)
    assert match_boxes([], [], [[0, 0, 4, 3]], 0.5, [[9, 9]], [4.0]).nodule_scores == (-np.inf,)
    assert match_boxes([[0, 0, 4, 4]], [0.3], [], 0.5).false_scores == (0.3,)
    assert match_boxes([], [], [], 0.5) == ScanMatch((), (), marks=0)


def test_labels_follow_the_nodules() -> None:
    match = match_boxes([BOX], [0.9], [BOX, AWAY], 0.5, strata={"readers": [4, 3]})
    assert match.strata == {"readers": ("4", "3")}
    with pytest.raises(ValueError, match="'readers' needs a label for each of 2 nodules, got 1"):
        match_boxes([BOX], [0.9], [BOX, AWAY], 0.5, strata={"readers": [4]})


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="boxes and scores"):
        match_boxes([BOX], [], [BOX], 0.5)
    with pytest.raises(ValueError, match="finite"):
        match_boxes([BOX], [np.inf], [BOX], 0.5)
    with pytest.raises(ValueError, match="excluded findings"):
        match_boxes([[0, 0, 4, 4]], [0.5], [], 0.5, [[1, 2, 3]], [4.0])


def plain_deeplesion(images: list[tuple[np.ndarray, np.ndarray, np.ndarray]], rates: list[float]) -> list[float]:
    """Walk down all boxes of all images by score, as the protocol's text has it, and interpolate."""
    detections = [
        (score, image, box)
        for image, (boxes, scores, _) in enumerate(images)
        for box, score in zip(boxes, scores, strict=True)
    ]
    detections.sort(key=lambda detection: -detection[0])
    claimed, false, points = set(), 0, [(0.0, 0.0)]
    lesions = sum(len(true) for *_, true in images)
    for _, image, box in detections:
        on = []
        for number, true in enumerate(images[image][2]):
            width = min(box[2], true[2]) - max(box[0], true[0])
            height = min(box[3], true[3]) - max(box[1], true[1])
            shared = max(width, 0) * max(height, 0)
            areas = (box[2] - box[0]) * (box[3] - box[1]) + (true[2] - true[0]) * (true[3] - true[1])
            if shared / (areas - shared) >= 0.5:
                on.append((image, number))
        claimed |= set(on)
        false += not on
        points.append((false / len(images), len(claimed) / lesions))
    best: dict[float, float] = {}
    for x, y in points:
        best[x] = max(best.get(x, 0.0), y)
    return np.interp(rates, list(best), list(best.values())).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_deeplesions_protocol_agrees_with_a_walk_through_all_boxes(seed: int) -> None:
    random = np.random.default_rng(seed)
    images = []
    for _ in range(30):
        true = random.uniform(0, 400, (random.integers(0, 4), 2)).repeat(2, axis=0).reshape(-1, 4)
        true[:, 2:] += random.uniform(10, 60, (len(true), 2))
        near = (true + random.normal(0, 6, true.shape)).repeat(3, axis=0)
        near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
        far = random.uniform(0, 400, (random.integers(1, 30), 2)).repeat(2, axis=0).reshape(-1, 4)
        far[:, 2:] += 20
        found = np.concatenate([near, far])
        images.append((found, random.random(len(found)), true))
    matches = [match_boxes(boxes, scores, true, DEEPLESION.min_iou) for boxes, scores, true in images]
    result = froc(matches, protocol="deeplesion")
    wanted = plain_deeplesion(images, list(DEEPLESION.fp_rates))
    np.testing.assert_allclose(result.sensitivities, wanted, atol=1e-12)
    assert result.to_json()["unit"] == "image"
