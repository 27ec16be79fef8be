import numpy as np
import pytest

from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS, RatingSummary, RatingTarget, nodule_type
from lungdet.records.mark import RATING_RANGES


def test_ordinal_ratings_are_those_of_lidc_that_go_from_1_to_5():
    assert set(ORDINAL_RATINGS) == set(RATING_RANGES) - {"internalStructure", "calcification"}
    assert all(RATING_RANGES[name] == (1, 5) for name in ORDINAL_RATINGS)


def test_four_readers_by_hand():
    """Readers gave 2, 3, 3 and 5."""
    target = RatingTarget.of(RatingSummary("malignancy", (2, 3, 3, 5)))
    assert (target.counts, target.values, target.readers) == ((0, 1, 2, 0, 1), (2, 3, 3, 5), 4)
    assert (target.median, target.mean, target.spread) == (3.0, 3.25, 3)
    assert target.above == (1.0, 0.75, 0.25, 0.25)


@pytest.mark.parametrize("seed", range(5))
def test_numpy_agrees_and_the_shares_hold_all_there_is(seed: int):
    values = np.random.default_rng(seed).integers(1, 6, 4)
    target = RatingTarget.of_values("texture", values.tolist())
    assert target.median == np.median(values)
    assert target.mean == pytest.approx(values.mean()) == 1 + sum(target.above)
    assert target.spread == np.ptp(values)
    assert np.allclose(-np.diff([1, *target.above, 0]) * 4, target.counts)
    assert list(target.above) == sorted(target.above, reverse=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RatingTarget("calcification", (1, 0, 0, 0, 0)), "no scale from 1 to 5"),
        (lambda: RatingTarget("malignancy", (0, 0, 0, 0, 0)), "and a reader"),
        (lambda: RatingTarget("malignancy", (1, 0, 0, 0)), "needs 5 counts"),
        (lambda: RatingTarget("malignancy", (2, -1, 0, 0, 0)), "needs 5 counts"),
        (lambda: RatingTarget.of_values("malignancy", []), "and a reader"),
        (lambda: RatingTarget.of_values("malignancy", [1, 6]), "goes from 1 to 5, got 6"),
        (lambda: RatingTarget.of_values("malignancy", [0]), "goes from 1 to 5, got 0"),
        (lambda: nodule_type([0], []), "texture goes from 1 to 5"),
        (lambda: nodule_type([], [7]), "calcification goes from 1 to 6"),
    ],
)
def test_what_is_no_rating(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("texture", "calcification", "wanted"),
    [
        ([1, 1, 2, 2], [6] * 4, "ground_glass"),
        ([2, 2, 3, 3], [6] * 4, "part_solid"),  # median 2.5: a tie between two densities is part solid
        ([3, 3, 3, 5], [6] * 4, "part_solid"),
        ([3, 3, 4, 4], [6] * 4, "part_solid"),
        ([3, 4, 4, 5], [6] * 4, "solid"),
        ([5, 5, 5, 5], [6, 6, 6, 3], "solid"),  # most say absent
        ([5, 5, 5, 5], [6, 6, 4, 3], "calcified"),  # half is not most
        ([5, 5], [1, 3], "calcified"),
        ([], [3], "calcified"),
        ([5], [], "solid"),
        ([], [6], None),
        ([], [], None),
    ],
)
def test_the_type_of_a_nodule(texture: list[int], calcification: list[int], wanted: str | None):
    assert nodule_type(texture, calcification) == wanted
    assert wanted is None or wanted in NODULE_TYPES
