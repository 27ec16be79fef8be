"""From a network's answers to the figures of the tables, by the router's own calibration and choice of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from router_answers import Answers

from lungdet.metrics import (
    bootstrap_classification,
    choose_classes,
    classification_scores,
    coverage_curve,
    reliability,
    truth_matrix,
)
from lungdet.routing import Router
from lungdet.routing.label_choice import group_probabilities

Matrix = NDArray[np.bool_]
CHANCE_DRAWS, CHANCE_SEED = 500, 20


@dataclass(frozen=True, eq=False)
class Judged:
    """Choices and their truth.

    Attributes:
        names: of the ``K`` classes.
        truth: ``(N, K)``.
        chosen: ``(N, K)``.
        confidence: ``(N,)`` probability that the choice is right.
        patients: ``N`` names.
    """

    names: Sequence[str]
    truth: Matrix
    chosen: Matrix
    confidence: NDArray[np.float64]
    patients: Sequence[str]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether a picture's labels are exactly those chosen."""
        return np.asarray((self.truth == self.chosen).all(axis=1))

    def row(self) -> dict[str, Any]:
        """The figures of a table, with 95 % intervals over patients."""
        scores = classification_scores(self.truth, self.chosen, self.names)
        drawn = bootstrap_classification(self.truth, self.chosen, self.patients)
        return {
            "pictures": scores.images,
            "patients": len(set(self.patients)),
            "accuracy": scores.accuracy,
            "macro F1": scores.macro_f1,
            "95 %": list(drawn.macro_f1),
            "ECE": reliability(self.confidence, self.right).expected_error,
            "by chance": error_by_chance(self.confidence),
            "at 90 % coverage": coverage_curve(self.confidence, self.right).accuracy_at(0.9),
        }

    def per_class(self) -> list[dict[str, Any]]:
        """Recall, precision and F1 of each class."""
        scores = classification_scores(self.truth, self.chosen, self.names).to_json()
        return list(scores["classes"])


def error_by_chance(confidence: NDArray[np.float64]) -> float:
    """Calibration error that pictures of these confidences would show on average if each were exactly true.

    An error is never negative, so few pictures have one, however well calibrated the network is.
    """
    random = np.random.default_rng(CHANCE_SEED)
    draws = (random.random(len(confidence)) < confidence for _ in range(CHANCE_DRAWS))
    return float(np.mean([reliability(confidence, right).expected_error for right in draws]))


def judge(answers: Answers, router: Router) -> Judged:
    """Choose labels as the router does."""
    chosen, sure = router.choice.choose(router.calibration.probabilities(answers.logits))
    return Judged(router.class_list.names, answers.truth > 0, chosen > 0, sure, answers.patients)


def judge_groups(answers: Answers, router: Router) -> Judged:
    """Choose the most probable group; a group's probability is the sum of its classes'."""
    probabilities = group_probabilities(
        router.calibration.probabilities(answers.logits), router.class_list, router.calibration.activation
    )
    groups = router.class_list.groups
    truth = [router.class_list.group(np.flatnonzero(row).tolist()) for row in answers.truth]
    chosen = choose_classes(probabilities)
    return Judged(groups, truth_matrix(truth, len(groups)), chosen, probabilities.max(axis=1), answers.patients)
