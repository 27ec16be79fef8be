"""Fit a router to the outputs of a trained network on pictures of other patients."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import ClassList

from .abstention import choose_threshold
from .arrays import FloatArray, as_rows, as_targets
from .calibration import SIGMOID, SOFTMAX, fit_calibration
from .label_choice import LabelChoice, fit_several, fit_thresholds
from .out_of_domain import OutOfDomain, fit_out_of_domain
from .router import Router


def fit_router(
    class_list: ClassList,
    logits: Any,
    labels: Any,
    embeddings: Any = None,
    *,
    train_embeddings: Any = None,
    train_labels: Any = None,
    activation: str = SOFTMAX,
    offsets: bool = False,
    share: float = 0.5,
    target_accuracy: float = 0.99,
    confidence: float | None = 0.9,
    in_domain: float = 0.97,
    references: int = 1000,
    weights_sha256: str = "",
    patients: Sequence[Hashable] | None = None,
) -> Router:
    """Calibrate, choose thresholds and learn what is in the domain.

    An answer counts as right if its labels are exactly those of the picture. All of it is fitted to the same validation
    pictures, so what it says about them is optimistic, and more so if they also chose the weights; a test must be on
    others. Pictures without any label of several that share (``softmax``) say nothing about the temperature, but every
    answer to them counts as wrong.

    Args:
        class_list: what the ``K`` outputs mean.
        logits: ``(N, K)`` on the validation pictures.
        labels: ``(N,)`` class indices, or ``(N, K)`` zeros and ones.
        embeddings: ``(N, D)`` on the same; None for a router without an out-of-domain score.
        train_embeddings: ``(M, D)`` on the training pictures, not augmented; without them the validation pictures stand
            for what is known.
        train_labels: their labels: a picture must lie near to those of the label that it gets.
        activation: ``softmax``, or ``sigmoid`` for a network that was trained so.
        offsets: see :func:`fit_calibration`.
        share: for several labels with ``softmax``; see :class:`LabelChoice`.
        target_accuracy: see :func:`choose_threshold`.
        confidence: likewise.
        in_domain: share of validation pictures that shall count as known.
        references: how many training pictures the router remembers, at most.
        weights_sha256: of the network's weights.
        patients: ``N``, of whom each validation picture is; see :func:`choose_threshold`.

    Raises:
        ValueError: the arrays do not fit each other or the list.
    """
    values = as_rows("logits", logits, len(class_list))
    targets = as_targets(labels, *values.shape)
    if not class_list.multi_label and (targets.sum(axis=1) != 1).any():
        raise ValueError(f"{class_list.name}: every picture needs exactly one label; the list is not multi-label")
    told = _told(targets, activation)
    calibration = fit_calibration(values[told], targets[told], activation=activation, offsets=offsets)
    probabilities = calibration.probabilities(values)
    thresholds = fit_thresholds(probabilities, targets) if activation == SIGMOID else ()
    choice = LabelChoice(class_list.multi_label, activation, share, thresholds=thresholds)
    if class_list.multi_label and activation == SOFTMAX:
        choice = fit_several(choice, probabilities, targets)
    chosen, sure = choice.choose(probabilities)
    right = (chosen == targets).all(axis=1)
    return Router(
        class_list,
        calibration,
        choice,
        choose_threshold(sure, right, target_accuracy=target_accuracy, confidence=confidence, patients=patients),
        _domain(values, targets, embeddings, train_embeddings, train_labels, told, in_domain, references),
        weights_sha256,
    )


def _told(targets: FloatArray, activation: str) -> NDArray[np.bool_]:
    """Which pictures have a label, where labels share a whole; all of them where each is a question of its own."""
    told: NDArray[np.bool_] = targets.sum(axis=1) > 0
    return told if activation == SOFTMAX else np.ones(len(targets), dtype=bool)


def _domain(
    logits: FloatArray,
    targets: FloatArray,
    embeddings: Any,
    train_embeddings: Any,
    train_labels: Any,
    told: NDArray[np.bool_],
    in_domain: float,
    references: int,
) -> OutOfDomain | None:
    """Learn what is near to the training, or else to the validation pictures with a label."""
    own = None if embeddings is None else as_rows("embeddings", embeddings)
    if own is not None and len(own) != len(targets):
        raise ValueError(f"{len(own)} embeddings for {len(targets)} pictures")
    own = None if own is None else own[told]
    if train_embeddings is not None:
        known = None if train_labels is None else as_targets(train_labels, len(train_embeddings), logits.shape[1])
        return fit_out_of_domain(
            train_embeddings, known, held_out=own, held_out_answers=logits[told], in_domain=in_domain, most=references
        )
    return None if own is None else fit_out_of_domain(own, targets[told], in_domain=in_domain, most=references)
