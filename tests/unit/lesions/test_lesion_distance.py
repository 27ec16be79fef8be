import math

import numpy as np
import pytest

from lungdet.lesions import DistanceWeights, lesion_distances
from lungdet.lesions.lesion_distance import TERMS, distance_terms, distances_of_terms, distances_with_fallback
from lungdet.records import MeasuredLesion


def mark(key: str, study: int = 1, lesion_type: str = "liver", long: float = 10.0, **more: object) -> MeasuredLesion:
    facts = {"short_mm": 5.0, "location": (0.5, 0.5, 0.5), **more}
    return MeasuredLesion(key, "p", study, 1, lesion_type, long, **facts)


def test_a_distance_by_hand():
    a = mark("a")
    b = mark("b", 2, "lung", 20.0, location=(0.6, 0.5, 0.45))
    weights = DistanceWeights(x=100, y=7, z=400, long=2, short=3, type=0.5)
    expected = math.sqrt(100 * 0.1**2 + 400 * 0.05**2 + 2 * math.log(2) ** 2 + 0.5)
    np.testing.assert_allclose(lesion_distances([a, b], weights), [[0, expected], [expected, 0]])


def test_embeddings_add_their_squared_distance():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    marks = [mark("a"), mark("b"), mark("c")]
    found = lesion_distances(marks, DistanceWeights(embedding=0.5), vectors)
    np.testing.assert_allclose(found, [[0, 1, 0], [1, 0, 1], [0, 1, 0]])


def test_what_is_not_known_adds_nothing():
    a, b = mark("a", lesion_type="unknown"), mark("b", short_mm=None)
    terms = distance_terms([a, b])[0, 1]
    assert [name for name, value in zip(TERMS, terms, strict=True) if math.isnan(value)] == [
        "short", "type", "embedding",
    ]  # fmt: skip
    assert lesion_distances([a, b], DistanceWeights(x=1, short=9, type=9))[0, 1] == 0


def test_without_a_place_nothing_can_be_said():
    marks = [mark("a"), mark("b", location=None)]
    assert lesion_distances(marks, DistanceWeights(x=1, type=1))[0, 1] == math.inf
    assert lesion_distances(marks, DistanceWeights(type=1))[0, 1] == 0
    assert lesion_distances(marks, DistanceWeights(embedding=1), np.eye(2))[0, 1] == pytest.approx(math.sqrt(2))
    assert lesion_distances(marks, DistanceWeights(x=1, embedding=1), np.eye(2))[0, 1] == math.inf
    half = np.array([[1.0, 0.0], [np.nan, np.nan]])
    assert lesion_distances(marks, DistanceWeights(x=1, embedding=1), half)[0, 1] == math.inf


def test_other_weights_stand_in_for_a_missing_embedding():
    marks = [mark("a"), mark("b", location=(0.6, 0.5, 0.5)), mark("c", location=(0.6, 0.5, 0.5))]
    terms = distance_terms(marks, np.array([[1.0, 0.0], [0.0, 1.0], [np.nan, np.nan]]))
    weights, stand_in = DistanceWeights(embedding=2.0, threshold=0.5), DistanceWeights(x=100, threshold=2.0)
    found = distances_with_fallback(terms, weights, stand_in)
    assert found[0, 1] == pytest.approx(2.0)
    assert found[0, 2] == pytest.approx(1.0 * 0.5 / 2.0)  # half of its limit is half of theirs
    assert distances_with_fallback(terms, weights, None)[0, 2] == math.inf
    plain = DistanceWeights(x=100)
    np.testing.assert_array_equal(distances_with_fallback(terms, plain, stand_in), distances_of_terms(terms, plain))


def test_diameters_of_nothing_do_not_decide():
    small = lesion_distances([mark("a", short_mm=0.0), mark("b")], DistanceWeights(short=1.0))
    assert small[0, 1] == pytest.approx(math.log(5))


def test_distances_are_a_metric_of_what_is_known():
    random = np.random.default_rng(0)
    marks = [
        mark(str(n), 1, random.choice(["lung", "liver"]), 20 + n, location=tuple(random.random(3))) for n in range(12)
    ]
    far = lesion_distances(marks, DistanceWeights(x=2, y=3, z=4, long=1, short=1, type=1))
    np.testing.assert_array_equal(far, far.T)
    assert (np.diag(far) == 0).all()
    assert (far[:, :, None] + far[None] >= far[:, None] - 1e-12).all()


def test_place_is_what_two_marks_of_one_lesion_share():
    weights = DistanceWeights(x=1, long=2, short=3, type=4, embedding=5, threshold=0.7)
    assert weights.of_place == DistanceWeights(x=1, embedding=5, threshold=0.7)
    assert DistanceWeights(type=1).of_place == DistanceWeights(type=1)


def test_no_lesions_have_no_distances():
    assert lesion_distances([], DistanceWeights(x=1)).shape == (0, 0)
    assert lesion_distances([], DistanceWeights(embedding=1), np.zeros((0, 4))).shape == (0, 0)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({}, "one weight at least"),
        ({"x": -1.0}, "x must be finite"),
        ({"x": math.nan}, "x must be finite"),
        ({"x": 1.0, "threshold": 0.0}, "threshold must be above 0"),
    ],
)
def test_weights_that_tell_nothing_are_refused(numbers: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        DistanceWeights(**numbers)


def test_embeddings_must_be_there_and_fit():
    with pytest.raises(ValueError, match="need embeddings"):
        lesion_distances([mark("a")], DistanceWeights(embedding=1.0))
    with pytest.raises(ValueError, match=r"\(1, D\)"):
        lesion_distances([mark("a")], DistanceWeights(embedding=1.0), np.zeros((2, 3)))
