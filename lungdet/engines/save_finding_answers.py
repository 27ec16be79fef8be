"""Write a ``findings.json`` anew, with what a classifier says of its findings."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from lungdet.lesions import NoduleAnswers
from lungdet.lesions.nodule_answers import SURENESS, UNLEARNT
from lungdet.records import Finding, NoduleAnswer
from lungdet.reports import prepare_output, read_json, write_json

from .prepare_batch import flat_items
from .save_findings import read_model_info

logger = logging.getLogger(__name__)
ANSWERS = "type, ratings and probability of a nodule"
UNRATED = "no type and ratings"  # begins the note of a finding without an answer


class FindingAnswersSaver:
    """Ignite handler of an evaluator over the cubes of one study: ``findings.json`` with the answers.

    Items are those of :class:`lungdet.transforms.CutFoundCubesd`. Everything else in the file stays as it was, but for
    notes on the answers; findings without a cube get no answer. Ratings that were not learnt are left out, and the
    probability of a nodule is that among the marks of the file's detector, if it was fitted to them.

    Args:
        output_dir: folder of the new file.
        findings: the file that the marks come from; a file of the same name in ``output_dir`` is replaced.
        answer: from logits ``(B, 33)`` to answers.
        checkpoint: the weights' file, to record its SHA-256.
        metadata: the bundle's ``metadata.json``, to record its name and version.
    """

    def __init__(
        self,
        output_dir: str | Path,
        findings: str | Path,
        answer: NoduleAnswers,
        checkpoint: str | Path,
        metadata: str | Path,
    ) -> None:
        self.output_dir, self.findings, self.answer = Path(output_dir), Path(findings), answer
        self.checkpoint, self.metadata = Path(checkpoint), Path(metadata)
        self._answers: dict[int, NoduleAnswer] = {}

    def attach(self, engine: Engine) -> None:
        """Make the folder ready, collect after every iteration, and write when the run ends."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.add)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def add(self, engine: Engine) -> None:
        """Take the answers of an iteration."""
        state: Any = engine.state
        items = list(flat_items(state.batch))
        for item, answer in zip(items, self.answer(state.output["pred"]), strict=True):
            self._answers[int(item["finding"])] = replace(answer, inside=item["inside"])

    def write(self, engine: Engine) -> Path:
        """Write the file, and return its path."""
        report = read_json(self.findings)
        detector = report.model.weights_sha256
        found = (_with_answer(each, self._shown(place, detector)) for place, each in enumerate(report.findings))
        model = read_model_info(self.metadata, self.checkpoint)
        models = (*(each for each in report.models if each.name != model.name), model)
        path = self.output_dir / "findings.json"
        earlier = (f"left out: {ANSWERS}", UNLEARNT, SURENESS)
        notes = [note for note in report.notes if not note.startswith(earlier)]
        notes += self.answer.notes(detector) if self._answers else ()
        write_json(path, replace(report, findings=tuple(found), models=models, notes=tuple(notes)))
        logger.info("%d of %d findings have an answer: %s", len(self._answers), len(report.findings), path)
        return path

    def _shown(self, place: int, detector_sha256: str) -> NoduleAnswer | None:
        answer = self._answers.get(place)
        return None if answer is None else self.answer.on_marks(self.answer.learnt(answer), detector_sha256)

    def _start(self) -> None:
        prepare_output(self.output_dir)
        self._answers = {}


def _with_answer(finding: Finding, answer: NoduleAnswer | None) -> Finding:
    """Take the answer, and what was noted about having none away."""
    notes = finding.notes
    if answer is not None:
        notes = tuple(note for note in notes if not note.startswith(UNRATED))
    return replace(finding, answer=answer, notes=notes)
