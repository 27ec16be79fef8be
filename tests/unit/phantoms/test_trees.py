"""Trees reach their tips, hang together and taper."""

import numpy as np
import pytest

from lungdet.phantoms.trees import companions, grow_tree, sample_inside


@pytest.fixture
def tree():
    rng = np.random.default_rng(0)
    return grow_tree(rng, np.zeros(3), rng.uniform(20, 80, (200, 3)), 0.5, 6.0)


def test_every_tip_is_reached():
    rng = np.random.default_rng(0)
    tips = rng.uniform(20, 80, (57, 3))
    tree = grow_tree(rng, np.zeros(3), tips, 0.5, 6.0)
    gaps = np.linalg.norm(tree.end[:, None] - tips[None], axis=2).min(axis=0)
    assert gaps.max() < 1e-9


def test_every_piece_hangs_on_another_or_on_the_root(tree):
    ends = np.concatenate([np.zeros((1, 3)), tree.end])
    gaps = np.linalg.norm(tree.start[:, None] - ends[None], axis=2).min(axis=1)
    assert gaps.max() < 1e-9


def test_radii_fall_from_the_root_to_the_tips(tree):
    assert tree.start_radius[0] == tree.start_radius.max() <= 6.0
    assert tree.end_radius.min() == pytest.approx(0.35)
    assert (tree.end_radius <= tree.start_radius + 1e-9).all()


def test_one_tip_is_one_branch():
    tree = grow_tree(np.random.default_rng(0), np.zeros(3), np.array([[0.0, 0, 9]]), 0.5, 6.0)
    assert len(tree) == 2
    assert tree.end[-1] == pytest.approx([0, 0, 9])


def test_companions_run_beside_thick_arteries_only(tree):
    lumens = companions(tree, 1.5, 0.6, 0.7)
    assert 0 < len(lumens) == (tree.start_radius >= 1.5).sum()
    thick = tree.select(tree.start_radius >= 1.5)
    apart = np.linalg.norm(lumens.start - thick.start, axis=1)
    assert (apart > 0.6 * thick.start_radius + 0.6 * lumens.start_radius).all()


def test_sampling_stays_inside_and_gives_up_where_nothing_is():
    low, high = np.zeros(3), np.ones(3)
    points = sample_inside(np.random.default_rng(0), lambda p: p[:, 0] < 0.3, low, high, 40)
    assert points.shape == (40, 3)
    assert (points[:, 0] < 0.3).all()
    with pytest.raises(ValueError, match="only 0 of 5"):
        sample_inside(np.random.default_rng(0), lambda p: p[:, 0] > 2, low, high, 5)
