"""Draw one patient of a synthetic DeepLesion: body, lesions, studies and their series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .deeplesion_study import MarkedLesion, SeriesGrid, mark_lesion
from .scanner import Dose, Kernel
from .torso import Torso, draw_torso
from .torso_lesion import LesionState, TorsoLesion
from .torso_lesion_history import draw_lesions

Array = NDArray[Any]

STUDY_CHANCES = (0.2, 0.35, 0.28, 0.17)  # of 1, 2, 3 and 4 studies
LESION_CHANCES = (0.2, 0.25, 0.22, 0.16, 0.1, 0.07)  # of 1 to 6 lesions
STEPS_MM, STEP_CHANCES = (5.0, 2.0, 1.0), (0.92, 0.06, 0.02)
MARK_CHANCE = 0.9  # not every lesion is marked
SECOND_SERIES_CHANCE, AGAIN_CHANCE = 0.06, 0.6  # of a study to have two; of a lesion to be marked in the second, too
BESIDE_CHANCE = 0.02  # of a lesion to be marked on the next slice, too
COVER_CHANCES = {"whole": 0.76, "chest": 0.12, "belly": 0.12}
MARGIN_MM = (6.0, 45.0)  # of the field of view around the trunk, both sides together
OFF_CENTER_MM = 8.0
PATIENT_STREAM = 401


@dataclass(frozen=True)
class SyntheticPatient:
    """A patient and the state of chance from which the studies follow.

    Attributes:
        index: from 1.
        torso: the body.
        lesions: all of them, over all studies.
        studies: how many there are.
        sex: ``M`` or ``F``.
        ages: whole years at each study.
    """

    index: int
    torso: Torso
    lesions: tuple[TorsoLesion, ...]
    studies: int
    sex: str
    ages: tuple[float, ...]

    def states(self, study: int) -> dict[str, LesionState]:
        """Lesions that are there at a study, counted from 0, by identity."""
        found = {lesion.identity: lesion.state(study) for lesion in self.lesions}
        return {identity: state for identity, state in found.items() if state is not None}


@dataclass(frozen=True)
class SyntheticSeries:
    """One series of a study with what a reader has marked in it.

    Attributes:
        study: index from 0.
        number: of the series, from 1.
        grid: where its pixels lie.
        marks: what is marked.
        states: all lesions that are there, as this series shows them.
        kernel, dose: of the scanner.
    """

    study: int
    number: int
    grid: SeriesGrid
    marks: tuple[MarkedLesion, ...]
    states: tuple[LesionState, ...]
    kernel: Kernel
    dose: Dose

    @property
    def slice_numbers(self) -> list[int]:
        """Numbers of the slices that the contexts of its marks need, rising."""
        return sorted({n for mark in self.marks for n in range(mark.slice_range[0], mark.slice_range[1] + 1)})


def draw_patient(
    index: int, seed: int, types: tuple[int, ...], studies: int | None = None, lesions: int | None = None
) -> SyntheticPatient:
    """Draw a patient: the same index and seed give the same one.

    Args:
        index: from 1.
        seed: of the data set.
        types: of lesions.
        studies: how many; None draws 1 to 4.
        lesions: how many; None draws 1 to 6.
    """
    rng = np.random.default_rng([seed, PATIENT_STREAM, index])
    torso = draw_torso(int(rng.integers(2**31)))
    count = int(rng.choice(len(STUDY_CHANCES), p=STUDY_CHANCES)) + 1 if studies is None else studies
    many = int(rng.choice(len(LESION_CHANCES), p=LESION_CHANCES)) + 1 if lesions is None else lesions
    found = draw_lesions(rng, torso, f"{index:06d}", count, many, types)
    ages = np.floor(rng.uniform(20, 80) + np.cumsum(rng.uniform(0.1, 1.4, count)))
    return SyntheticPatient(index, torso, found, count, "F" if torso.build.female else "M", tuple(ages.tolist()))


def draw_series(
    patient: SyntheticPatient, study: int, seed: int, image_size: int, context_mm: float
) -> list[SyntheticSeries]:
    """Draw the series of a study that have marks, most often one.

    Args:
        patient: whose.
        study: index from 0.
        seed: of the data set.
        image_size: columns and rows.
        context_mm: of slices above and below a key slice.
    """
    rng = np.random.default_rng([seed, PATIENT_STREAM, patient.index, study])
    states = patient.states(study)
    wanted = [identity for identity in states if rng.random() < MARK_CHANCE]
    found = []
    number = int(rng.integers(1, 4))
    for turn in range(1 + int(rng.random() < SECOND_SERIES_CHANCE)):
        grid = draw_grid(rng, patient.torso, image_size)
        chosen = [identity for identity in wanted if not turn or rng.random() < AGAIN_CHANCE]
        marks = {identity: mark_lesion(rng, grid, states[identity], context_mm) for identity in chosen}
        again = [mark_lesion(rng, grid, states[i], context_mm, 1) for i in marks if rng.random() < BESIDE_CHANCE]
        shown = states | {identity: mark.state for identity, mark in marks.items() if mark is not None}
        kernel: Kernel = "standard" if rng.random() < 0.7 else "soft"
        dose: Dose = "standard" if rng.random() < 0.75 else "low"
        kept = [mark for mark in (*marks.values(), *again) if mark is not None]
        if kept:
            kept.sort(key=lambda mark: mark.key_slice)
            painted = tuple(shown.values())
            found.append(SyntheticSeries(study, number + turn, grid, tuple(kept), painted, kernel, dose))
    return found


def draw_grid(rng: np.random.Generator, torso: Torso, image_size: int) -> SeriesGrid:
    """Draw the field of view, the distance of the slices and the cover of a series.

    The field holds the trunk at its widest within the cover; ``chest`` ends at the kidneys, ``belly`` begins above
    the diaphragm, ``whole`` takes all.
    """
    step = float(rng.choice(STEPS_MM, p=STEP_CHANCES))
    cover = str(rng.choice(list(COVER_CHANCES), p=list(COVER_CHANCES.values())))
    low, high = torso.z_range_mm
    marks = torso.landmarks_mm
    if cover == "chest":
        low = marks["kidney_upper_pole"] - 20
    if cover == "belly":
        high = marks["diaphragm_dome"] + 30
    high -= float(rng.uniform(0, 12))
    boxes = np.array([torso.body_box(z) for z in np.linspace(low, high, 9)])
    wide = float((boxes[:, 2:] - boxes[:, :2]).max()) + float(rng.uniform(*MARGIN_MM))
    middle = (boxes[:, :2].min(axis=0) + boxes[:, 2:].max(axis=0)) / 2 + rng.normal(0, OFF_CENTER_MM, 2)
    pixel = wide / image_size
    corner = middle - (image_size - 1) / 2 * pixel
    count = int((high - low) / step)
    return SeriesGrid(image_size, pixel, step, (float(corner[0]), float(corner[1])), high, count)
