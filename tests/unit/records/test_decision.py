"""A decision never shows a guess as an answer."""

import math

import pytest

from lungdet.records import Decision

TOP = (("chest", 0.9), ("hand", 0.1))


def test_an_answer_and_a_review():
    assert Decision("chest", ("chest",), 0.9, TOP, "answer").answer == "chest"
    assert Decision("chest", ("chest",), 0.9, TOP, "review", "unsure", 1.5).answer == "review"


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"decision": "maybe"}, "decision"),
        ({"decision": "review"}, "reason"),
        ({"reason": "unsure"}, "reason"),
        ({"probability": 1.1}, "probability"),
        ({"probability": math.nan}, "probability"),
        ({"top": TOP[::-1]}, "falling"),
        ({"out_of_domain": -0.1}, "out_of_domain"),
        ({"out_of_domain": math.inf}, "out_of_domain"),
    ],
)
def test_nonsense_is_refused(changed: dict, what: str):
    fields = {"label": "chest", "labels": ("chest",), "probability": 0.9, "top": TOP, "decision": "answer"}
    with pytest.raises(ValueError, match=what):
        Decision(**{**fields, **changed})
