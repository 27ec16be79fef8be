"""A nodule classifier's bundle, ready for the marks of one CT after another, without MONAI's command line."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from lungdet.detection.mark_filter import MarkFilter
from lungdet.geometry.cubes import Cube, cut_cube
from lungdet.records import CTVolume, NoduleAnswer, Point

from .bundle import BundleError
from .opened_bundle import OpenedBundle
from .read_ahead import in_batches

logger = logging.getLogger(__name__)
BUNDLE = "nodule_classifier"
NEEDED = ("network", "scale_cubes", "inferer", "answers", "classifier_file")
BATCH, DIGITS = 16, 6


@dataclass(frozen=True)
class UnratedMark:
    """Why a mark has no answer."""

    reason: str


class NoduleRater:
    """A bundle's network with its weights, ready to say which marks are nodules, of which type, and how suspicious.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of the bundle's settings, by id; see :func:`~lungdet.workflows.open_bundle`.

    Attributes:
        model: name and version of the bundle, and SHA-256 of its weights.
        answers: makes answers of the network's logits, see :class:`lungdet.lesions.NoduleAnswers`.
        mark_filter: weighs the detector's score with the probability of a nodule; None if none was fitted.
        threshold: of the filtered score, from which on a mark is kept; None leaves it to the caller.
        filter_detector: SHA-256 of the weights of the detector that the filter was fitted to; empty if nobody knows.

    Raises:
        BundleError: the bundle cannot be found or opened, classifies no nodules, or its weights or the file that
            belongs to them cannot be loaded.
        ValueError: there is no such device.
    """

    def __init__(
        self, bundle: str | Path = BUNDLE, device: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> None:
        opened = OpenedBundle(bundle, device, overrides)
        missing = [name for name in NEEDED if name not in opened.parser.config]
        if missing:
            lack = f"it has no setting {', '.join(map(repr, missing))}"
            raise BundleError(f"{opened.root}: no classifier of nodules: {lack}; name another bundle")
        self.device, self.network = opened.device, opened.network()
        self.model = opened.load_weights(self.network)
        self.scale_cubes, self.inferer = opened.take("scale_cubes"), opened.take("inferer")
        try:
            self.answers = opened.take("answers")
        except Exception as error:  # the parser wraps what was raised: no file, or one of other weights
            raise BundleError(f"{opened.root}: {_own_error(error)}") from error
        known = self.answers.file.weights_sha256
        if known and known != self.model.weights_sha256:
            files = f"{opened.root}: the file of temperatures belongs to weights {known[:12]}"
            raise BundleError(f"{files}, not to {self.model.weights_sha256[:12]}; take the one written beside them")
        fitted: Mapping[str, Any] | None = self.answers.file.filter
        self.mark_filter = None if fitted is None else MarkFilter.from_dict(fitted)
        self.threshold: float | None = None if fitted is None else fitted.get("min_score")
        self.filter_detector: str = "" if fitted is None else fitted.get("detector_sha256", "")

    def __call__(self, volume: CTVolume, centers_lps_mm: Sequence[Point]) -> list[NoduleAnswer | UnratedMark]:
        """Answer for marks of a scan, in their order; a mark without an answer says why.

        Ratings that the weights have not learnt are left out. The probability of a nodule is that of the classifier
        alone, as a filter wants it; ``answers.on_marks`` makes it hold among the marks of a known detector.

        Args:
            volume: the scan, HU.
            centers_lps_mm: the marks.
        """
        answers: list[NoduleAnswer | UnratedMark] = []
        for batch in in_batches(_cubes(volume, centers_lps_mm), BATCH):
            cubes = [each for each in batch if isinstance(each, Cube)]
            rated = iter(self._rate(cubes) if cubes else ())
            answers += [next(rated) if isinstance(each, Cube) else each for each in batch]
        return answers

    @torch.no_grad()
    def _rate(self, cubes: Sequence[Cube]) -> list[NoduleAnswer]:
        logits = self.inferer(self._scaled(cubes).to(self.device), self.network)
        answers = map(self.answers.learnt, self.answers(logits))
        return [rounded(replace(answer, inside=cube.inside)) for answer, cube in zip(answers, cubes, strict=True)]

    def _scaled(self, cubes: Sequence[Cube]) -> Tensor:
        items = (self.scale_cubes({"image": torch.from_numpy(cube.hu)}) for cube in cubes)
        return torch.stack([convert_to_tensor(item["image"], track_meta=False) for item in items])


def _cubes(volume: CTVolume, centers_lps_mm: Sequence[Point]) -> Iterator[Cube | UnratedMark]:
    for center in centers_lps_mm:
        try:
            yield cut_cube(volume.array, volume.affine_lps, center)
        except ValueError as error:
            yield UnratedMark(str(error))


def rounded(answer: NoduleAnswer) -> NoduleAnswer:
    """Drop digits that are noise of the arithmetic, so that machines agree."""
    return NoduleAnswer.from_dict(round_numbers(answer.to_dict(), DIGITS))


def round_numbers(facts: Any, digits: int) -> Any:
    """Round all floating-point numbers in dictionaries, lists and tuples.

    Example:
        >>> round_numbers({"a": 0.12345, "b": [1, (2.0001, "x", None)]}, 3)
        {'a': 0.123, 'b': [1, [2.0, 'x', None]]}
    """
    if isinstance(facts, dict):
        return {name: round_numbers(value, digits) for name, value in facts.items()}
    if isinstance(facts, (list, tuple)):
        return [round_numbers(value, digits) for value in facts]
    return round(facts, digits) + 0.0 if isinstance(facts, float) else facts


def _own_error(error: BaseException) -> BaseException:
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error
