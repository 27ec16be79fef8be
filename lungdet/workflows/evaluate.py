"""Score a detector from CSV files, and write the scores with figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lungdet import __version__
from lungdet.counted import counted
from lungdet.metrics import (
    FrocIntervals,
    FrocResult,
    PrecisionRecall,
    ScanMatch,
    ScoringProtocol,
    bootstrap_froc,
    find_protocol,
    froc,
    match_boxes,
    match_scan,
    precision_recall_of_scans,
    size_labels,
)
from lungdet.metrics.box_overlap import cubes
from lungdet.metrics.protocols import Hit
from lungdet.reports import prepare_output, write_files
from lungdet.reports.score_figures import CurveToDraw, draw_froc, draw_precision_recall
from lungdet.reports.score_tables import columns_to_csv, froc_to_text

from .score_files import ScoreInputs, read_score_inputs
from .targets import refuse_inputs

SIZE_EDGES_MM = (6.0, 10.0)
TABLES = ("froc.csv", "froc.json")
FIGURES = ("froc.png", "froc.svg", "precision_recall.png", "precision_recall.svg")


@dataclass(frozen=True, eq=False)
class FrocEvaluation:
    """Scores of one file of predictions.

    Attributes:
        result: the curve, the counts and the strata.
        intervals: how far they would move with other scans; None if that was not asked for.
        precision_recall: of the same marks.
        inputs: the files by role.
        notes: what a reader of the scores should know.
    """

    result: FrocResult
    intervals: FrocIntervals | None
    precision_recall: PrecisionRecall
    inputs: dict[str, str]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what ``froc.json`` holds: plain numbers, at full precision."""
        average = self.precision_recall.average_precision("area")
        return {
            "software": f"lungdet {__version__}",
            "inputs": self.inputs,
            "notes": list(self.notes),
            **self.result.to_json(),
            "average_precision": average if np.isfinite(average) else None,
            "average_precision_rule": "area under the raised precision, ignored marks left out",
            "intervals": None if self.intervals is None else self.intervals.to_json(),
        }

    def to_text(self) -> str:
        """Return the scores as a table."""
        return froc_to_text(self.to_json())

    def write(self, folder: str | Path, figures: bool = True) -> None:
        """Write ``froc.json``, the curve as ``froc.csv``, and both figures as PNG and SVG; all of them or none.

        Raises:
            MissingPlotsError: figures are wanted, and matplotlib is not installed.
            ValueError: a file to write is an input.
            OSError: the disk refused.
        """
        prepare_scores(folder, self.inputs.values(), figures)
        files = {"froc.csv": self._curve()}
        if figures:
            drawn = {"froc": self._draw_froc(), "precision_recall": self._draw_precision_recall()}
            files |= {f"{name}.{kind}": data for name, figure in drawn.items() for kind, data in figure.items()}
        text = json.dumps(self.to_json(), indent=2, allow_nan=False)
        write_files(folder, {**files, "froc.json": (text + "\n").encode("ascii")})

    def _curve(self) -> bytes:
        result, found = self.result, self.precision_recall
        hits = np.rint(np.nan_to_num(found.recalls) * result.nodules).astype(np.int64)
        return columns_to_csv(
            {
                "threshold": result.curve_thresholds.tolist(),
                "true_positives": [0, *hits.tolist()],
                "false_positives": [0, *(found.counts - hits).tolist()],
                f"fp_per_{result.protocol.unit}": result.curve_fp_rates.tolist(),
                "sensitivity": result.curve_sensitivities.tolist(),
                "precision": ["", *found.precisions.tolist()],
            }
        )

    def _draw_froc(self) -> dict[str, bytes]:
        result, bounds = self.result, self.intervals
        curve = CurveToDraw(
            f"CPM {result.cpm:.3f}{_interval(bounds)}",
            result.curve_fp_rates,
            result.curve_sensitivities,
            () if bounds is None else bounds.band_fp_rates,
            () if bounds is None else bounds.band_sensitivities,
            result.fp_rates,
            result.sensitivities,
        )
        what = f"{counted(result.nodules, 'nodule')} in {counted(result.scans, result.protocol.unit)}"
        title = f"{result.protocol.name}: {what}"
        return draw_froc([curve], result.fp_rates, result.protocol.unit, title)

    def _draw_precision_recall(self) -> dict[str, bytes]:
        found, bounds = self.precision_recall, self.intervals
        curve = CurveToDraw(
            f"average precision {found.average_precision('area'):.3f}",
            found.recalls,
            found.precisions,
            () if bounds is None else bounds.band_recalls,
            () if bounds is None else bounds.band_precisions,
        )
        what = f"{counted(self.result.nodules, 'nodule')} in {counted(self.result.scans, 'scan')}"
        return draw_precision_recall([curve], title=f"{self.result.protocol.name}: {what}")


def prepare_scores(folder: str | Path, inputs: Iterable[str | Path], figures: bool = True) -> None:
    """Try whether scores can be written to a folder without replacing what is scored.

    Raises:
        ValueError: a file to write is an input.
        OSError: nothing can be written there.
    """
    names = TABLES + FIGURES if figures else TABLES
    refuse_inputs([Path(folder) / name for name in names], inputs)
    prepare_output(folder)


def evaluate_froc(
    annotations: str | Path,
    predictions: str | Path,
    excluded: str | Path | None = None,
    series_uids: str | Path | None = None,
    *,
    protocol: str | ScoringProtocol = "luna16",
    fp_rates: Sequence[float] | None = None,
    max_marks: int | None = None,
    hit: Hit | None = None,
    min_iou: float | None = None,
    size_edges_mm: Sequence[float] = SIZE_EDGES_MM,
    strata_columns: Sequence[str] = (),
    ignore_unlisted: bool = False,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> FrocEvaluation:
    """Score the marks of a detector from files in LUNA16's form.

    Args:
        annotations: ``seriesuid,coordX,coordY,coordZ,diameter_mm`` of the nodules.
        predictions: ``seriesuid,coordX,coordY,coordZ,probability`` of the marks, and ``diameter_mm`` where hits are
            told by IoU. A header alone means that nothing was found.
        excluded: findings that are neither nodules nor errors, in the form of the annotations.
        series_uids: the scans that count, one UID a line. Without it those with annotated or excluded findings do.
        protocol: ``"luna16"``, ``"simplified"``, or a protocol of your own.
        fp_rates: false positives per scan at which to read the sensitivity; those of the protocol if None.
        max_marks: how many marks of a scan count; as the protocol says if None.
        hit: ``"distance"`` or ``"iou"``, of the cubes around the balls; as the protocol says if None.
        min_iou: the least overlap; as the protocol says if None.
        size_edges_mm: diameters that divide the nodules into strata of size; none if empty.
        strata_columns: columns of ``annotations`` with further labels, such as a type or how many readers agree.
        ignore_unlisted: leave out predictions in scans that no file names, instead of refusing them.
        resamples: how often scans are drawn for the intervals; 0 for no intervals.
        confidence: part of the draws that an interval holds.
        seed: of the draws.

    Returns:
        The scores.

    Raises:
        AnnotationError: a file cannot be trusted; the message names the lines.
        ValueError: an argument is out of its range.
    """
    rule = find_protocol(protocol).changed(fp_rates, max_marks, hit, min_iou)
    notes: tuple[str, ...] = ()
    if rule.uses_excluded and excluded is None:
        rule = replace(rule, name=f"{rule.name} (no exclusion list)", uses_excluded=False)
        notes = ("no excluded findings were given: marks on them count as false positives, and the score is lower",)
    elif excluded is not None and not rule.uses_excluded:
        notes = ("the protocol uses no exclusion list: marks on the excluded findings count as false positives",)
    inputs = read_score_inputs(
        annotations, predictions, excluded, series_uids, strata_columns, rule.hit == "iou", ignore_unlisted
    )
    scans = match_inputs(inputs, rule, size_edges_mm)
    given = {"annotations": annotations, "excluded": excluded, "series_uids": series_uids, "predictions": predictions}
    return FrocEvaluation(
        result=froc(scans, protocol=rule),
        intervals=bootstrap_froc(scans, protocol=rule, resamples=resamples, confidence=confidence, seed=seed)
        if resamples
        else None,
        precision_recall=precision_recall_of_scans(scans),
        inputs={role: str(path) for role, path in given.items() if path is not None},
        notes=notes + inputs.notes,
    )


def match_inputs(
    inputs: ScoreInputs, protocol: ScoringProtocol, size_edges_mm: Sequence[float] = SIZE_EDGES_MM
) -> list[ScanMatch]:
    """Match the marks of every scan by a protocol."""
    nodules, marks, others = inputs.nodules, inputs.predictions, inputs.excluded
    labels = dict(inputs.labels)
    if size_edges_mm:
        labels = {"size": np.array(size_labels(nodules.diameters_mm, size_edges_mm), dtype=np.str_), **labels}
    scans = []
    for own, out, found in zip(inputs.nodule_rows, inputs.excluded_rows, inputs.prediction_rows, strict=True):
        excluded: tuple[Any, Any] = (None, None)
        if others is not None and protocol.uses_excluded:
            excluded = others.centers_lps_mm[out], others.diameters_mm[out]
        strata = {kind: values[own].tolist() for kind, values in labels.items()}
        centers, scores = marks.centers_lps_mm[found], marks.probabilities[found]
        truth = nodules.centers_lps_mm[own], nodules.diameters_mm[own]
        if inputs.prediction_diameters_mm is None:
            scans.append(match_scan(centers, scores, *truth, *excluded, protocol.max_marks, strata))
        else:
            boxes = cubes(centers, inputs.prediction_diameters_mm[found])
            scans.append(
                match_boxes(boxes, scores, cubes(*truth), protocol.min_iou, *excluded, protocol.max_marks, strata)
            )
    return scans


def _interval(bounds: FrocIntervals | None) -> str:
    if bounds is None:
        return ""
    return f" ({100 * bounds.confidence:g} % CI {bounds.cpm[0]:.3f}–{bounds.cpm[1]:.3f})"
