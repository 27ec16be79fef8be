import numpy as np

from lungdet.lesions import EmbeddedLesions
from lungdet.lesions.vectors_of import vectors_of
from lungdet.records import MeasuredLesion


def embedded(**columns: object) -> EmbeddedLesions:
    facts = {
        "keys": ["a", "b"], "vectors": np.eye(2, dtype=np.float32), "lesion_type": ["lung", "lung"],
        "location": np.zeros((2, 3), dtype=np.float32), "size_mm": [[12.3456, 7.0], [9.0, np.nan]],
        "patient": ["p", "p"], "study": [1, 2], "image": ["", ""],
    }  # fmt: skip
    return EmbeddedLesions(**{name: np.array(values) for name, values in {**facts, **columns}.items()})


A = MeasuredLesion("a", "p", 1, 1, "lung", 12.3456, 7.0)
B = MeasuredLesion("b", "p", 2, 1, "lung", 9.0)
C = MeasuredLesion("c", "p", 2, 1, "lung", 9.0)


def test_vectors_of_the_same_lesions_are_taken():
    found, others = vectors_of([B, A, C], embedded())
    assert {key: vector.tolist() for key, vector in found.items()} == {"a": [1.0, 0.0], "b": [0.0, 1.0]}
    assert others == ()


def test_vectors_of_other_lesions_are_not():
    for columns in ({"size_mm": [[12.4, 7.0], [9.0, 5.0]]}, {"patient": ["q", "p"]}, {"study": [3, 2]}):
        found, others = vectors_of([A, B], embedded(**columns))
        assert set(found) == {"b"}
        assert others == ("a",)
    assert vectors_of([], embedded()) == ({}, ())
