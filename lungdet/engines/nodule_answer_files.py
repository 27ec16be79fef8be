"""The files of a nodule classifier's evaluation, by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lungdet.counted import counted
from lungdet.metrics import OrdinalScores, Reliability
from lungdet.metrics.rating_levels import median_from_shares, whole_level
from lungdet.metrics.roc_curve import roc_curve
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS
from lungdet.reports.classification_figures import ReliabilityToDraw, draw_confusion, draw_reliability
from lungdet.reports.classification_tables import rows_to_csv
from lungdet.reports.cube_sheet import draw_cubes
from lungdet.reports.nodule_figures import RatingToDraw, draw_ratings, draw_roc
from lungdet.reports.score_figures import CurveToDraw

from .classification_files import to_json_bytes
from .nodule_answer_scores import NoduleAnswerScores, cube_rows
from .optional_figures import draw_loss, figures_of
from .scored_cube import UNKNOWN, ScoredCube
from .worst_cubes import WorstCubes


def nodule_answer_files(
    scores: NoduleAnswerScores, worst: WorstCubes | None = None, history: str | Path | None = None
) -> dict[str, bytes]:
    """Make ``metrics.json``, ``cubes.csv``, the figures and ``worst.png``.

    Args:
        scores: of all cubes.
        worst: cubes to draw; no ``worst.png`` if None.
        history: table that the training wrote, for ``loss.png``; none without the file.

    Returns:
        Content by name. Without matplotlib there are no figures but the sheet, and a warning is logged.
    """
    rows = cube_rows(scores.cubes)
    files = {"metrics.json": to_json_bytes(scores.to_json()), "cubes.csv": rows_to_csv(list(rows[0]), rows)}
    if worst is not None:
        files["worst.png"] = draw_cubes(worst.columns(), "The worst")
    return files | figures_of(lambda: _figures(scores) | draw_loss(history))


def _figures(scores: NoduleAnswerScores) -> dict[str, bytes]:
    title, types = counted(len(scores.cubes), "cube"), scores.types
    accuracy = f"{counted(types.scores.images, 'nodule')}, accuracy {types.accuracy.value:.3f}"
    statements = {"nodule or look-alike": scores.nodule.reliability, "type": types.reliability}
    return {
        "roc.png": draw_roc(_curves(scores), title),
        "confusion.png": draw_confusion(types.confusion, NODULE_TYPES, accuracy, "nodules"),
        "reliability.png": draw_reliability([_line(name, part) for name, part in statements.items()], title),
        "ratings.png": draw_ratings([_panel(part, scores.cubes) for part in scores.ratings], title),
    }


def _curves(scores: NoduleAnswerScores) -> list[CurveToDraw]:
    """Nodule against look-alike first, then each type against the others."""
    binary, area = [cube for cube in scores.cubes if cube.nodule != UNKNOWN], scores.nodule.auc
    x, y = roc_curve([cube.answer.nodule for cube in binary], [cube.nodule == 1 for cube in binary])
    point = scores.to_json()["nodule"]
    dots = (point["false_positive_rate"],), (point["sensitivity"],)
    label = f"nodule: AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
    curves = [CurveToDraw(label, x, y, dots_x=dots[0] if len(x) else (), dots_y=dots[1] if len(x) else ())]
    typed = [cube for cube in scores.cubes if cube.kind != UNKNOWN]
    for place, (name, part) in enumerate(zip(NODULE_TYPES, scores.types.aucs, strict=True)):
        x, y = roc_curve([cube.answer.kinds[place] for cube in typed], [cube.kind == place for cube in typed])
        if len(x):
            curves.append(CurveToDraw(f"{name.replace('_', ' ')}: AUC {part.value:.3f}", x, y))
    return curves


def _line(name: str, found: Reliability) -> ReliabilityToDraw:
    label = f"{name}: calibration error {found.expected_error:.3f}"
    return ReliabilityToDraw(label, found.edges, found.counts, found.confidence, found.accuracy)


def _panel(scores: OrdinalScores, cubes: tuple[ScoredCube, ...]) -> RatingToDraw:
    place = ORDINAL_RATINGS.index(scores.name)
    pairs = [(cube.shares[place], cube.answer.rating(scores.name)) for cube in cubes]
    known = [(shares, said.mean) for shares, said in pairs if said is not None and not np.isnan(shares).any()]
    readers = whole_level(median_from_shares(np.array([shares for shares, _ in known]).reshape(-1, 4)))
    label = f"{scores.name}: error {scores.mean_error.value:.2f}, κ {scores.kappa.value:.2f}"
    return RatingToDraw(label, readers, [said for _, said in known])
