"""One way to look at evaluated pictures, by class or by group of classes, and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.metrics import (
    ClassificationIntervals,
    ClassificationScores,
    CoverageCurve,
    Reliability,
    bootstrap_classification,
    brier_score,
    classification_scores,
    coverage_curve,
    negative_log_likelihood,
    reliability,
)
from lungdet.metrics.froc_curve import number_or_none
from lungdet.routing.calibration import SIGMOID
from lungdet.routing.label_choice import group_probabilities
from lungdet.routing.router import Router

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelView:
    """What was said and what is true.

    Attributes:
        names: of the ``K`` classes or groups.
        shared: the probabilities of a picture add up to 1.
        truth: ``(N, K)``.
        probabilities: ``(N, K)``, calibrated.
        chosen: ``(N, K)``.
        sure: ``(N,)`` the probability that the choice is right.
    """

    names: tuple[str, ...]
    shared: bool
    truth: Mask
    probabilities: Array
    chosen: Mask
    sure: Array

    @property
    def right(self) -> Mask:
        """``(N,)``: the chosen ones are exactly the true ones."""
        return np.asarray((self.truth == self.chosen).all(axis=1))

    @property
    def best_is_true(self) -> Mask:
        """``(N,)``: the most probable one is true, maybe among others."""
        rows = np.arange(len(self.truth))
        return np.asarray(self.truth[rows, self.probabilities.argmax(axis=1)])

    @property
    def scores(self) -> ClassificationScores:
        """Scores of the choices."""
        return classification_scores(self.truth, self.chosen, self.names)


def class_view(router: Router, logits: Any, truth: Mask) -> LabelView:
    """Let a router choose the classes of pictures.

    Args:
        router: reads the logits.
        logits: ``(N, K)``.
        truth: ``(N, K)``.
    """
    rows = np.asarray(logits, dtype=np.float64).reshape(-1, len(router.class_list))
    probabilities = router.calibration.probabilities(rows)
    chosen, sure = router.choice.choose(probabilities)
    shared = router.calibration.activation != SIGMOID
    return LabelView(router.class_list.names, shared, truth, probabilities, chosen > 0.5, sure)


def group_view(router: Router, view: LabelView) -> LabelView | None:
    """Look at the groups of classes: a picture has one, by the order of precedence in the list.

    Args:
        router: as for the classes.
        view: of the classes.

    Returns:
        None where the class list has no groups.
    """
    class_list = router.class_list
    if not class_list.groups:
        return None
    truth = np.zeros((len(view.truth), len(class_list.groups)), dtype=bool)
    for row, labels in enumerate(view.truth):
        if labels.any():
            truth[row, class_list.group(np.flatnonzero(labels).tolist())] = True
    probabilities = group_probabilities(view.probabilities, class_list, router.calibration.activation)
    chosen = np.asarray(probabilities.argmax(axis=1)[:, None] == np.arange(len(class_list.groups)))
    return LabelView(class_list.groups, True, truth, probabilities, chosen, probabilities.max(axis=1, initial=0.0))


@dataclass(frozen=True, eq=False)
class ViewScores:
    """All scores of one view.

    Attributes:
        view: what is scored.
        scores: of the choices.
        intervals: how far they would move with other patients.
        reliability: of the choices' probabilities; with several labels, too, one statement each picture.
        answered: ``(N,)`` the pictures that are not left to a person.
        coverage: accuracy over the part that is answered, surest first.
    """

    view: LabelView
    scores: ClassificationScores
    intervals: ClassificationIntervals
    reliability: Reliability
    answered: Mask
    coverage: CoverageCurve

    def answered_part(self) -> tuple[float, float]:
        """Return coverage and accuracy of what is answered; NaN where there is nothing."""
        coverage = float(self.answered.mean()) if len(self.answered) else float("nan")
        return coverage, float(self.view.right[self.answered].mean()) if self.answered.any() else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, at full precision; None for what cannot be told."""
        view, (coverage, accuracy) = self.view, self.answered_part()
        scores, bounds = self.scores.to_json(), self.intervals
        for place, row in enumerate(scores["classes"]):
            for name in ("recall", "precision", "f1"):
                row[f"{name}_interval"] = [number_or_none(bound) for bound in getattr(bounds, name)[place].tolist()]
        best = number_or_none(float(view.best_is_true.mean())) if len(view.truth) else None
        labels = reliability(view.probabilities, view.truth)
        return {
            "scores": {**scores, "best_is_true": best},
            "intervals": bounds.to_json(),
            "calibration": {
                **self.reliability.to_json(),
                "ece_of_each_class": number_or_none(labels.expected_error),
                "negative_log_likelihood": number_or_none(self._likelihood()),
                "brier_score": number_or_none(brier_score(view.probabilities, view.truth)),
            },
            "coverage": self.coverage.to_json(),
            "answered": {
                "coverage": number_or_none(coverage),
                "accuracy": number_or_none(accuracy),
                "review": int((~self.answered).sum()),
            },
        }

    def _likelihood(self) -> float:
        """Of pictures that have a label where labels share a whole; several of them share it evenly."""
        view = self.view
        if not view.shared:
            return negative_log_likelihood(view.probabilities, view.truth, multi_label=True)
        labelled = view.truth.any(axis=1)
        truth, said = view.truth[labelled], view.probabilities[labelled]
        if (truth.sum(axis=1) <= 1).all():
            return negative_log_likelihood(said, truth)
        logs = np.log(np.maximum(said, 1e-12)) * truth / truth.sum(axis=1, keepdims=True)
        return float(-logs.sum(axis=1).mean())


def score_view(
    view: LabelView, patients: Sequence[str], answered: Mask, resamples: int = 1000, seed: int = 0, bins: int = 15
) -> ViewScores:
    """Score a view.

    Args:
        view: of ``N`` pictures.
        patients: of each.
        answered: ``(N,)``.
        resamples: of the patients, for the intervals.
        seed: of the draws.
        bins: of the confidence.
    """
    return ViewScores(
        view,
        view.scores,
        bootstrap_classification(view.truth, view.chosen, patients, resamples=resamples, seed=seed),
        reliability(view.sure, view.right, bins),
        answered,
        coverage_curve(view.sure, view.right),
    )
