"""Write the score of every slice that an evaluator has seen."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from monai.utils import convert_to_numpy

from lungdet.counted import counted
from lungdet.lesions import ScoreScale
from lungdet.reports import prepare_output, write_files
from lungdet.reports.csv_rows import table_to_csv

logger = logging.getLogger(__name__)
COLUMNS = ("volume", "slice", "position_mm", "raw", "height", "region")


class SliceScoreSaver:
    """Ignite handler: ``slice_scores.csv``, a row a slice, from head to feet, written when the run ends.

    Attach it to a :class:`monai.engines.SupervisedEvaluator` that decollates, with one volume a batch. ``position_mm``
    rises towards the feet, as the score and the height do; without a scale height and region stay empty.

    Args:
        output_dir: folder of the file; made if absent.
        score_file: the scale of the score; left out where there is none.
        checkpoint: the weights' file; the scale must belong to it.
        source_key: of a volume's name in an item.
    """

    def __init__(
        self, output_dir: str | Path, score_file: str | Path, checkpoint: str | Path, source_key: str = "source"
    ) -> None:
        self.output_dir, self.score_file = Path(output_dir), Path(score_file)
        self.checkpoint, self.source_key = Path(checkpoint), source_key

    def attach(self, engine: Engine) -> None:
        """Make ready when the run starts, collect after every iteration, and write at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Collect the scores in ``engine.state``."""
        state: Any = engine.state
        for item, said in zip(state.batch, state.output, strict=True):
            raw, where = (np.ravel(convert_to_numpy(said[name])).astype(float) for name in ("pred", "label"))
            heights = [None] * len(raw) if self._scale is None else self._scale.heights(raw).tolist()
            for number, (score, place, height) in enumerate(zip(raw, where, heights, strict=True)):
                region = None if self._scale is None or height is None else self._scale.region(height)
                self._rows.append(
                    (str(item.get(self.source_key, "")), number, float(place), float(score), height, region)
                )

    def _start(self, engine: Engine) -> None:
        prepare_output(self.output_dir)
        self._rows: list[tuple[Any, ...]] = []
        self._scale: ScoreScale | None = None
        if self.score_file.is_file():
            digest = hashlib.sha256(self.checkpoint.read_bytes()).hexdigest()
            self._scale = ScoreScale.load(self.score_file, weights_sha256=digest)
        else:
            logger.warning("%s: no scale of the score there: slices get no height", self.score_file)

    def _finish(self, engine: Engine) -> None:
        write_files(self.output_dir, {"slice_scores.csv": table_to_csv(COLUMNS, self._rows)})
        logger.info("%s scored: %s", counted(len(self._rows), "slice"), self.output_dir / "slice_scores.csv")
