"""One is singular, and all other numbers are not."""

import pytest

from lungdet.counted import counted


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [(0, "lesion", "0 lesions"), (1, "lesion", "1 lesion"), (2, "study", "2 studies"), (1, "study", "1 study"),
     (2, "day", "2 days"), ("1", "day", "1 day"), ("0.5", "day", "0.5 days")],
)  # fmt: skip
def test_one_is_singular(count: int | str, noun: str, said: str):
    assert counted(count, noun) == said
