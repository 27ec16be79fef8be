"""The cubes that a classifier got most wrong, kept while cubes go by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS
from lungdet.reports.cube_sheet import CubeCase

from .scored_cube import UNKNOWN, ScoredCube

MISSED, FALSE, TYPE, RATING = HEADINGS = (
    "nodules taken for look-alikes", "look-alikes taken for nodules", "types mistaken", "malignancy furthest off",
)  # fmt: skip
MALIGNANCY = ORDINAL_RATINGS[0]
Rank = tuple[float, str, tuple[float, float, float]]  # the lowest is the worst
Entry = tuple[Rank, CubeCase]


@dataclass
class WorstCubes:
    """A few cubes of each sort of error.

    Args:
        limit: how many of each to keep.
        threshold: probability from which on a mark is taken for a nodule.

    Attributes:
        kept: by heading, the worst first.
    """

    limit: int
    threshold: float
    kept: dict[str, list[Entry]] = field(default_factory=lambda: {heading: [] for heading in HEADINGS})

    def add(self, cube: ScoredCube, hu: NDArray[np.int16], affine_lps: NDArray[np.float64]) -> None:
        """Look at one cube; ``hu`` is ``(X, Y, Z)``, ``affine_lps`` from its voxel centres to LPS mm."""
        for heading, misery in self._errors(cube):
            entries = self.kept[heading]
            rank = (-misery, cube.name, cube.center_lps_mm)
            if len(entries) < self.limit or rank < entries[-1][0]:
                case = CubeCase(hu, affine_lps, describe(cube))
                self.kept[heading] = sorted([*entries, (rank, case)], key=lambda entry: entry[0])[: self.limit]

    @classmethod
    def joined(cls, parts: Sequence[WorstCubes]) -> WorstCubes:
        """Join what several processes kept; what is there twice counts once."""
        whole = cls(parts[0].limit, parts[0].threshold)
        for heading in HEADINGS:
            entries: dict[Rank, Entry] = {}
            for part in parts:
                for entry in part.kept[heading]:
                    known = bool(entry[0][1])
                    entries.setdefault(entry[0] if known else (*entry[0][:2], (float(len(entries)),) * 3), entry)
            whole.kept[heading] = sorted(entries.values(), key=lambda entry: entry[0])[: whole.limit]
        return whole

    def columns(self) -> dict[str, list[CubeCase]]:
        """Return the cases by heading, for :func:`~lungdet.reports.cube_sheet.draw_cubes`."""
        return {heading: [case for _, case in entries] for heading, entries in self.kept.items()}

    def _errors(self, cube: ScoredCube) -> Iterator[tuple[str, float]]:
        """Sorts of error of one cube, and how bad they are."""
        said = cube.answer
        if cube.nodule == 1 and said.nodule < self.threshold:
            yield MISSED, 1 - said.nodule
        if cube.nodule == 0 and said.nodule >= self.threshold:
            yield FALSE, said.nodule
        if cube.kind != UNKNOWN and said.kind != cube.kind_name:
            yield TYPE, max(said.kinds) - said.kinds[cube.kind]
        error = cube.rating_error(MALIGNANCY)
        if np.isfinite(error):
            yield RATING, error


def describe(cube: ScoredCube) -> tuple[str, str, str]:
    """Write the truth, the answer, and where the cube is from."""
    size = "" if np.isnan(cube.diameter_mm) else f"{cube.diameter_mm:.1f} mm"
    what = {1: "nodule", 0: "look-alike"}.get(cube.nodule, "unknown")
    readers = "" if np.isnan(cube.shares[0]).any() else f"malignancy {1 + cube.shares[0].sum():.1f}"
    truth = [what, cube.kind_name.replace("_", " "), cube.place.replace("_", " "), size, readers]
    said, rating = cube.answer, cube.answer.rating(MALIGNANCY)
    kind = f"{said.kind.replace('_', ' ')} {said.kinds[NODULE_TYPES.index(said.kind)]:.2f}"
    answer = [
        f"{said.nodule:.2f}",
        kind,
        "" if rating is None else f"malignancy {rating.mean:.1f} ± {rating.spread:.1f}",
    ]
    lines = (f"is: {', '.join(filter(None, truth))}", f"said: nodule {', '.join(filter(None, answer))}")
    return *lines, cube.name or (f"patient {cube.patient}" if cube.patient else "")
