from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.datalists import PictureEntry, find_picture_leaks, join_owners, split_pictures, stratify

SHARES = {"training": 0.7, "validation": 0.15, "test": 0.15}


def picture(number: int, labels: tuple[int, ...], patient: str, **more: str) -> PictureEntry:
    return PictureEntry(f"{number}.png", labels, patient, **more)


@settings(max_examples=40, deadline=None)
@given(
    items=st.lists(
        st.tuples(st.integers(0, 40), st.sets(st.integers(0, 4), max_size=3), st.integers(0, 60)), max_size=90
    ),
    seed=st.integers(0, 99),
    shares=st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(0, 5)),
)
def test_laws(items: list[tuple[int, set[int], int]], seed: int, shares: tuple[int, int, int]):
    entries = [
        picture(number, tuple(sorted(labels)), f"p{patient}", content=f"c{content}" if content < 10 else "")
        for number, (patient, labels, content) in enumerate(items)
    ]
    fractions = dict(zip(SHARES, shares, strict=True))
    parts = split_pictures(entries, fractions, seed)
    assert sorted(e.image for some in parts.values() for e in some) == sorted(e.image for e in entries)
    assert find_picture_leaks(parts) == []
    assert all(not parts[part] for part, share in fractions.items() if share == 0)
    again = split_pictures(entries[::-1], fractions, seed)
    assert {part: some[::-1] for part, some in again.items()} == parts


def test_single_pictures_come_out_exactly():
    labels = {f"p{number}": [number % 4] for number in range(400)}
    parts = stratify(labels, SHARES, seed=3)
    for label in range(4):
        counted = Counter(part for group, part in parts.items() if labels[group] == [label])
        assert counted == {"training": 70, "validation": 15, "test": 15}


def test_seeds_repeat_and_differ():
    labels = {f"p{number}": [number % 3, (number + 1) % 5] for number in range(60)}
    assert stratify(labels, SHARES, 1) == stratify(labels, SHARES, 1) != stratify(labels, SHARES, 2)


def test_a_rare_label_of_three_patients_is_in_every_part():
    labels = {f"p{number}": [0] for number in range(100)} | {"a": [1], "b": [1, 1], "c": [1]}
    for seed in range(5):
        parts = stratify(labels, SHARES, seed)
        assert {parts[group] for group in "abc"} == set(SHARES)
        assert parts["b"] == "training"
    assert stratify({"a": [0]}, SHARES) == {"a": "training"}
    assert stratify({}, SHARES) == {}


def test_patients_with_many_pictures_count_by_their_pictures():
    labels = {f"many{number}": [0] * 20 for number in range(3)} | {f"one{number}": [0] for number in range(140)}
    parts = stratify(labels, SHARES)
    pictures = Counter()
    for group, part in parts.items():
        pictures[part] += len(labels[group])
    assert pictures == {"training": 140, "validation": 30, "test": 30}


@pytest.mark.parametrize("shares", [{"training": 0.0}, {"training": 1.0, "test": -0.1}])
def test_bad_shares(shares: dict[str, float]):
    with pytest.raises(ValueError, match="shares"):
        stratify({"a": [0]}, shares)


def test_owners_are_joined_by_content_study_and_name():
    entries = [
        picture(1, (0,), "b", content="x"),
        picture(2, (0,), "a", content="x"),
        picture(3, (0,), "c", study="1"),
        picture(4, (0,), "A ", study="1"),
        picture(5, (0,), "d"),
    ]
    assert join_owners(entries) == ["a", "a", "a", "a", "d"]
