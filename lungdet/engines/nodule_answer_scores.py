"""All scores of evaluated cubes: nodule or look-alike, type, ratings, and the same by size and place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet import __version__
from lungdet.metrics import (
    BinaryScores,
    Estimate,
    OrdinalScores,
    TypeScores,
    binary_scores,
    estimate,
    ordinal_scores,
    size_labels,
    type_scores,
    weighted_auroc,
)
from lungdet.metrics.froc_curve import number_or_none
from lungdet.metrics.rating_levels import mean_from_shares
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS

from .scored_cube import UNKNOWN, ScoredCube, unrepeated_cubes

Array = NDArray[np.float64]
Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class NoduleAnswerScores:
    """Scores of a set of cubes.

    Attributes:
        cubes: in an order of their own.
        threshold: probability from which on a mark is taken for a nodule.
        nodule: nodules against look-alikes.
        types: of the nodules whose type is known.
        ratings: of the nodules with ratings, in the order of ``ORDINAL_RATINGS``.
        sizes: the scores of nodules by diameter; the area is against all look-alikes.
        places: by what look-alikes are and nodules touch: how many are taken for nodules.
    """

    cubes: tuple[ScoredCube, ...]
    threshold: float
    nodule: BinaryScores
    types: TypeScores
    ratings: tuple[OrdinalScores, ...]
    sizes: tuple[Row, ...]
    places: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds: plain numbers, at full precision, None for what cannot be told."""
        return {
            "software": f"lungdet {__version__}",
            "cubes": len(self.cubes),
            "patients": len({cube.patient for cube in self.cubes} - {""}) or None,
            "nodule": self.nodule.to_json() | self._at_threshold(),
            "types": self.types.to_json(),
            "ratings": [scores.to_json() for scores in self.ratings],
            "sizes": list(self.sizes),
            "places": list(self.places),
        }

    def _at_threshold(self) -> dict[str, Any]:
        said = {truth: [cube.answer.nodule for cube in self.cubes if cube.nodule == truth] for truth in (0, 1)}
        return {
            "threshold": self.threshold,
            "sensitivity": _part_above(said[1], self.threshold),
            "false_positive_rate": _part_above(said[0], self.threshold),
        }


def score_cubes(
    cubes: Sequence[ScoredCube],
    threshold: float = 0.5,
    size_edges_mm: Sequence[float] = (6.0, 10.0, 15.0),
    resamples: int = 1000,
    seed: int = 0,
) -> NoduleAnswerScores:
    """Score cubes; their order does not matter.

    Args:
        cubes: of any patients; what is unknown of one is left out of that score.
        threshold: probability from which on a mark is taken for a nodule.
        size_edges_mm: diameters between the groups of sizes.
        resamples: of the patients, for the intervals.
        seed: of the draws.

    Raises:
        ValueError: there is no cube.
    """
    if not cubes:
        raise ValueError("there is no cube to score: is the list of the data empty?")
    ordered = unrepeated_cubes(cubes)
    binary = [cube for cube in ordered if cube.nodule != UNKNOWN]
    typed = [cube for cube in ordered if cube.kind != UNKNOWN]
    settings = {"resamples": resamples, "seed": seed}
    return NoduleAnswerScores(
        cubes=tuple(ordered),
        threshold=threshold,
        nodule=binary_scores(
            _said(binary), [cube.nodule == 1 for cube in binary], patients_of(binary), **settings, spacing="quantile"
        ),
        types=_type_scores(typed, settings),
        ratings=tuple(_rating_scores(ordered, place, settings) for place in range(len(ORDINAL_RATINGS))),
        sizes=tuple(_size_rows(ordered, threshold, size_edges_mm, settings)),
        places=tuple(_place_rows(binary, threshold)),
    )


def patients_of(cubes: Sequence[ScoredCube]) -> list[str]:
    """Names to draw; a cube whose patient nobody told is a patient of its own."""
    return [f"patient {cube.patient}" if cube.patient else f"cube {row}" for row, cube in enumerate(cubes)]


def cube_rows(cubes: Iterable[ScoredCube]) -> list[dict[str, Any]]:
    """Return the rows of ``cubes.csv``: the truth beside what was said."""
    rows = []
    for cube in cubes:
        row: dict[str, Any] = {
            "file": cube.name,
            "patient": cube.patient,
            **{f"{axis}_lps_mm": number_or_none(at) for axis, at in zip("xyz", cube.center_lps_mm, strict=True)},
            "place": cube.place,
            "diameter_mm": number_or_none(cube.diameter_mm),
            "nodule": None if cube.nodule == UNKNOWN else cube.nodule,
            "p_nodule": cube.answer.nodule,
            "type": cube.kind_name,
            "said_type": cube.answer.kind,
            **{f"p_{name}": said for name, said in zip(NODULE_TYPES, cube.answer.kinds, strict=True)},
        }
        for name, readers in zip(ORDINAL_RATINGS, mean_from_shares(cube.shares).tolist(), strict=True):
            said = cube.answer.rating(name)
            row |= {name: number_or_none(readers), f"said_{name}": None if said is None else said.mean}
            row[f"said_{name}_spread"] = None if said is None else said.spread
        rows.append(row)
    return rows


def _type_scores(cubes: Sequence[ScoredCube], settings: Mapping[str, int]) -> TypeScores:
    said = np.array([cube.answer.kinds for cube in cubes]).reshape(-1, len(NODULE_TYPES))
    said /= said.sum(axis=1, keepdims=True)  # records allow for a rounded sum
    return type_scores(said, [cube.kind for cube in cubes], NODULE_TYPES, patients_of(cubes), **settings)


def _rating_scores(cubes: Sequence[ScoredCube], place: int, settings: Mapping[str, int]) -> OrdinalScores:
    name = ORDINAL_RATINGS[place]
    rated = [cube for cube in cubes if cube.answer.rating(name) is not None and not np.isnan(cube.shares[place]).any()]
    said, shares = (
        np.array([values[place] for values in part]).reshape(-1, 4)
        for part in ([cube.said_shares for cube in rated], [cube.shares for cube in rated])
    )
    return ordinal_scores(name, np.clip(said, 0.0, 1.0), shares, patients_of(rated), **settings)


def _size_rows(
    cubes: Sequence[ScoredCube], threshold: float, edges_mm: Sequence[float], settings: Mapping[str, int]
) -> list[Row]:
    """Scores of the nodules of each size, from small to large."""
    nodules = [cube for cube in cubes if cube.nodule == 1 and np.isfinite(cube.diameter_mm)]
    others = [cube for cube in cubes if cube.nodule == 0]
    labels = size_labels([cube.diameter_mm for cube in nodules], edges_mm)
    order = sorted(range(len(nodules)), key=lambda row: nodules[row].diameter_mm)
    rows: list[Row] = []
    for label in dict.fromkeys(labels[row] for row in order):
        own = [cube for cube, its in zip(nodules, labels, strict=True) if its == label]
        typed = [cube for cube in own if cube.kind != UNKNOWN]
        errors = [cube.rating_error(ORDINAL_RATINGS[0]) for cube in own]
        known = [error for error in errors if np.isfinite(error)]
        rows.append(
            {
                "diameter": label,
                "nodules": len(own),
                "auc": _area(own + others, settings).to_json(),
                "sensitivity": _part_above(_said(own).tolist(), threshold),
                "type_accuracy": _mean([float(cube.answer.kind == cube.kind_name) for cube in typed]),
                f"{ORDINAL_RATINGS[0]}_error": _mean(known),
            }
        )
    return rows


def _place_rows(cubes: Sequence[ScoredCube], threshold: float) -> list[Row]:
    """How often nodules and look-alikes of each sort are taken for nodules, nodules first."""
    groups: dict[tuple[int, str], list[float]] = {}
    for cube in cubes:
        if cube.place:
            groups.setdefault((1 - cube.nodule, cube.place), []).append(cube.answer.nodule)
    return [
        {
            "nodule": 1 - other,
            "place": place,
            "cubes": len(said),
            "taken_for_nodules": _part_above(said, threshold),
            "mean_probability": _mean(said),
        }
        for (other, place), said in sorted(groups.items())
    ]


def _area(cubes: Sequence[ScoredCube], settings: Mapping[str, int]) -> Estimate:
    said, positive = _said(cubes), np.array([cube.nodule == 1 for cube in cubes], dtype=bool)
    return estimate(lambda weights: weighted_auroc(said, positive, weights), len(cubes), patients_of(cubes), **settings)


def _said(cubes: Sequence[ScoredCube]) -> Array:
    return np.array([cube.answer.nodule for cube in cubes], dtype=np.float64)


def _part_above(values: Sequence[float], threshold: float) -> float | None:
    return _mean([float(value >= threshold) for value in values])


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None
