"""What belongs to a nodule classifier's weights: how sure its answers are, and which of them are worth showing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lungdet.records import ORDINAL_RATINGS

from .beside_weights import other_weights, read_beside_weights, write_beside_weights
from .mark_calibration import MarkCalibration

FORMAT = "lungdet nodule classifier 1"
_TEMPERATURES = ("nodule", "kind", "ratings")
_COEFFICIENTS = ("intercept", "detector", "classifier")


class ClassifierFileError(ValueError):
    """A ``classifier.json`` cannot be trusted, or belongs to other weights; the message names it and the remedy."""


@dataclass(frozen=True)
class ClassifierFile:
    """Temperatures that the logits of a classifier are divided by, and what was chosen with them.

    Attributes:
        nodule, kind, ratings: temperature of each kind of answer; above 1 softens one that is too sure of itself.
        threshold: probability, divided by the temperature and nothing more, from which on a cube counts as a nodule:
            evaluations report sensitivity and false positives there. No mark is shown or left out by it.
        filter: coefficients that weigh the detector's score with the classifier's; see
            :class:`lungdet.detection.MarkFilter`. ``min_score``, if there, is the combined score that a mark is kept
            from, and ``detector_sha256`` tells the weights of the detector whose scores they are for. None where none
            were fitted.
        weights_sha256: the weights that the logits come from; empty for none in particular.
        learnt: names of the ratings that the weights have learnt; None where nobody has judged them, as in files of
            earlier versions.
        on_marks: what makes ``nodule`` hold among the marks of one detector; None where none was fitted.

    Raises:
        ValueError: a number is out of its range, or a rating is unknown or there twice.
    """

    nodule: float = 1.0
    kind: float = 1.0
    ratings: float = 1.0
    threshold: float = 0.5
    filter: Mapping[str, Any] | None = None
    weights_sha256: str = ""
    learnt: tuple[str, ...] | None = None
    on_marks: MarkCalibration | None = None

    def __post_init__(self) -> None:
        for name in _TEMPERATURES:
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"the temperature of {name} must be finite and above 0, got {getattr(self, name)}")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1, got {self.threshold}")
        names = self.learnt or ()
        if len(set(names)) != len(names) or not set(names) <= set(ORDINAL_RATINGS):
            raise ValueError(f"learnt must name some of {', '.join(ORDINAL_RATINGS)}, each once, got {names}")

    def save(self, path: str | Path) -> None:
        """Write it; the file is there whole or not at all."""
        write_beside_weights(path, FORMAT, asdict(self))

    @classmethod
    def load(cls, path: str | Path, *, weights_sha256: str = "") -> ClassifierFile:
        """Read it, and check that it belongs to the weights, if they are named.

        Raises:
            ClassifierFileError: it is none, or belongs to other weights.
            OSError: it cannot be read.
        """
        try:
            found = read_beside_weights(path, FORMAT, lambda content: cls(**_arguments(content)))
        except ValueError as error:
            raise ClassifierFileError(
                f"{path}: not what a training of this version writes beside its weights ({error}); train again"
            ) from error
        if wrong := other_weights(found, weights_sha256):
            raise ClassifierFileError(f"{path}: {wrong}; take the file that was written beside them")
        return found


def _arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: float(content[name]) for name in (*_TEMPERATURES, "threshold")}
    weights, learnt, on_marks = content["filter"], content.get("learnt"), content.get("on_marks")
    return {
        **numbers,
        "filter": None if weights is None else _checked_filter(weights),
        "weights_sha256": content["weights_sha256"],
        "learnt": None if learnt is None else tuple(learnt),
        "on_marks": None if on_marks is None else MarkCalibration(**on_marks),
    }


def _checked_filter(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is read is checked when it is read: a filter that fails later costs every study its marks."""
    fitted = dict(content)
    for name in _COEFFICIENTS:
        if not _is_number(fitted.get(name)):
            raise ValueError(f"the filter's {name} must be a finite number, got {str(fitted.get(name))[:40]}")
    if min(fitted["detector"], fitted["classifier"]) < 0:
        raise ValueError("the filter's weights must not be negative")
    least = fitted.get("min_score")
    if least is not None and not (_is_number(least) and 0 <= least <= 1):
        raise ValueError(f"the filter's min_score must be from 0 to 1, got {str(least)[:40]}")
    if not isinstance(fitted.get("detector_sha256", ""), str):
        raise ValueError("the filter's detector_sha256 must be a text")
    return fitted


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
