"""What a builder makes of a data set, before it is split."""

from __future__ import annotations

from dataclasses import dataclass

from .entry import ScanEntry


@dataclass(frozen=True)
class BuiltList:
    """The entries of a data set.

    Attributes:
        name: of the data set.
        entries: one for each image.
        problems: what could not be trusted and was left out: file, line and reason.
        notes: what a user of the list should know.
        official: what the data set itself says about the split: ``parts`` (:attr:`ScanEntry.part` is set), ``folds``
            (:attr:`ScanEntry.fold` is set), or nothing.
        labels: name of each class.
        unknown_patients: how many entries have no patient but themselves, for nothing names one: they cannot be split.
    """

    name: str
    entries: tuple[ScanEntry, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    official: str = ""
    labels: tuple[str, ...] = ("nodule",)
    unknown_patients: int = 0
