import numpy as np
import pytest

from lungdet.lesions import DistanceWeights, find_histories
from lungdet.lesions.series_alignment import align_series
from lungdet.records import MeasuredLesion

PLACES = [(0.2, 0.5, 0.3), (0.6, 0.4, 0.5), (0.5, 0.8, 0.52)]


def marks(study: int, shift: tuple[float, float], places=PLACES, **more: object) -> list[MeasuredLesion]:
    facts = {"lesion_type": "liver", "long_mm": 10.0, **more}
    return [
        MeasuredLesion(f"{study} {n}", "p", study, 1, location=(x + shift[0], y + shift[1], z), **facts)
        for n, (x, y, z) in enumerate(places)
    ]


def places(lesions: list[MeasuredLesion]) -> np.ndarray:
    return np.array([lesion.location for lesion in lesions])


def test_series_are_shifted_to_the_first():
    series = [*marks(1, (0, 0)), *marks(2, (0.1, -0.07)), *marks(3, (-0.12, 0.2), PLACES[:2])]
    np.testing.assert_allclose(places(align_series(series)), [*PLACES, *PLACES, *PLACES[:2]])
    assert [one.key for one in align_series(series)] == [one.key for one in series]


def test_a_shifted_study_is_followed():
    series = [*marks(1, (0, 0)), *marks(2, (0.1, -0.07))]
    weights = DistanceWeights(x=400, y=400, z=400)
    assert len(find_histories(series, weights)[0].followed) == 3
    assert not find_histories(series, weights, align=False)[0].followed
    mark = find_histories(series, weights)[0].sequences[0].marks[1].lesion
    assert mark == series[3]  # the record keeps the place as it was written


@pytest.mark.parametrize(
    "other",
    [
        marks(2, (0.1, 0.0), PLACES[:1]),  # one lesion alone
        marks(2, (0.1, 0.0), PLACES[:1] * 2),  # marked twice
        marks(2, (0.1, 0.0), lesion_type="lung"),
        marks(2, (0.1, 0.0), long_mm=30.0),
        marks(2, (0.3, 0.0)),  # too far
        marks(2, (0.1, 0.0), [(x, y, z + 0.1) for x, y, z in PLACES]),
    ],
)
def test_what_does_not_agree_stays(other: list[MeasuredLesion]):
    series = [*marks(1, (0, 0)), *other]
    assert align_series(series) == series


def test_no_shift_is_kept_unless_another_has_more_votes():
    """Two lesions fit as they are; shifted by 0.1, two would fit, too."""
    first = marks(1, (0, 0), [(0.2, 0.5, 0.5), (0.3, 0.5, 0.5), (0.4, 0.5, 0.5)])
    series = [*first, *marks(2, (0, 0), [(0.2, 0.5, 0.5), (0.3, 0.5, 0.5)])]
    assert align_series(series) == series


def test_many_lesions_take_little_memory():
    random = np.random.default_rng(0)
    many = [tuple(place) for place in random.random((300, 3))]
    found = places(align_series([*marks(1, (0, 0), many), *marks(2, (0.1, -0.07), many)]))
    np.testing.assert_allclose(found[300:], many, atol=0.01)


def test_lesions_without_a_place_stay_and_none_are_fine():
    nowhere = MeasuredLesion("x", "p", 2, 1, "liver", 10.0)
    series = [*marks(1, (0, 0)), nowhere, *marks(2, (0.1, 0.0))]
    assert align_series(series)[3] is nowhere
    np.testing.assert_allclose(places(align_series(series)[4:]), PLACES)
    assert align_series([]) == []
