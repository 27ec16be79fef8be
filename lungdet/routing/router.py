"""Logits in, a decision out: a label with a probability, or a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import ClassList, Decision
from lungdet.records.decision import ANSWER, REVIEW

from .abstention import Abstention
from .arrays import FloatArray, as_array
from .calibration import Calibration
from .label_choice import LabelChoice
from .out_of_domain import OutOfDomain

ANSWER_ALL = Abstention()


@dataclass(frozen=True, eq=False)
class Router:
    """Everything between a network's outputs and an answer.

    Attributes:
        class_list: what the outputs mean.
        calibration: logits to probabilities.
        choice: probabilities to labels.
        abstention: from which probability on an answer is given.
        out_of_domain: what the network knows; None answers for anything.
        weights_sha256: of the file of weights that all this was fitted to; empty if it is not known.
    """

    class_list: ClassList
    calibration: Calibration
    choice: LabelChoice
    abstention: Abstention = ANSWER_ALL
    out_of_domain: OutOfDomain | None = None
    weights_sha256: str = ""

    def __post_init__(self) -> None:
        for name, values in (("offsets", self.calibration.offsets), ("thresholds", self.choice.thresholds)):
            if values and len(values) != len(self.class_list):
                raise ValueError(
                    f"{len(values)} {name} for the {len(self.class_list)} classes of {self.class_list.name}"
                )
        if self.choice.multi_label != self.class_list.multi_label:
            raise ValueError(f"{self.class_list.name}: one of list and choice is multi-label, the other is not")
        if self.choice.activation != self.calibration.activation:
            raise ValueError(
                f"choice expects {self.choice.activation}, calibration gives {self.calibration.activation}"
            )

    def decide(self, logits: Any, embedding: Any = None, *, top: int = 5) -> Decision:
        """Decide on one picture.

        Args:
            logits: ``(K,)`` array or tensor.
            embedding: ``(D,)`` pooled features; needed if the router has an out-of-domain score.
            top: how many classes are reported.

        Raises:
            ValueError: the shapes do not fit, or the embedding is missing.
        """
        rows = None if embedding is None else as_array(embedding)[None]
        return self.decide_batch(as_array(logits)[None], rows, top=top)[0]

    def decide_batch(self, logits: Any, embeddings: Any = None, *, top: int = 5) -> list[Decision]:
        """Decide on pictures, ``(N, K)`` and ``(N, D)``; otherwise as :meth:`decide`.

        A picture whose outputs are not finite goes to a person.
        """
        values = as_array(logits)
        if values.ndim != 2 or values.shape[1] != len(self.class_list):
            raise ValueError(f"logits must be (N, {len(self.class_list)}), got {values.shape}")
        features = self._features(embeddings, len(values))
        sound: NDArray[np.bool_] = np.isfinite(np.concatenate([values, features], axis=1)).all(axis=1)
        probabilities = self.calibration.probabilities(values[sound])
        chosen, sure = self.choice.choose(probabilities)
        far = self.out_of_domain.score(features[sound], probabilities) if self.out_of_domain else [None] * len(sure)
        decided = iter([self._decision(*row, top) for row in zip(probabilities, chosen, sure, far, strict=True)])
        return [next(decided) if good else _unsound() for good in sound.tolist()]

    def save(self, path: str | Path) -> None:
        """Write the router to a JSON file: there whole or not at all.

        Raises:
            OSError: the disk refused.
        """
        from .router_file import write_router

        write_router(self, path)

    @staticmethod
    def load(path: str | Path, *, checkpoint: str | Path | None = None, weights_sha256: str = "") -> Router:
        """Read what :meth:`save` wrote.

        Args:
            path: the file, such as a bundle's ``models/router.json``.
            checkpoint: the network's weights; their SHA-256 must be that of the router.
            weights_sha256: the same, where it is known already.

        Raises:
            RouterFileError: the file is no router, or belongs to other weights.
            OSError: a file cannot be read.
        """
        from .router_file import read_router

        return read_router(path, checkpoint=checkpoint, weights_sha256=weights_sha256)

    def _features(self, embeddings: Any, count: int) -> FloatArray:
        if self.out_of_domain is None:
            return np.zeros((count, 0))
        if embeddings is None:
            raise ValueError("this router tells what is not its own by the embedding; pass it beside the logits")
        features = as_array(embeddings)
        width = self.out_of_domain.references.shape[1]
        if features.shape != (count, width):
            raise ValueError(f"embeddings must be ({count}, {width}), got {features.shape}")
        return features

    def _decision(
        self, probabilities: FloatArray, chosen: FloatArray, sure: float, far: float | None, top: int
    ) -> Decision:
        names = self.class_list.names
        order = np.argsort(-probabilities, kind="stable")
        labels = tuple(names[k] for k in order if chosen[k])
        reason = self._reason(labels, float(sure), far)
        return Decision(
            label=";".join(labels),
            labels=labels,
            probability=_within(sure),
            top=tuple((names[k], _within(probabilities[k])) for k in order[:top]),
            decision=REVIEW if reason else ANSWER,
            reason=reason,
            out_of_domain=None if far is None else float(far),
        )

    def _reason(self, labels: tuple[str, ...], sure: float, far: float | None) -> str:
        if far is not None and far > 1:
            return f"not one of mine: {far:.2f} times as far from the training pictures as the limit"
        if not labels:
            return "no label is probable enough"
        if not self.abstention.reached:
            return f"never sure enough for an accuracy of {self.abstention.target_accuracy:.3g}"
        if sure < self.abstention.threshold:
            return f"unsure: probability {sure:.3f} below {self.abstention.threshold:.3f}"
        return ""


def _within(probability: float) -> float:
    return float(min(max(probability, 0.0), 1.0))


def _unsound() -> Decision:
    return Decision("", (), 0.0, (), REVIEW, "the network's output is not finite")
