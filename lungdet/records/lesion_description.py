"""What a list of measured lesions amounts to: counts, sizes, sums of studies, and growth between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .measured_lesion import MeasuredLesion


@dataclass(frozen=True)
class Spread:
    """Quantiles of some numbers.

    Attributes:
        count: how many there are.
        low: 5th percentile; None, as all others, without any.
        quarter: 25th percentile.
        median: the 50th.
        three_quarters: the 75th.
        high: the 95th.
    """

    count: int
    low: float | None = None
    quarter: float | None = None
    median: float | None = None
    three_quarters: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TypeSummary:
    """Lesions of one type.

    Attributes:
        lesion_type: its name, or ``"all"``.
        marks: measurements, repeats in one study among them.
        patients: who have one.
        long_mm: of the longer diameters.
        short_mm: of the shorter ones, where there are any.
    """

    lesion_type: str
    marks: int
    patients: int
    long_mm: Spread
    short_mm: Spread


@dataclass(frozen=True)
class StudySum:
    """Diameters of one study.

    Attributes:
        patient: whose.
        study: its number.
        marks: measurements in it.
        lesions: after marks of one lesion on several slices or in several series have been put together.
        sum_mm: of the long diameters of all lesions, :attr:`lungdet.records.SequenceMark.long_mm`.
        sd_mm: standard deviation of that sum by the measurement error.
        targets: how many of the patient's target lesions were measured in it.
        all_targets: how many target lesions the patient has; none if the order of the studies is not known.
        target_sum_mm: of their long diameters; None if none was measured.
    """

    patient: str
    study: int
    marks: int
    lesions: int
    sum_mm: float
    sd_mm: float
    targets: int
    all_targets: int
    target_sum_mm: float | None


@dataclass(frozen=True)
class StudyGrowth:
    """The lesions of a patient that were measured in one study, and next in another.

    Each lesion is compared with its own measurement before, so that there may be several of these up to one study: one
    for each study in which its lesions were measured last.

    Attributes:
        patient: whose.
        before: number of the earlier study.
        after: number of the later one; none of the lesions was measured between.
        lesions: that were measured in both.
        sum_before_mm: of their long diameters in the earlier study.
        sum_after_mm: in the later one.
        limit_mm: changes up to this are what repeated measurement gives in 95 of 100 cases without growth.
        growth: ``"grows"``, ``"shrinks"`` or ``"within error"``.
    """

    patient: str
    before: int
    after: int
    lesions: int
    sum_before_mm: float
    sum_after_mm: float
    limit_mm: float
    growth: str

    @property
    def change_mm(self) -> float:
        """Change of the sum."""
        return self.sum_after_mm - self.sum_before_mm

    @property
    def change_percent(self) -> float | None:
        """Change of the sum in percent of the earlier one; None if that is 0."""
        return 100 * self.change_mm / self.sum_before_mm if self.sum_before_mm else None


@dataclass(frozen=True)
class LesionDescription:
    """A list of lesions, described.

    Attributes:
        lesions: the measurements themselves.
        types: a summary of each type that occurs, and of all.
        studies: sums, by patient and study.
        growths: between studies, by patient and studies; only of patients whose studies can be compared.
        patients: how many there are.
        single_study: patients of whom there is one study only.
        not_comparable: patients whose studies have no known order.
        not_followed: studies after the first of a patient, in a known order, with no lesion of an earlier one.
        flags: how many measurements carry each flag.
        error: the numbers of the measurement error.
    """

    lesions: tuple[MeasuredLesion, ...]
    types: tuple[TypeSummary, ...]
    studies: tuple[StudySum, ...]
    growths: tuple[StudyGrowth, ...]
    patients: int
    single_study: int
    not_comparable: int
    not_followed: int
    flags: Mapping[str, int] = field(default_factory=dict)
    error: Mapping[str, float] = field(default_factory=dict)

    @property
    def not_placed(self) -> int:
        """Measurements without a place: nothing tells which of them are one lesion."""
        return sum(lesion.location is None for lesion in self.lesions)
