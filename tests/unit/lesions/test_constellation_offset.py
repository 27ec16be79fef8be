"""Nodules vote on how two scans lie."""

import numpy as np

from lungdet.lesions.constellation_offset import constellation_offset


def test_strangers_do_not_outvote_nodules_that_agree():
    rng = np.random.default_rng(3)
    same = rng.uniform(0, 200, (4, 3))
    before = np.vstack([same, rng.uniform(0, 200, (4, 3))])
    after = np.vstack([rng.uniform(0, 200, (5, 3)), same + (8.0, -3.0, 20.0) + rng.normal(0, 1.0, (4, 3))])
    offset, votes = constellation_offset(before, after, np.zeros(3))
    np.testing.assert_allclose(offset, (8.0, -3.0, 20.0), atol=1.5)
    assert votes == 4


def test_one_pair_or_none_leaves_the_guess():
    guess = np.array([1.0, 2.0, 3.0])
    for count in (0, 1):
        offset, votes = constellation_offset(np.zeros((count, 3)), np.zeros((count, 3)), guess)
        assert (offset.tolist(), votes) == ([1.0, 2.0, 3.0], 0)


def test_what_is_out_of_reach_is_not_proposed():
    places = np.array([[0.0, 0, 0], [40, 0, 0], [0, 90, 0]])
    assert constellation_offset(places, places + (0.0, 0, 35.0), np.zeros(3))[1] == 0
