"""Write what a model says of scans: a table as a challenge takes it, and its scores where the truth is known."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events

from lungdet.counted import counted
from lungdet.metrics import BinaryScores, binary_scores
from lungdet.metrics.detection_inputs import gather
from lungdet.metrics.roc_curve import roc_curve
from lungdet.reports import prepare_output, write_files
from lungdet.reports.classification_figures import ReliabilityToDraw, draw_reliability
from lungdet.reports.csv_rows import table_to_csv
from lungdet.reports.nodule_figures import draw_roc
from lungdet.reports.nodule_tables import binary_to_text
from lungdet.reports.score_figures import CurveToDraw

from .classification_files import to_json_bytes
from .optional_figures import draw_loss, figures_of
from .scored_picture import items_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoredScan:
    """What a model says of one scan, and the truth; None where that is not known."""

    id: str
    probability: float
    label: int | None


class ScanRiskSaver:
    """Ignite handler: ``submission.csv``, and scores with figures where labels are known, written when the run ends.

    ``submission.csv`` has the columns ``id,cancer``, the latter the probability, as the Data Science Bowl 2017 wanted
    it. ``metrics.json``, ``scans.csv``, ``roc.png`` and ``reliability.png`` need scans with labels; the figures need
    matplotlib, too. In a distributed run every process adds its own scans, and the first one writes.

    Attach it to a :class:`monai.engines.SupervisedEvaluator` whose items have ``id`` and perhaps ``label``.

    Args:
        output_dir: folder of the files; made if absent.
        label: name of the label's column.
        history: table that the training wrote, for ``loss.png``.
        resamples: of the scans, for the intervals.

    Raises:
        OSError: when the run starts, if nothing can be written to the folder.
    """

    def __init__(
        self, output_dir: str | Path, label: str = "cancer", history: str | Path | None = None, resamples: int = 1000
    ) -> None:
        self.output_dir, self.label, self.history, self.resamples = Path(output_dir), label, history, resamples
        self._scans: list[ScoredScan] = []

    def attach(self, engine: Engine) -> None:
        """Make ready when a run starts, look at every iteration, and write at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Add the scans that are in ``engine.state``."""
        state: Any = engine.state
        for inputs, logit in zip(items_of(state.batch), _logits(state.output), strict=True):
            self.add(inputs, logit)

    def add(self, item: Mapping[Any, Any], logit: Any) -> None:
        """Add one scan: its item, and its logit."""
        truth = item.get("label")
        known = None if truth is None else int(float(torch.as_tensor(truth).reshape(-1)[0]))
        chance = float(torch.as_tensor(logit).detach().double().reshape(-1)[0].sigmoid())
        self._scans.append(ScoredScan(str(item["id"]), chance, known))

    def write(self) -> None:
        """Gather the scans of all processes, and write the files in the first one; all of them must call this."""
        scans = sorted(gather(self._scans), key=lambda scan: scan.id)
        if idist.get_rank() != 0:
            return
        files = scan_risk_files(scans, self.label, self.resamples)
        files |= draw_loss(self.history) if "metrics.json" in files else {}
        write_files(self.output_dir, files)
        logger.info("%s answered: %s", counted(len(scans), "scan"), self.output_dir / "submission.csv")

    def _start(self, engine: Engine) -> None:
        self._scans = []
        if idist.get_rank() == 0:
            prepare_output(self.output_dir)

    def _finish(self, engine: Engine) -> None:
        self.write()


def _logits(output: Any) -> list[Any]:
    """One for each scan of a batch, decollated or not."""
    return list(output["pred"]) if isinstance(output, Mapping) else [item["pred"] for item in output]


def scan_risk_files(scans: list[ScoredScan], label: str = "cancer", resamples: int = 1000) -> dict[str, bytes]:
    """Make the files of :class:`ScanRiskSaver` by name; prints the scores where there are some."""
    files = {"submission.csv": table_to_csv(["id", label], [[scan.id, _written(scan)] for scan in scans])}
    known = [scan for scan in scans if scan.label is not None]
    if not known:
        return files
    said, truth = np.array([scan.probability for scan in known]), np.array([scan.label == 1 for scan in known])
    scores = binary_scores(said, truth, [scan.id for scan in known], resamples)
    files["metrics.json"] = to_json_bytes(scores.to_json())
    files["scans.csv"] = table_to_csv(
        ["id", "probability", label], [[scan.id, _written(scan), scan.label] for scan in known]
    )
    print(binary_to_text(scores.to_json(), counted(len(known), "scan")))
    return files | figures_of(lambda: _figures(scores, said, truth))


def _written(scan: ScoredScan) -> float:
    """Six digits, which never round to certainty: a wrong one would cost an infinite log loss."""
    return round(min(max(scan.probability, 1e-6), 1 - 1e-6), 6)


def _figures(scores: BinaryScores, said: Any, truth: Any) -> dict[str, bytes]:
    title, found, area = counted(len(said), "scan"), scores.reliability, scores.auc
    label = f"AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"
    error = f"calibration error {found.expected_error:.3f}"
    line = ReliabilityToDraw(error, found.edges, found.counts, found.confidence, found.accuracy)
    return {
        "roc.png": draw_roc([CurveToDraw(label, *roc_curve(said, truth))], title),
        "reliability.png": draw_reliability([line], title),
    }
