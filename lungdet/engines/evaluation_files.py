"""The files of an evaluation, by name."""

from __future__ import annotations

import json
from pathlib import Path

from lungdet.counted import counted
from lungdet.metrics import FrocIntervals, FrocResult
from lungdet.reports.case_sheet import draw_cases
from lungdet.reports.score_figures import (
    CurveToDraw,
    draw_froc,
    draw_precision_recall,
)
from lungdet.reports.score_tables import columns_to_csv

from .evaluation_scores import EvaluationScores, scan_row
from .optional_figures import draw_loss, figures_of
from .worst_cases import WorstCases


def evaluation_files(
    scores: EvaluationScores, worst: WorstCases | None = None, history: str | Path | None = None
) -> dict[str, bytes]:
    """Make ``metrics.json``, ``scans.csv``, ``froc.png``, ``pr.png``, ``worst.png`` and ``loss.png``.

    Args:
        scores: of all scans.
        worst: cases to draw; no ``worst.png`` if None.
        history: table that the training wrote, see :func:`~lungdet.reports.history.read_history`; no ``loss.png``
            without the file.

    Returns:
        Content by name. Without matplotlib there are no curves, and a warning is logged.
    """
    rows = [scan_row(scan, scores.threshold) for scan in scores.scans]
    files = {
        "metrics.json": (json.dumps(scores.to_json(), indent=2, allow_nan=False) + "\n").encode("ascii"),
        "scans.csv": columns_to_csv({name: [row[name] for row in rows] for name in rows[0]}),
    }
    if worst is not None:
        files["worst.png"] = draw_cases(worst.columns())
    return files | figures_of(lambda: _curves(scores) | draw_loss(history))


def _curves(scores: EvaluationScores) -> dict[str, bytes]:
    return {"froc.png": _draw_froc(scores), "pr.png": _draw_precision_recall(scores)}


def _draw_froc(scores: EvaluationScores) -> bytes:
    curves = [_froc_curve(name, *scores.froc[name]) for name in scores.froc]
    first = next(iter(scores.froc.values()))[0]
    title = f"{counted(first.nodules, 'nodule')} in {counted(first.scans, first.protocol.unit)}"
    return draw_froc(curves, first.fp_rates, first.protocol.unit, title)["png"]


def _froc_curve(name: str, result: FrocResult, bounds: FrocIntervals) -> CurveToDraw:
    label = f"{result.protocol.name}: CPM {result.cpm:.3f} ({bounds.cpm[0]:.3f}–{bounds.cpm[1]:.3f})"
    x, y = result.curve_fp_rates, result.curve_sensitivities
    if name == "luna16":
        band = bounds.band_fp_rates, bounds.band_sensitivities
        return CurveToDraw(label, x, y, *band, result.fp_rates, result.sensitivities)
    return CurveToDraw(label, (), (), (), (), result.fp_rates, result.sensitivities)  # the curve is much the same


def _draw_precision_recall(scores: EvaluationScores) -> bytes:
    curve, bounds = scores.precision_recall, scores.froc["luna16"][1]
    label = f"average precision {scores.average_precisions['distance']:.3f}"
    drawn = CurveToDraw(label, curve.recalls, curve.precisions, bounds.band_recalls, bounds.band_precisions)
    title = f"{counted(curve.truths, 'nodule')} in {counted(len(scores.scans), 'scan')}"
    return draw_precision_recall([drawn], title=title)["png"]
