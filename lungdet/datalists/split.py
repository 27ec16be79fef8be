"""Split by patient: stratified, seeded, and without leaks."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from .entry import ScanEntry, size_unit
from .identities import join_identities

PARTS = ("training", "validation", "test")
SIZE_LIMITS_MM = (6.0, 10.0, 20.0)  # of the largest nodule: small, medium, large, mass


class LeakError(ValueError):
    """The same patient, study, series or image is in more than one part."""


def split_by_patient(
    entries: Sequence[ScanEntry], fractions: Mapping[str, float], seed: int = 0
) -> dict[str, list[ScanEntry]]:
    """Split so that all images of a patient come into one part, and so do patients that share a study or an image.

    Patients are sorted by whether they have nodules and how large the largest is (below 6, 10 and 20 mm; by quartiles
    where sizes are not all in mm), those of each such group in a random order; then each goes to the part that lacks
    most so far. So every part has its share of the patients, to within one, and of every group, to within two; the
    result does not depend on the order of the entries.

    Args:
        entries: all images.
        fractions: share of each part; they need not sum to 1. A part with 0 stays empty.
        seed: of the random order.

    Returns:
        Entries by part, each in the order of ``entries``.

    Raises:
        ValueError: a share is negative, or all are 0.

    Example:
        >>> scans = [ScanEntry(f"{n}.mhd", f"p{n}", "lps_mm") for n in range(10)]
        >>> {part: len(found) for part, found in split_by_patient(scans, {"training": 8, "test": 2}).items()}
        {'training': 8, 'test': 2}
    """
    total = sum(fractions.values())
    if total <= 0 or min(fractions.values()) < 0:
        raise ValueError(f"shares must be 0 or more, and not all 0, got {dict(fractions)}")
    owners = join_patients(entries)
    strata = _patients_by_stratum(entries, owners)
    part_of = _assign(strata, {part: share / total for part, share in fractions.items()}, seed)
    parts: dict[str, list[ScanEntry]] = {part: [] for part in fractions}
    for entry, owner in zip(entries, owners, strict=True):
        parts[part_of[owner]].append(entry)
    return parts


def assign_folds(entries: Sequence[ScanEntry], folds: int, seed: int = 0) -> list[ScanEntry]:
    """Number the entries from 0 to ``folds - 1`` by the rule of :func:`split_by_patient`.

    Raises:
        ValueError: there are fewer than two folds, or fewer patients than folds.
    """
    owners = join_patients(entries)
    patients = len(set(owners))
    if not 2 <= folds <= patients:
        raise ValueError(f"{folds} folds of {patients} patients: wanted at least 2, and a patient for each")
    parts = split_by_patient(entries, {str(fold): 1.0 for fold in range(folds)}, seed)
    fold_of = {
        identity: int(fold) for fold, members in parts.items() for each in members for identity in identities(each)
    }
    return [entry.in_fold(fold_of[identities(entry)[0]]) for entry in entries]


def find_leaks(parts: Mapping[str, Iterable[ScanEntry]]) -> list[str]:
    """Tell which patients, studies, series and images are in more than one part or fold, one line for each.

    Folds are looked at within each part. Names of patients that differ only in case or blanks are one patient's.

    Example:
        >>> find_leaks({"training": [ScanEntry("a", "p1", "lps_mm")], "test": [ScanEntry("b", "p1", "lps_mm")]})
        ['patient p1 is in training and test']
    """
    homes: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    folds: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    names: dict[tuple[str, str], str] = {}
    for part, entries in parts.items():
        for entry in entries:
            for key in identities(entry):
                names.setdefault(key, entry.patient_id if key[0] == "patient" else key[1])
                homes[key][part] = None
                if entry.fold is not None:
                    folds[key][f"fold {entry.fold}"] = None
    return [
        f"{key[0]} {names[key]} is in {' and '.join(places)}"
        for found in (homes, folds)
        for key, places in sorted(found.items())
        if len(places) > 1
    ]


def check_leaks(parts: Mapping[str, Iterable[ScanEntry]]) -> None:
    """Refuse parts that share a patient, a study, a series or an image.

    Raises:
        LeakError: they do; the message names the first five.
    """
    leaks = find_leaks(parts)
    if leaks:
        more = f"; and {len(leaks) - 5} more" if len(leaks) > 5 else ""
        raise LeakError("; ".join(leaks[:5]) + more)


def stratum(largest_mm: float | None, limits: Sequence[float] = SIZE_LIMITS_MM) -> int:
    """Group of a patient: 0 without a nodule, else 1 and more by the size of the largest.

    Args:
        largest_mm: size of the largest nodule, in the unit of the limits.
        limits: rising sizes between the groups; a limit belongs to the group above it.

    Example:
        >>> [stratum(size) for size in (None, 4, 6, 12, 30)]
        [0, 1, 2, 3, 4]
    """
    return 0 if largest_mm is None else 1 + sum(largest_mm >= limit for limit in limits)


def identities(entry: ScanEntry) -> list[tuple[str, str]]:
    """What an entry must not share with another part: patient, image, and the series and study where they are known.

    Example:
        >>> identities(ScanEntry("a.nii", "Case 7 ", "lps_mm", series_uid="1.2", facts={"study_uid": "1"}))
        [('patient', 'case 7'), ('image', 'a.nii'), ('series', '1.2'), ('study', '1')]
    """
    known = (("series", entry.series_uid), ("study", entry.facts.get("study_uid")))
    named = [("patient", entry.patient_id.strip().casefold()), ("image", entry.image)]
    return named + [(kind, str(name)) for kind, name in known if name]


def join_patients(entries: Sequence[ScanEntry]) -> list[str]:
    """Tell, for each entry, the patient it goes with: the first by name of those that share an identity, step by step.

    Example:
        >>> scans = [ScanEntry(f"{n}.nii", p, "lps_mm", series_uid=uid) for n, p, uid in
        ...     [(1, "b", "1.1"), (2, "a", "1.1"), (3, "A", ""), (4, "c", "")]]
        >>> join_patients(scans)
        ['A', 'A', 'A', 'c']
    """
    roots = join_identities(identities(entry) for entry in entries)
    names: dict[tuple[str, str], str] = {}
    for key, entry in zip(roots, entries, strict=True):
        names[key] = min(names.get(key, entry.patient_id), entry.patient_id)
    return [names[key] for key in roots]


def _patients_by_stratum(entries: Sequence[ScanEntry], owners: Sequence[str]) -> dict[int, list[str]]:
    largest: dict[str, float | None] = dict.fromkeys(owners)
    for entry, owner in zip(entries, owners, strict=True):
        sizes = [size for size in (largest[owner], entry.largest_mm) if size is not None]
        largest[owner] = max(sizes, default=None)
    limits = _limits(entries, [size for size in largest.values() if size is not None])
    strata: dict[int, list[str]] = defaultdict(list)
    for patient in sorted(largest):
        strata[stratum(largest[patient], limits)].append(patient)
    return dict(sorted(strata.items()))


def _limits(entries: Sequence[ScanEntry], sizes: Sequence[float]) -> tuple[float, ...]:
    """Sizes between the strata: those in mm, or the quartiles where any size is in pixels."""
    in_mm = all(size_unit(item, entry.box_frame) == "mm" for entry in entries for item in entry.boxes)
    if in_mm:
        return SIZE_LIMITS_MM
    ranked = sorted(sizes)
    return tuple(ranked[len(ranked) * quarter // 4] for quarter in (1, 2, 3))


def _assign(strata: Mapping[int, list[str]], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Go through the strata, each in a random order, and give every patient to the part that lacks most so far."""
    generator = random.Random(seed)
    part_of: dict[str, str] = {}
    given = dict.fromkeys(shares, 0)
    for patients in strata.values():
        order = patients.copy()
        generator.shuffle(order)
        for patient in order:
            lacks = {part: share * (len(part_of) + 1) - given[part] for part, share in shares.items() if share > 0}
            part_of[patient] = max(lacks, key=lambda part: round(lacks[part], 6))  # of equals the first
            given[part_of[patient]] += 1
    return part_of
