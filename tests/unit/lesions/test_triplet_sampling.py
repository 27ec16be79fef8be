"""What is alike, level by level, and the sequences that a training compares."""

import numpy as np
import pytest

from lungdet.lesions import LesionFacts, RelationLimits, SequenceSampler, relations, unlikeness


def facts(rows: list[tuple[str, tuple[float, float, float], tuple[float, float], str, str]]) -> LesionFacts:
    types, places, sizes, patients, identities = zip(*rows, strict=True)
    return LesionFacts(
        np.array(types), np.array(places, dtype=float), np.array(sizes, dtype=float), np.array(patients),
        np.array(identities, dtype=np.str_),
    )  # fmt: skip


HERE, NEAR, BETWEEN, FAR = (0.5, 0.5, 0.5), (0.5, 0.6, 0.5), (0.5, 0.65, 0.5), (0.5, 0.5, 0.8)
TEN = (10.0, 8.0)
SCENE = facts(
    [
        ("liver", HERE, TEN, "a", "a-1"),
        ("liver", NEAR, (12.0, 9.0), "b", ""),  # alike
        ("liver", NEAR, (20.0, 9.0), "b", ""),  # the long axis is twice as long
        ("liver", FAR, TEN, "c", ""),
        ("lung", HERE, TEN, "c", ""),
        ("liver", FAR, (30.0, 25.0), "a", "a-1"),  # the same lesion, whatever has become of it
        ("liver", BETWEEN, TEN, "d", ""),  # neither near nor far
        ("liver", NEAR, (14.0, 9.0), "d", ""),  # neither of one size nor of another
        ("unknown", HERE, TEN, "d", ""),
        ("liver", NEAR, TEN, "b", "a-1"),  # a name of another patient's lesion says nothing
    ]
)


def test_levels_by_hand():
    assert relations(SCENE, [0])[0].tolist() == [4, 3, 2, 1, 0, 4, -1, -1, -1, 3]


def test_relations_are_mutual_and_one_with_oneself():
    levels = relations(SCENE, range(len(SCENE)))
    assert (levels == levels.T).all()
    assert (np.diag(levels) == 4).all()


def test_of_an_unknown_type_nothing_is_said_but_its_own():
    levels = relations(SCENE, [8])[0]
    assert levels.tolist() == [-1] * 8 + [4, -1]


def test_unlikeness_by_hand():
    found = unlikeness(SCENE, [0])[0]
    assert np.isnan(found[[0, 4, 5, 8]]).all()  # itself, another type, the same lesion, and nothing known
    assert found[1] == pytest.approx(0.2**2 + (np.log(1.2) ** 2 + np.log(9 / 8) ** 2) / 2 / np.log(4) ** 2)
    assert found[3] == pytest.approx(0.6**2)
    far = unlikeness(facts([("liver", HERE, TEN, "a", ""), ("liver", FAR, (90.0, 80.0), "b", "")]), [0])
    assert far[0, 1] == 1


def test_some_rows_are_those_of_all():
    every = relations(SCENE, range(len(SCENE)))
    assert (relations(SCENE, [7, 2]) == every[[7, 2]]).all()


def test_a_batch_has_the_levels_of_the_whole():
    chosen = np.array([5, 0, 3, 4])
    part = LesionFacts(*(getattr(SCENE, name)[chosen] for name in SCENE.__dataclass_fields__))
    whole = relations(SCENE, chosen)[:, chosen]
    assert (relations(part, range(4)) == whole).all()


def test_bad_facts_and_limits_are_refused():
    with pytest.raises(ValueError, match="size_mm must be"):
        LesionFacts(np.array(["liver"]), np.zeros((1, 3)), np.ones((1, 3)), np.array(["a"]), np.array([""]))
    with pytest.raises(ValueError, match="diameters above 0"):
        facts([("liver", HERE, (10.0, 0.0), "a", "")])
    with pytest.raises(ValueError, match="near <= far"):
        RelationLimits(near=0.3, far=0.2)


def test_no_lesions_have_no_relations():
    empty = LesionFacts.of_items([])
    assert relations(empty, []).shape == (0, 0)


def test_a_sequence_falls_in_likeness():
    sampler = SequenceSampler(SCENE, same_patient=0.0)
    rows = sampler.draw(np.random.default_rng(0), 200)
    assert rows.shape == (200, 6)
    of_the_first = rows[rows[:, 0] == 0]
    assert set(of_the_first[:, 1]) == {5}
    assert set(of_the_first[:, 2]) == {1, 9}
    assert set(of_the_first[:, 3]) == {2}
    assert set(of_the_first[:, 4]) == {3}
    assert set(of_the_first[:, 5]) == {4}


def test_first_lesions_are_balanced_and_useful():
    many = [("liver" if n < 90 else "lung", HERE, TEN, f"p{n}", "") for n in range(100)]
    many.append(("unknown", HERE, TEN, "r", ""))
    first = SequenceSampler(facts(many), type_balance=1.0).draw(np.random.default_rng(1), 1000)[:, 0]
    assert 100 not in first  # of which nothing is known
    assert 0.44 < (first >= 90).mean() < 0.56  # a standard deviation is 0.016


def test_the_same_patient_is_preferred_if_asked_for():
    scene = [("liver", HERE, TEN, "a", ""), ("lung", HERE, TEN, "a", ""), *[("lung", HERE, TEN, "b", "")] * 50]
    sampler = SequenceSampler(facts(scene), type_balance=0, same_patient=1.0)
    sampler.weights = np.eye(len(scene))[0]
    rows = sampler.draw(np.random.default_rng(2), 20)
    assert (rows == 1).any(axis=1).all()  # by chance, one in fifty


def test_a_draw_depends_on_its_generator_alone():
    sampler = SequenceSampler(SCENE)
    first, again = (sampler.draw(np.random.default_rng(3), 9) for _ in range(2))
    assert (first == again).all()
    assert (first != sampler.draw(np.random.default_rng(4), 9)).any()


def test_nothing_known_is_an_error():
    with pytest.raises(ValueError, match="0 of 2 lesions have a type or a name"):
        SequenceSampler(facts([("unknown", HERE, TEN, "a", "")] * 2))
    with pytest.raises(ValueError, match="shares must be in"):
        SequenceSampler(SCENE, same_patient=2.0)
