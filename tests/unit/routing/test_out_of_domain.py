"""What is far from every picture of the training scores above 1."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from lungdet.routing import OutOfDomain, fit_out_of_domain


def embeddings(count: int, seed: int, at: float = 2.0) -> np.ndarray:
    return np.abs(np.random.default_rng(seed).normal(at, 0.3, size=(count, 16)))


def test_by_hand():
    fitted = fit_out_of_domain([[0.0, 4.0], [0.0, 16.0]], held_out=[[0.0, 9.0]])  # roots (0, 2), (0, 4) and (0, 3)
    assert fitted.limit == 1.0
    assert fitted.score([[0.0, 4.0], [0.0, 49.0], [-1.0, 4.0]]).tolist() == [0.0, 3.0, 1.0]


def test_scikit_learn_finds_the_same_neighbours():
    known, new = embeddings(300, 0), embeddings(700, 1)
    fitted = fit_out_of_domain(known, held_out=embeddings(50, 2))
    referee = NearestNeighbors(n_neighbors=1).fit(fitted.references.astype(float))
    distances, _ = referee.kneighbors(np.sqrt(new))
    assert fitted.score(new) == pytest.approx(distances[:, 0] / fitted.limit, rel=1e-9)


@pytest.mark.parametrize("held_out", [True, False])
def test_the_share_in_the_domain_is_kept(held_out: bool):
    fitted = fit_out_of_domain(embeddings(900, 0), held_out=embeddings(900, 1) if held_out else None, in_domain=0.95)
    assert (fitted.score(embeddings(2000, 2)) <= 1).mean() == pytest.approx(0.95, abs=0.02)
    assert (fitted.score(embeddings(100, 3, at=4.0)) > 1).all()
    assert (fitted.score(np.zeros((1, 16))) > 1).all()


def test_rare_classes_keep_their_pictures():
    labels = np.array([0] * 500 + [1] * 5)
    known = embeddings(505, 0)
    fitted = fit_out_of_domain(known, labels, most=50)
    assert len(fitted.references) == 50
    assert (fitted.score(known[500:]) < 0.01).all()  # but for the half precision they are their own neighbours
    multi = np.stack([np.ones(505), labels], axis=1)
    assert np.array_equal(fit_out_of_domain(known, multi, most=50).references, fitted.references)


def test_the_same_seed_keeps_the_same():
    known = embeddings(200, 0)
    one, same, other = (fit_out_of_domain(known, most=20, seed=seed).references for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_pictures_that_are_all_alike_have_a_limit():
    assert fit_out_of_domain(np.ones((5, 3))).score(np.ones((1, 3)))[0] == 0.0


def test_no_pictures():
    assert fit_out_of_domain(np.ones((2, 3))).score(np.empty((0, 3))).shape == (0,)
    with pytest.raises(ValueError, match="two pictures"):
        fit_out_of_domain(np.ones((1, 3)))
    with pytest.raises(ValueError, match="held_out"):
        fit_out_of_domain(np.ones((2, 3)), held_out=np.empty((0, 3)))


@pytest.mark.parametrize(
    ("arguments", "options", "what"),
    [
        (([[1.0, np.nan]] * 2,), {}, "not finite"),
        ((np.ones((2, 3)), [0]), {}, "labels"),
        ((np.ones((2, 3)),), {"in_domain": 1.0}, "share"),
        ((np.ones((2, 3)),), {"held_out": np.ones((2, 4))}, "held_out"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple, options: dict, what: str):
    with pytest.raises(ValueError, match=what):
        fit_out_of_domain(*arguments, **options)


def test_nonsense_is_refused():
    for references, limit in [
        (np.ones((0, 3)), 1.0),
        (np.ones(3), 1.0),
        (np.ones((2, 3)), 0.0),
        (np.ones((2, 3)), np.nan),
    ]:
        with pytest.raises(ValueError, match=r"references|limit"):
            OutOfDomain(references.astype(np.float16), limit)
