"""One lesion over the studies of a patient, and all lesions of that patient."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .measured_lesion import MeasuredLesion


@dataclass(frozen=True)
class SequenceMark:
    """One lesion in one study.

    Attributes:
        lesion: the mark that is shown for it: the one with the longest diameter.
        repeats: other marks of the same lesion in the same study, on other slices or in other series.
        distance: to the closest mark of the other studies in the sequence; None if there is none. See
            :class:`lungdet.lesions.DistanceWeights` for its unit.
    """

    lesion: MeasuredLesion
    repeats: tuple[MeasuredLesion, ...] = ()
    distance: float | None = None

    def __post_init__(self) -> None:
        place = (self.lesion.patient, self.lesion.study)
        strangers = [mark.key for mark in self.repeats if (mark.patient, mark.study) != place]
        if strangers:
            raise ValueError(f"{self.lesion.key}: {strangers[0]} is of another study, and so no repeat of it")

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all its marks, the chosen one first."""
        return (self.lesion.key, *(mark.key for mark in self.repeats))

    @property
    def long_mm(self) -> float:
        """Long diameter in this study: that of the largest cut in each series, and the mean of the series.

        Slices of one series cut one lesion in several places, and the largest cut is its diameter. Series are readings
        of the same thing: the largest of several readings would be larger than a single one though nothing grew.
        """
        return sum(mark.long_mm for mark in self._cuts) / len(self._cuts)

    @property
    def short_mm(self) -> float | None:
        """Mean of the short diameters of the cuts that give the long one; None if none has one."""
        short = [mark.short_mm for mark in self._cuts if mark.short_mm is not None]
        return sum(short) / len(short) if short else None

    @property
    def _cuts(self) -> list[MeasuredLesion]:
        """The largest cut of each series; of equal ones the first by key."""
        largest: dict[int, MeasuredLesion] = {}
        for mark in sorted((self.lesion, *self.repeats), key=lambda mark: (-mark.long_mm, mark.key)):
            largest.setdefault(mark.series, mark)
        return list(largest.values())


@dataclass(frozen=True)
class LesionSequence:
    """One lesion in one study or more, no two marks of one study but repeats.

    Attributes:
        name: patient and running number, ``000001-01``; numbers go by the first study, then by key.
        marks: one a study, in the order of the studies.
    """

    name: str
    marks: tuple[SequenceMark, ...]

    def __post_init__(self) -> None:
        if not self.marks:
            raise ValueError(f"{self.name}: a sequence needs a mark")
        if len({mark.lesion.patient for mark in self.marks}) > 1:
            raise ValueError(f"{self.name}: marks of two patients in one sequence")
        studies = [mark.lesion.study for mark in self.marks]
        if any(b <= a for a, b in pairwise(studies)):
            raise ValueError(f"{self.name}: studies must rise, one mark each, got {studies}")

    def __len__(self) -> int:
        return len(self.marks)

    @property
    def patient(self) -> str:
        """Whose lesion it is."""
        return self.marks[0].lesion.patient

    @property
    def studies(self) -> tuple[int, ...]:
        """Studies in which it was marked."""
        return tuple(mark.lesion.study for mark in self.marks)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all marks, repeats among them."""
        return tuple(key for mark in self.marks for key in mark.keys)

    @property
    def lesion_type(self) -> str:
        """The type that most of its marks have; the first of those that are equally frequent, known ones before."""
        types = [mark.lesion.lesion_type for mark in self.marks]
        known = [name for name in types if name != "unknown"] or types
        return max(known, key=known.count)


@dataclass(frozen=True)
class PatientHistory:
    """All lesions of a patient over time; every mark is in exactly one sequence.

    Attributes:
        patient: who.
        studies: all in which a lesion was marked, in their order.
        sequences: the lesions, by name; those of one mark are lesions that were marked once.
    """

    patient: str
    studies: tuple[int, ...]
    sequences: tuple[LesionSequence, ...]

    @property
    def followed(self) -> tuple[LesionSequence, ...]:
        """Lesions that were marked in two studies or more."""
        return tuple(sequence for sequence in self.sequences if len(sequence) > 1)
