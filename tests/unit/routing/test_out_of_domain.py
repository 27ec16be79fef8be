"""What is far from every picture of the training scores above 1."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from lungdet.records import BodyPartClass, ClassList
from lungdet.routing import OutOfDomain, Router, fit_out_of_domain, fit_router


def embeddings(count: int, seed: int, at: float = 2.0) -> np.ndarray:
    return np.abs(np.random.default_rng(seed).normal(at, 0.3, size=(count, 16)))


def test_by_hand():
    fitted = fit_out_of_domain([[0.0, 4.0], [0.0, 16.0]], held_out=[[0.0, 9.0]])  # roots (0, 2), (0, 4) and (0, 3)
    assert fitted.scales.tolist() == [4.0, 4.0]  # 2 to the only neighbour, and the median of that
    assert fitted.limit == 0.25
    assert fitted.score([[0.0, 4.0], [0.0, 49.0], [-1.0, 4.0]]).tolist() == [0.0, 3.0, 1.0]


def test_scikit_learn_finds_the_same_neighbours():
    known, new = embeddings(300, 0), embeddings(700, 1)
    fitted = fit_out_of_domain(known, held_out=embeddings(50, 2))
    references = fitted.references.astype(float)
    own = NearestNeighbors(n_neighbors=6).fit(references).kneighbors(references)[0][:, 5]  # the first is itself
    scales = own + np.median(own)
    assert fitted.scales == pytest.approx(scales, rel=1e-5)
    distances = pairwise_distances(np.sqrt(new), references) / scales
    assert fitted.score(new) == pytest.approx(distances.min(axis=1) / fitted.limit, rel=1e-5)


def test_a_picture_must_lie_near_to_those_of_its_label():
    known = np.concatenate([embeddings(50, 0, at=2.0), embeddings(50, 1, at=4.0)])
    labels = np.repeat(np.eye(2), 50, axis=0)
    held_out = np.concatenate([embeddings(50, 2, at=2.0), embeddings(50, 3, at=4.0)])
    fitted = fit_out_of_domain(known, labels, held_out=held_out, held_out_answers=labels)
    new, first, second = embeddings(20, 4, at=2.0), np.tile([1.0, 0.0], (20, 1)), np.tile([0.0, 1.0], (20, 1))
    assert (fitted.score(new, first) <= 1).mean() > 0.9
    assert (fitted.score(new, second) > 1).all()
    with pytest.raises(ValueError, match="logits"):
        fitted.score(new)
    with pytest.raises(ValueError, match="answers"):
        fitted.score(new, first[:3])


def test_a_label_that_no_reference_has_is_held_against_all():
    known = embeddings(50, 0)
    labels = np.tile([1, 0], (50, 1))
    fitted = fit_out_of_domain(known, labels)
    new = embeddings(20, 1)
    one, none = (fitted.score(new, np.tile(answer, (20, 1))) for answer in ([1.0, 0.0], [0.0, 1.0]))
    assert np.array_equal(one, none)


def test_the_only_picture_of_a_label_does_not_widen_the_limit():
    known = np.concatenate([embeddings(50, 0), embeddings(1, 1, at=9.0)])
    labels = np.eye(2)[[0] * 50 + [1]]
    assert fit_out_of_domain(known, labels).limit < 3 * fit_out_of_domain(known[:50], labels[:50]).limit


def test_a_dense_place_is_narrower_than_a_sparse_one():
    random = np.random.default_rng(0)
    dense, sparse = random.normal(4, 0.05, (100, 8)) ** 2, random.normal(12, 0.5, (100, 8)) ** 2
    fitted = fit_out_of_domain(np.concatenate([dense, sparse]))
    near_dense, near_sparse = np.full((1, 8), (4 + 0.5) ** 2), np.full((1, 8), (12 + 0.5) ** 2)
    assert fitted.score(near_dense)[0] > 1.3 * fitted.score(near_sparse)[0]


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
    several = fit_out_of_domain(known, multi, most=50)
    assert np.array_equal(several.references, fitted.references)
    assert several.members.sum(axis=0).tolist() == [50, 5]


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
    for more in ({"scales": np.zeros(2)}, {"scales": np.ones(3)}, {"members": np.ones((3, 1), dtype=bool)}):
        with pytest.raises(ValueError, match=r"scales|members"):
            OutOfDomain(np.ones((2, 3), dtype=np.float16), 1.0, **more)


def test_a_file_keeps_scales_and_labels(tmp_path):
    listed = ClassList("two", (BodyPartClass("a"), BodyPartClass("b")))
    known = np.concatenate([embeddings(50, 0, at=2.0), embeddings(51, 1, at=4.0)])
    labels = np.eye(2)[[0] * 50 + [1] * 51]
    router = fit_router(listed, labels, labels, known, train_embeddings=known, train_labels=labels)
    router.save(tmp_path / "router.json")
    before, after = router.out_of_domain, Router.load(tmp_path / "router.json").out_of_domain
    assert before is not None
    assert after is not None
    assert np.array_equal(before.members, after.members)
    new, answers = embeddings(20, 2), np.tile([2.0, 1.0], (20, 1))
    assert before.score(new, answers).tolist() == after.score(new, answers).tolist()
