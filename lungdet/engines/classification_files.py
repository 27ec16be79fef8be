"""The files of a classifier's evaluation, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lungdet.counted import counted
from lungdet.metrics import confusion_matrix
from lungdet.reports.classification_figures import (
    ReliabilityToDraw,
    draw_confusion,
    draw_coverage,
    draw_reliability,
    draw_robustness,
)
from lungdet.reports.classification_tables import rows_to_csv
from lungdet.reports.label_error_sheet import LabelCase, draw_label_errors
from lungdet.reports.score_figures import CurveToDraw

from .classification_evaluation import ClassificationEvaluation, target_accuracy
from .label_view import ViewScores
from .optional_figures import draw_loss, figures_of
from .picture_gallery import PictureGallery

RATES = ("recall", "precision", "f1")
CLASS_COLUMNS = (
    "kind", "name", "support", "chosen", *(f"{rate}{end}" for rate in RATES for end in ("", "_low", "_high")),
)  # fmt: skip
PICTURE_COLUMNS = ("file", "patient", "label", "chosen", "probability", "right", "decision", "out_of_domain")
ERROR_COLUMNS = (
    "file", "patient", "label", "doubted", "suggested", "probability_as_labelled", "probability_as_suggested",
)  # fmt: skip


def classification_files(
    scores: ClassificationEvaluation,
    gallery: PictureGallery | None = None,
    sheet: int = 24,
    speed: Mapping[str, Any] | None = None,
    history: str | Path | None = None,
) -> dict[str, bytes]:
    """Make the tables, the curves and the sheet of doubtful labels.

    All but ``speed.json`` depend on the pictures alone: another run with the same outputs gives the same bytes.

    Args:
        scores: of all pictures.
        gallery: small pictures for the sheet.
        sheet: how many doubtful labels ``label_errors.png`` shows; 0 for no such file.
        speed: content of ``speed.json``; no such file if None.
        history: table that the training wrote, for ``loss.png``.

    Returns:
        Content by name. Without matplotlib there are no figures but the sheet, and a warning is logged.
    """
    content = scores.to_json()
    classes = [f"p_{name}" for name in scores.router.class_list.names]
    files = {
        "metrics.json": to_json_bytes(content),
        "classes.csv": rows_to_csv(CLASS_COLUMNS, _class_rows(content)),
        "pictures.csv": rows_to_csv([*PICTURE_COLUMNS, *classes], scores.picture_rows()),
        "label_errors.csv": rows_to_csv(ERROR_COLUMNS, scores.label_error_rows()),
    }
    if speed is not None:
        files["speed.json"] = to_json_bytes(speed)
    if scores.robustness:
        files["robustness.csv"] = rows_to_csv(list(scores.robustness[0]), scores.robustness)
    if sheet:
        files["label_errors.png"] = _draw_sheet(scores, gallery, sheet)
    return files | figures_of(lambda: _figures(scores) | draw_loss(history))


def _figures(scores: ClassificationEvaluation) -> dict[str, bytes]:
    title = counted(len(scores.pictures), "picture")
    views = {"classes": scores.labels} | ({} if scores.groups is None else {"groups": scores.groups})
    files = {"confusion.png": _draw_confusion(scores.labels, title)}
    if scores.groups is not None:
        files["confusion_groups.png"] = _draw_confusion(scores.groups, title)
    files["reliability.png"] = draw_reliability([_reliability(name, part) for name, part in views.items()], title)
    curves = [_coverage(name, part) for name, part in views.items()]
    files["coverage.png"] = draw_coverage(curves, target_accuracy(scores.router), title)
    if scores.robustness:
        kinds = {"best_is_true": "best class is true", "macro_f1": "macro F1", "group_macro_f1": "macro F1, groups"}
        rows = scores.robustness
        bars = {label: [_float(row[kind]) for row in rows] for kind, label in kinds.items() if kind in rows[0]}
        files["robustness.png"] = draw_robustness(bars, [row["disturbance"] for row in rows], title)
    return files


def _draw_confusion(part: ViewScores, title: str) -> bytes:
    title = f"{title}, macro F1 {part.scores.macro_f1:.3f}"
    return draw_confusion(confusion_matrix(part.view.truth, part.view.chosen), part.view.names, title)


def _reliability(name: str, part: ViewScores) -> ReliabilityToDraw:
    found = part.reliability
    label = f"{name}: calibration error {found.expected_error:.3f}"
    return ReliabilityToDraw(label, found.edges, found.counts, found.confidence, found.accuracy)


def _coverage(name: str, part: ViewScores) -> CurveToDraw:
    coverage, accuracy = part.answered_part()
    label = f"{name}: {part.coverage.accuracy_at(0.9):.3f} at 90 % coverage"
    dots = ((coverage,), (accuracy,)) if part.answered.any() else ((), ())
    return CurveToDraw(label, part.coverage.coverage, part.coverage.accuracy, dots_x=dots[0], dots_y=dots[1])


def _draw_sheet(scores: ClassificationEvaluation, gallery: PictureGallery | None, sheet: int) -> bytes:
    rows, pictures = scores.label_error_rows(), scores.doubtful_pictures()
    cases = [
        LabelCase(None if gallery is None else gallery.find(picture.name), _caption(row))
        for row, picture in zip(rows[:sheet], pictures, strict=False)
    ]
    shown = f", the {len(cases)} worst" if len(cases) < len(rows) else ""
    return draw_label_errors(cases, f"Labels that are probably wrong: {len(rows) or 'none'}{shown}")


def _caption(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a picture is called, what it looks like, and its file.

    Example:
        >>> row = {"label": "hand", "doubted": "", "suggested": "wrist", "probability_as_suggested": 0.9}
        >>> _caption({**row, "file": "1.png"})
        ('label hand', 'and wrist (0.90)', '1.png')
    """
    doubted, suggested = row["doubted"], row["suggested"]
    verb = "rather" if doubted and suggested else "not" if doubted else "and" if row["label"] else "but"
    what = f"{verb} {suggested or doubted} ({row['probability_as_suggested']:.2f})"
    return f"label {row['label'] or 'none'}", what, str(row["file"])


def _class_rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for kind, part in (("class", content["labels"]), ("group", content["groups"])):
        for entry in part["scores"]["classes"] if part else ():
            row = {"kind": kind, "name": entry["class"], "support": entry["support"], "chosen": entry["chosen"]}
            for rate in RATES:
                low, high = entry[f"{rate}_interval"]
                row |= {rate: entry[rate], f"{rate}_low": low, f"{rate}_high": high}
            rows.append(row)
    return rows


def to_json_bytes(content: Mapping[str, Any]) -> bytes:
    """Write plain numbers; NaN is refused."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def _float(value: float | None) -> float:
    return float("nan") if value is None else value
