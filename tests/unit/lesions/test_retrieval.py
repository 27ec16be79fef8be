import numpy as np
import pytest

from lungdet.lesions import EmbeddedLesions, LesionRetrieval, random_answers
from lungdet.lesions.retrieval import NO_ANSWER, NOBODY


def on_a_line(places: list[float], patients: str) -> EmbeddedLesions:
    """Lesions whose vectors are numbers, one letter a patient."""
    count = len(places)
    return EmbeddedLesions(
        keys=np.array([f"{row}" for row in range(count)], dtype=np.str_),
        vectors=np.array(places, dtype=np.float32).reshape(count, 1),
        lesion_type=np.array(["lung"] * count, dtype=np.str_),
        location=np.zeros((count, 3)),
        size_mm=np.zeros((count, 2)),
        patient=np.array(list(patients), dtype=np.str_),
        study=np.ones(count),
        image=np.array([""] * count, dtype=np.str_),
    )


def test_hand_worked_query():
    lesions = on_a_line([0, 1, 2, 3, 4, 9], "aabbcd")
    answers = LesionRetrieval(lesions).like_rows([0], 3)
    assert answers.rows.tolist() == [[2, 4, 5]]  # b, c, d; not the second of a, nor the second of b
    assert answers.distances.tolist() == [[2, 4, 9]]
    assert LesionRetrieval(lesions, one_a_patient=False).like_rows([0], 3).rows.tolist() == [[2, 3, 4]]


def test_a_query_from_outside_shuts_nobody_out():
    retrieval = LesionRetrieval(on_a_line([0, 1, 2], "abc"))
    vector = np.array([[0.4]], np.float32)
    assert retrieval.like(vector, [NOBODY], 2).rows.tolist() == [[0, 1]]
    assert retrieval.like(vector, ["somebody else"], 2).rows.tolist() == [[0, 1]]
    assert retrieval.like(vector, ["a"], 2).rows.tolist() == [[1, 2]]


def test_lesions_of_nobody_are_of_different_patients():
    lesions = on_a_line([0, 1, 2, 3, 4], "abbcd")
    unnamed = EmbeddedLesions(**lesions.columns() | {"patient": np.array(["", "", "b", "b", ""], dtype=np.str_)})
    retrieval = LesionRetrieval(unnamed)
    assert retrieval.like_rows([0], 4).rows.tolist() == [[1, 2, 4, NO_ANSWER]]  # not itself, and b once
    assert retrieval.like(np.zeros((1, 1), np.float32), [NOBODY], 3).rows.tolist() == [[0, 1, 2]]
    drawn = random_answers(unnamed.patient, unnamed.patient[:1], 4)[0]
    assert {0, 1, 4} < set(drawn.tolist())


def test_answers_end_where_patients_do():
    answers = LesionRetrieval(on_a_line([0, 1, 2, 3], "aabb")).like_rows([1], 3)
    assert answers.rows.tolist() == [[2, NO_ANSWER, NO_ANSWER]]
    assert answers.distances.tolist() == [[1, np.inf, np.inf]]
    alone = LesionRetrieval(on_a_line([0, 1], "aa")).like_rows([0], 2)
    assert (alone.rows == NO_ANSWER).all()


@pytest.mark.parametrize("one_a_patient", [True, False])
def test_the_search_widens_until_there_are_enough(one_a_patient):
    rng = np.random.default_rng(0)
    patients = np.where(rng.random(400) < 0.9, "a", rng.choice(list("bcdefgh"), 400))  # most of one patient
    lesions = on_a_line(rng.random(400).tolist(), "".join(patients))
    answers = LesionRetrieval(lesions, one_a_patient=one_a_patient).like_rows(list(range(400)), 5)
    for query, rows in enumerate(answers.rows.tolist()):
        order = np.argsort(np.abs(lesions.vectors[:, 0] - lesions.vectors[query, 0]), kind="stable")
        wanted: list[int] = []
        for row in order.tolist():
            shut_out = {patients[query]} | ({patients[other] for other in wanted} if one_a_patient else set())
            if patients[row] not in shut_out:
                wanted.append(row)
        assert rows == wanted[:5]


def test_no_lesions_and_no_questions():
    with pytest.raises(ValueError, match="no lesions to search among"):
        LesionRetrieval(on_a_line([], ""))
    retrieval = LesionRetrieval(on_a_line([0, 1], "ab"))
    assert retrieval.like_rows([], 3).rows.shape == (0, 3)
    with pytest.raises(ValueError, match="at least 1"):
        retrieval.like_rows([0], 0)
    with pytest.raises(ValueError, match="2 vectors, but 1 patients"):
        retrieval.like(np.zeros((2, 1), np.float32), ["a"], 1)


def test_chance_keeps_to_the_rule_and_is_fair():
    patients = np.array(list("aabbbcd") * 20, dtype=np.str_)
    drawn = random_answers(patients, patients, 3, seed=1)
    assert (drawn == random_answers(patients, patients, 3, seed=1)).all()
    for query, rows in enumerate(drawn):
        assert len({patients[query], *patients[rows]}) == 4
    assert (random_answers(patients, patients[:2], 5) == NO_ANSWER).sum() == 4  # of b, c and d no more than three
