"""Write what an embedding network says about every lesion that an evaluator has seen."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray

from lungdet.counted import counted
from lungdet.lesions import EmbeddedLesions, LesionRetrieval, save_embedded
from lungdet.metrics import LesionNeighbours, retrieval_scores
from lungdet.metrics.detection_inputs import gather
from lungdet.readers import read_deeplesion
from lungdet.reports import prepare_output, write_files

logger = logging.getLogger(__name__)


class EmbeddingSaver:
    """Ignite handler: ``lesions.npz``, and ``metrics.json`` if asked for, written when the run ends.

    Attach it to a :class:`monai.engines.SupervisedEvaluator` whose labels are rows of ``items``.

    Args:
        output_dir: folder of the files; made if absent.
        items: lesions of the data set, see :func:`list_lesions`.
        labels: the ``DL_info.csv`` that they are from.
        checkpoint: the weights' file, whose SHA-256 goes with the vectors.
        neighbours: score the answers, so many to each lesion, in ``metrics.json``; 0 writes no such file.
        settings_sha256: of what else the vectors depend on, which goes with them, too.
    """

    def __init__(
        self,
        output_dir: str | Path,
        items: Sequence[Mapping[str, Any]],
        labels: str | Path,
        checkpoint: str | Path,
        neighbours: int = 0,
        settings_sha256: str = "",
    ) -> None:
        self.output_dir, self.items, self.labels = Path(output_dir), items, labels
        self.checkpoint, self.neighbours = Path(checkpoint), neighbours
        self.settings_sha256 = settings_sha256

    def attach(self, engine: Engine) -> None:
        """Make ready when the run starts, collect after every iteration, and write at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Collect the vectors in ``engine.state``."""
        output: Any = engine.state.output
        for item in output:
            self._vectors[int(item["label"])] = torch.as_tensor(item["pred"]).float().cpu().numpy()

    def _start(self, engine: Engine) -> None:
        prepare_output(self.output_dir)
        self._vectors: dict[int, NDArray[np.float32]] = {}

    def _finish(self, engine: Engine) -> None:
        found = dict(pair for part in gather([self._vectors]) for pair in part.items())  # in all processes
        if idist.get_rank() != 0:
            return
        rows = sorted(found)
        vectors = np.stack([found[row] for row in rows])
        lesions = self._embedded([self.items[row]["key"] for row in rows], vectors)
        save_embedded(lesions, self.output_dir / "lesions.npz")
        logger.info("%s embedded: %s", counted(len(lesions), "lesion"), self.output_dir / "lesions.npz")
        if self.neighbours:
            scores = embedding_scores(lesions, [self.items[row] for row in rows], self.neighbours)
            write_files(self.output_dir, {"metrics.json": (json.dumps(scores, indent=1) + "\n").encode("ascii")})

    def _embedded(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> EmbeddedLesions:
        table = read_deeplesion(self.labels, strict=False)
        digest = hashlib.sha256(self.checkpoint.read_bytes()).hexdigest()
        nothing = np.zeros((len(table), 1), dtype=np.float32)
        every = EmbeddedLesions.of_lesions(table.lesions, nothing, keys=table.keys)
        place = {key: row for row, key in enumerate(every.keys.tolist())}
        return every.take([place[key] for key in keys]).with_vectors(vectors, digest, self.settings_sha256)


def embedding_scores(lesions: EmbeddedLesions, items: Sequence[Mapping[str, Any]], neighbours: int) -> dict[str, Any]:
    """Score the nearest lesions of each, one from each other patient, and those that are found again in another study.

    Args:
        lesions: with their vectors.
        items: the same lesions, see :func:`list_lesions`.
        neighbours: answers to each.
    """
    answers = LesionRetrieval(lesions).like_rows(np.arange(len(lesions)), neighbours)
    scores = retrieval_scores(lesions, lesions, answers.rows)
    found = LesionNeighbours(items, neighbours).parts(np.arange(len(items)), lesions.vectors)
    return {
        "lesions": len(lesions),
        "patients": len(np.unique(lesions.patient)),
        "neighbours": neighbours,
        **{name.replace(" ", "_"): _number(value) for name, value in scores.row().items()},
        "accuracy_by_type": {name: _number(value) for name, value in scores.accuracy_by_type.items()},
        "found_again": _number(found.get("found_again", float("nan"))),
    }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else round(float(value), 6)
