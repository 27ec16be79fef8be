"""All scores of evaluated pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet import __version__
from lungdet.metrics import LabelError, auroc, coverage_curve, find_label_errors, reliability
from lungdet.metrics.froc_curve import number_or_none
from lungdet.routing.calibration import Calibration
from lungdet.routing.router import Router

from .label_view import LabelView, ViewScores, class_view, group_view, score_view
from .scored_picture import ScoredPicture, unrepeated_pictures

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClassificationEvaluation:
    """Scores of a set of pictures.

    Attributes:
        router: how logits were read.
        pictures: those of the classes, by name.
        foreign: those of another kind, by name: they count for the out-of-domain score only.
        names: how the files of ``pictures`` are called in tables: their paths below what all have in common.
        labels: scores by class.
        groups: scores by group of classes; None where the class list has none.
        strange, foreign_strange: out-of-domain scores of ``pictures`` and ``foreign``; None where they cannot be told.
        robustness: a row for each disturbance.
        label_errors: labels that are probably wrong, the worst first.
        uncalibrated_error: calibration error with a temperature of 1.
    """

    router: Router
    pictures: tuple[ScoredPicture, ...]
    foreign: tuple[ScoredPicture, ...]
    names: tuple[str, ...]
    labels: ViewScores
    groups: ViewScores | None
    strange: Array | None
    foreign_strange: Array | None
    robustness: tuple[dict[str, Any], ...]
    label_errors: tuple[LabelError, ...]
    uncalibrated_error: float

    def to_json(self) -> dict[str, Any]:
        """Return what ``metrics.json`` holds: plain numbers, at full precision, None for what cannot be told."""
        router, class_list = self.router, self.router.class_list
        return {
            "software": f"lungdet {__version__}",
            "class_list": class_list.name,
            "multi_label": class_list.multi_label,
            "pictures": len(self.pictures),
            "patients": len({picture.patient for picture in self.pictures} - {""}) or None,
            "decision": {
                "activation": router.calibration.activation,
                "temperature": router.calibration.temperature,
                "threshold": router.abstention.threshold if router.abstention.reached else None,
                "answers": router.abstention.reached,
                "target_accuracy": target_accuracy(router),
                "ece_uncalibrated": number_or_none(self.uncalibrated_error),
            },
            "labels": self.labels.to_json(),
            "groups": None if self.groups is None else self.groups.to_json(),
            "robustness": list(self.robustness),
            "out_of_domain": self._out_of_domain(),
            "label_errors": {
                "pictures": len(self._doubts()),
                "part": _part(len(self._doubts()), len(self.pictures)),
            },
        }

    def picture_rows(self) -> list[dict[str, Any]]:
        """Return the rows of ``pictures.csv``."""
        view, class_list = self.labels.view, self.router.class_list
        strange = [None] * len(self.pictures) if self.strange is None else self.strange.tolist()
        return [
            {
                "file": self.names[row],
                "patient": picture.patient,
                "label": class_list.join(np.flatnonzero(picture.truth).tolist()),
                "chosen": class_list.join(np.flatnonzero(view.chosen[row]).tolist()),
                "probability": float(view.sure[row]),
                "right": int(view.right[row]),
                "decision": "answer" if self.labels.answered[row] else "review",
                "out_of_domain": strange[row],
                **{f"p_{name}": float(view.probabilities[row, k]) for k, name in enumerate(class_list.names)},
            }
            for row, picture in enumerate(self.pictures)
        ]

    def label_error_rows(self) -> list[dict[str, Any]]:
        """Return the rows of ``label_errors.csv``, one for each picture with a doubtful label, the worst first."""
        class_list, doubts = self.router.class_list, self._doubts()
        return [
            {
                "file": self.names[index],
                "patient": self.pictures[index].patient,
                "label": class_list.join(np.flatnonzero(self.pictures[index].truth).tolist()),
                "doubted": class_list.join([each.given for each in errors if each.given is not None]),
                "suggested": class_list.join([each.suggested for each in errors if each.suggested is not None]),
                "probability_as_labelled": errors[0].given_probability,
                "probability_as_suggested": errors[0].suggested_probability,
            }
            for index, errors in doubts.items()
        ]

    def doubtful_pictures(self) -> list[ScoredPicture]:
        """Return the pictures of :meth:`label_error_rows`."""
        return [self.pictures[index] for index in self._doubts()]

    def _doubts(self) -> dict[int, list[LabelError]]:
        doubts: dict[int, list[LabelError]] = {}
        for error in self.label_errors:
            doubts.setdefault(error.index, []).append(error)
        return doubts

    def _out_of_domain(self) -> dict[str, Any] | None:
        if self.strange is None or self.foreign_strange is None:
            return None
        scores = np.concatenate([self.strange, self.foreign_strange])
        return {
            "foreign_pictures": len(self.foreign),
            "auroc": number_or_none(auroc(scores, np.arange(len(scores)) >= len(self.strange))),
            "foreign_above_limit": _part(int((self.foreign_strange > 1).sum()), len(self.foreign)),
            "own_above_limit": _part(int((self.strange > 1).sum()), len(self.pictures)),
        }


def evaluate_pictures(
    pictures: Sequence[ScoredPicture], router: Router, resamples: int = 1000, seed: int = 0
) -> ClassificationEvaluation:
    """Score pictures; their order does not matter, and one that is there twice counts once.

    Raises:
        ValueError: there is no picture of the classes.
    """
    ordered = unrepeated_pictures(pictures)
    own, foreign = ([picture for picture in ordered if picture.foreign == kind] for kind in (False, True))
    if not own:
        raise ValueError(f"nothing to score: none of {len(ordered)} pictures has a label of {router.class_list.name}")
    strange, foreign_strange = strangeness(router, own), strangeness(router, foreign)
    logits, truth = [picture.logits for picture in own], np.stack([picture.truth for picture in own])
    view = class_view(router, logits, truth)
    answered = _answered(router, view, [None] * len(own) if strange is None else strange.tolist())
    patients = [picture.patient or f"picture {place}" for place, picture in enumerate(own)]
    groups = group_view(router, view)
    plain = replace(router, calibration=Calibration(activation=router.calibration.activation))
    raw = class_view(plain, logits, truth)
    return ClassificationEvaluation(
        router=router,
        pictures=tuple(own),
        foreign=tuple(foreign),
        names=short_names([picture.name for picture in own]),
        labels=score_view(view, patients, answered, resamples, seed),
        groups=None if groups is None else score_view(groups, patients, answered, resamples, seed),
        strange=strange,
        foreign_strange=foreign_strange,
        robustness=tuple(_robustness(own, truth, router)),
        label_errors=tuple(find_label_errors(view.probabilities, truth, router.class_list.multi_label)),
        uncalibrated_error=reliability(raw.sure, raw.right).expected_error,
    )


def strangeness(router: Router, pictures: Sequence[ScoredPicture]) -> Array | None:
    """Out-of-domain scores of pictures, ``(N,)``; None where the router has none, or an embedding is missing."""
    if router.out_of_domain is None or any(picture.embedding is None for picture in pictures):
        return None
    if not pictures:
        return np.empty(0)
    embeddings = np.stack([np.asarray(picture.embedding) for picture in pictures])
    return router.out_of_domain.score(embeddings, np.stack([np.asarray(picture.logits) for picture in pictures]))


def target_accuracy(router: Router) -> float | None:
    """What the threshold was chosen for; None where nothing was."""
    return router.abstention.target_accuracy or None


def short_names(paths: Sequence[str]) -> tuple[str, ...]:
    """Cut what all paths have in common; the last part always stays.

    Example:
        >>> short_names(["/data/a/1.png", "/data/b/1.png"]), short_names(["/data/1.png"])
        (('a/1.png', 'b/1.png'), ('1.png',))
    """
    folders = [os.path.dirname(path) for path in paths if path]
    try:
        common = os.path.commonpath(folders) if folders else ""
    except ValueError:  # some are absolute, some are not
        common = ""
    return tuple(os.path.relpath(path, common) if path and common else path for path in paths)


def _answered(router: Router, view: LabelView, strange: Sequence[float | None]) -> NDArray[np.bool_]:
    """Tell which pictures the router does not leave to a person, by the same three reasons as it does."""
    known = np.array([score is None or score <= 1 for score in strange], dtype=bool)
    return np.asarray(known & (view.sure >= router.abstention.threshold) & view.chosen.any(axis=1))


def _robustness(pictures: Sequence[ScoredPicture], truth: NDArray[np.bool_], router: Router) -> list[dict[str, Any]]:
    """Score the pictures as each disturbance left them, in the order in which the disturbances were given."""
    names = [name for name in pictures[0].disturbed if all(name in picture.disturbed for picture in pictures)]
    rows: list[dict[str, Any]] = []
    for name in names:
        outputs = [picture.disturbed[name] for picture in pictures]
        view = class_view(router, [output.logits for output in outputs], truth)
        sure = coverage_curve(view.sure, view.right)
        answered = _answered(router, view, [output.strange for output in outputs])
        row = {
            "disturbance": name,
            "accuracy": float(view.right.mean()),
            "best_is_true": float(view.best_is_true.mean()),
            "macro_f1": number_or_none(view.scores.macro_f1),
            "accuracy_at_90": number_or_none(sure.accuracy_at(0.9)),
            "answered": float(answered.mean()),
            "accuracy_answered": number_or_none(float(view.right[answered].mean())) if answered.any() else None,
        }
        groups = group_view(router, view)
        if groups is not None:
            row["group_accuracy"] = float(groups.right.mean())
            row["group_macro_f1"] = number_or_none(groups.scores.macro_f1)
        rows.append(row)
    return rows


def _part(part: int, whole: int) -> float | None:
    return part / whole if whole else None
