"""The heads of a nodule classifier as one Ignite metric: the number by which its best weights are chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from numpy.typing import NDArray

from .class_choices import choose_classes, truth_matrix
from .classification import class_rates, macro_rates
from .coverage import auroc
from .detection_inputs import as_array, gather

Array = NDArray[np.float64]
UNKNOWN = -1
PARTS = ("mean", "nodule", "kind", "ratings")


class NoduleHeads(Metric):
    """How well nodules are told from look-alikes, their types and their ratings; each from 0 to 1, 1 the best.

    * ``nodule``: area under the ROC curve.
    * ``kind``: mean recall of the types that have an example.
    * ``ratings``: 1 less the mean distance of said means from the readers' means as a part of the scale.
    * ``mean``: mean of those that can be told.

    What is unknown, -1 or NaN, is left out. In a distributed run :meth:`compute` joins what all processes saw, so all
    must call it. Predictions that are not finite make it NaN: such weights are never the best.

    Args:
        part: which of them.
        types: how many types there are.
        ratings: how many ratings.
        levels: of each rating.
        output_transform: what to take from the engine's output, such as ``monai.handlers.from_engine(["pred",
            "label"])``.

    Raises:
        ValueError: there is no such part, or a count is not positive.

    Example:
        >>> import torch
        >>> metric = NoduleHeads("nodule", types=2, ratings=1, levels=2)
        >>> logits = torch.tensor([[3.0, 0, 0, 0], [-3.0, 0, 0, 0]])
        >>> metric.update((logits, {"nodule": torch.tensor([1.0, 0.0])}))
        >>> metric.compute()
        1.0
    """

    def __init__(
        self,
        part: str = "mean",
        types: int = 4,
        ratings: int = 7,
        levels: int = 5,
        output_transform: Callable[[Any], Any] = lambda output: output,
    ) -> None:
        if part not in PARTS:
            raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
        if types < 1 or ratings < 0 or levels < 2:
            raise ValueError(f"there must be a type and two levels, got {types} types, {ratings} ratings of {levels}")
        self.part, self.types, self.ratings, self.steps = part, types, ratings, levels - 1
        super().__init__(output_transform=output_transform)

    def reset(self) -> None:
        """Forget all cubes."""
        self._logits: list[Array] = []
        self._truths: list[dict[str, Array]] = []

    def update(self, output: tuple[Any, Any]) -> None:
        """Add the cubes of a batch.

        Args:
            output: logits ``(B, 1 + types + ratings * (levels - 1))`` of nodule, types and ratings, or ``B`` rows of
                them; and a mapping of ``nodule`` ``(B,)``, ``kind`` ``(B,)`` and ``ratings`` ``(B, ratings, levels -
                1)``, or ``B`` mappings of one each. A target that is not there is unknown.

        Raises:
            ValueError: the shapes do not fit.
        """
        width = 1 + self.types + self.ratings * self.steps
        rows = [as_array(row) for row in output[0]]
        truths = list(_rows_of(output[1], len(rows)))
        if len(truths) != len(rows) or any(row.shape != (width,) for row in rows):
            shapes = sorted({row.shape for row in rows})
            raise ValueError(f"wanted {width} logits for each of {len(truths)} targets, got {len(rows)} of {shapes}")
        self._logits += rows
        self._truths += [self._truth(truth) for truth in truths]

    def compute(self) -> float:
        """Return the score; NaN where nothing can be told, or a prediction was not finite.

        Raises:
            NotComputableError: there is no cube.
        """
        pairs = gather(list(zip(self._logits, self._truths, strict=True)))
        if not pairs:
            raise NotComputableError("NoduleHeads needs at least one cube: call update first")
        logits = np.stack([row for row, _ in pairs])
        truth = {name: np.stack([each[name] for _, each in pairs]) for name in pairs[0][1]}
        if not np.isfinite(logits).all():
            return float("nan")
        scores = [self._score(part, logits, truth) for part in PARTS[1:] if self.part in (part, "mean")]
        known = [score for score in scores if np.isfinite(score)]
        return float(np.mean(known)) if known else float("nan")

    def _score(self, part: str, logits: Array, truth: Mapping[str, Array]) -> float:
        if part == "nodule":
            known = truth["nodule"] != UNKNOWN
            return auroc(logits[known, 0], truth["nodule"][known] > 0.5)
        if part == "kind":
            known = truth["kind"] != UNKNOWN
            return _mean_recall(logits[known, 1 : 1 + self.types], truth["kind"][known].astype(np.int64))
        said = 1 / (1 + np.exp(-np.clip(logits[:, 1 + self.types :], -60, 60)))
        shares = said.reshape(-1, self.ratings, self.steps)
        errors = np.abs(shares.sum(axis=2) - truth["ratings"].sum(axis=2))
        known = ~np.isnan(errors)
        return float(1 - errors[known].mean() / self.steps) if known.any() else float("nan")

    def _truth(self, truth: Mapping[str, Any]) -> dict[str, Array]:
        nothing = np.full((self.ratings, self.steps), np.nan)
        ratings = as_array(truth.get("ratings", nothing)).reshape(nothing.shape)
        return {
            "nodule": as_array(truth.get("nodule", UNKNOWN)).reshape(()),
            "kind": as_array(truth.get("kind", UNKNOWN)).reshape(()),
            "ratings": ratings,
        }


def _mean_recall(logits: Array, kinds: NDArray[np.int64]) -> float:
    if not len(kinds):
        return float("nan")
    true, chosen = truth_matrix(kinds, logits.shape[1]), choose_classes(logits)
    right, wrong, missed = ((a & b).sum(axis=0) for a, b in ((true, chosen), (~true, chosen), (true, ~chosen)))
    return float(macro_rates(class_rates(right, wrong, missed), right + missed)[0])


def _rows_of(targets: Any, count: int) -> Iterator[Mapping[str, Any]]:
    """One mapping for each cube, from one of stacked targets or from a list of mappings."""
    if not isinstance(targets, Mapping):
        yield from targets
        return
    wrong = {name: len(values) for name, values in targets.items() if len(values) != count}
    if wrong:
        raise ValueError(f"targets must be there for each of {count} cubes, got {wrong}")
    for row in range(count):
        yield {name: values[row] for name, values in targets.items()}
