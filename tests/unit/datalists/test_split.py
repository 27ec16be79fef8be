from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.datalists import (
    LabelledBox,
    LeakError,
    ScanEntry,
    assign_folds,
    check_leaks,
    find_leaks,
    split_by_patient,
)
from lungdet.datalists.split import stratum

SHARES = {"training": 0.7, "validation": 0.15, "test": 0.15}
Make = Callable[..., list[ScanEntry]]


def scan(patient: str, size: float = 0.0, image: str = "", **more: object) -> ScanEntry:
    boxes = (LabelledBox((0.0, 0.0, 0.0, size, size, size)),) if size else ()
    return ScanEntry(image or patient + ".nii", patient, "lps_mm", boxes, **more)


@settings(max_examples=40, deadline=None)
@given(
    patients=st.lists(st.tuples(st.integers(0, 30), st.sampled_from([0.0, 4.0, 8.0, 15.0, 40.0])), max_size=80),
    seed=st.integers(0, 99),
    shares=st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(0, 5)),
)
def test_laws(patients: list[tuple[int, float]], seed: int, shares: tuple[int, int, int]):
    entries = [scan(f"p{number}", size, f"{index}.nii") for index, (number, size) in enumerate(patients)]
    fractions = dict(zip(SHARES, shares, strict=True))
    parts = split_by_patient(entries, fractions, seed)
    assert sorted(entry.image for members in parts.values() for entry in members) == sorted(e.image for e in entries)
    assert find_leaks(parts) == []
    assert all(not parts[part] for part, share in fractions.items() if share == 0)
    assert split_by_patient(entries[::-1], fractions, seed)["training"] == parts["training"][::-1]
    strata: dict[str, int] = {}
    for entry in entries:
        strata[entry.patient_id] = max(strata.get(entry.patient_id, 0), stratum(entry.largest_mm))
    sizes = Counter(strata.values())
    for part, share in fractions.items():
        members = Counter(strata[patient] for patient in {entry.patient_id for entry in parts[part]})
        for group, count in sizes.items():
            assert abs(members[group] - count * share / sum(shares)) < 2
        assert abs(members.total() - sizes.total() * share / sum(shares)) < 1


def test_seeds_differ_and_repeat(make_scans: Make):
    scans = make_scans()
    first, second, other = (split_by_patient(scans, SHARES, seed) for seed in (0, 0, 1))
    assert first == second
    assert first != other


def test_small_sets_fill_every_part():
    scans = [scan(f"p{number}", size) for number, size in enumerate([0, 0, 4, 4, 8, 8, 15, 15, 30, 30])]
    parts = split_by_patient(scans, {"training": 0.8, "validation": 0.1, "test": 0.1})
    assert [len(members) for members in parts.values()] == [8, 1, 1]


def test_no_entries():
    assert split_by_patient([], SHARES) == {"training": [], "validation": [], "test": []}


def test_folds(make_scans: Make):
    scans = make_scans(40)
    numbered = assign_folds(scans, 5, seed=3)
    assert [entry.image for entry in numbered] == [entry.image for entry in scans]
    assert {entry.fold for entry in numbered} == {0, 1, 2, 3, 4}
    assert find_leaks({"training": numbered}) == []
    patients = Counter(fold for _, fold in {(entry.patient_id, entry.fold) for entry in numbered})
    assert max(patients.values()) - min(patients.values()) <= 2


def test_every_leak_is_found():
    parts = {
        "training": [scan("a", series_uid="1.2"), scan("b", image="same.nii"), scan("c", fold=0), scan("c", fold=1)],
        "test": [scan("a", image="x.nii"), scan("d", image="same.nii"), scan("e", series_uid="1.2")],
    }
    assert find_leaks(parts) == [
        "image same.nii is in training and test",
        "patient a is in training and test",
        "series 1.2 is in training and test",
        "image c.nii is in fold 0 and fold 1",
        "patient c is in fold 0 and fold 1",
    ]
    with pytest.raises(LeakError, match=r"patient c is in fold 0 and fold 1$"):
        check_leaks(parts)
    check_leaks({"training": parts["training"][:3], "test": [scan("f")]})


def test_a_long_list_of_leaks_is_cut():
    scans = [scan(f"p{number}") for number in range(4)]
    with pytest.raises(LeakError, match="and 3 more"):
        check_leaks({"training": scans, "test": scans})


def test_a_study_and_the_case_of_a_name_leak():
    parts = {
        "training": [scan("Case7"), scan("x", facts={"study_uid": "1.9"})],
        "test": [scan(" CASE7", image="o"), scan("y", facts={"study_uid": "1.9"})],
    }
    assert find_leaks(parts) == ["patient Case7 is in training and test", "study 1.9 is in training and test"]


def test_what_shares_an_identity_is_split_together():
    """Patients that nothing but a study or the case of a name joins."""
    scans = [
        scan(f"{'p' if n % 2 else 'P'}{n // 2}", image=f"{n}", facts={"study_uid": f"1.{n // 2 // 2}"})
        for n in range(80)
    ]
    for seed in range(5):
        assert find_leaks(split_by_patient(scans, SHARES, seed)) == []
        assert find_leaks({"training": assign_folds(scans, 5, seed)}) == []


def test_sizes_in_pixels_are_split_by_quartiles():
    """All are above 20 pixels, and yet the large ones do not come into one part."""
    slices = [
        ScanEntry(f"{n}.png", f"p{n}", "edge_px", (LabelledBox((0.0, 0.0, 30.0 + n, 30.0 + n)),)) for n in range(80)
    ]
    for seed in range(5):
        for entries in split_by_patient(slices, {"training": 1, "test": 1}, seed).values():
            quarters = Counter(int(entry.largest_mm - 30) // 20 for entry in entries)
            assert all(9 <= quarters[quarter] <= 11 for quarter in range(4))


def test_mistakes():
    with pytest.raises(ValueError, match="not all 0"):
        split_by_patient([scan("a")], {"training": 0, "test": 0})
    with pytest.raises(ValueError, match="0 or more"):
        split_by_patient([scan("a")], {"training": 1, "test": -1})
    for folds in (1, 3):
        with pytest.raises(ValueError, match=f"{folds} folds of 2 patients"):
            assign_folds([scan("a"), scan("b")], folds)
