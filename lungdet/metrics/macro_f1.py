"""Macro F1 as an Ignite metric: the number by which a classifier's best weights are chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from numpy.typing import NDArray

from .class_choices import choose_classes, truth_matrix
from .classification import class_rates, macro_rates
from .detection_inputs import gather


class MacroF1(Metric):
    """Mean F1 over the classes that have an example, for one or several labels a picture.

    In a distributed run :meth:`compute` joins the counts of all processes, so all must call it; use a sampler that
    repeats no picture. Predictions that are not finite make it NaN: such weights are never the best.

    Args:
        num_classes: ``K``.
        multi_label: a picture may have several classes, or none.
        threshold: probability at which a class is chosen, where there may be several.
        share: where there may be several, choose those with at least this part of the best class's probability
            instead: for classes that share a whole, by softmax.
        logits: predictions are logits, and not probabilities.
        output_transform: what to take from the engine's output, such as ``monai.handlers.from_engine(["pred",
            "label"])``.

    Raises:
        ValueError: there is no class, or the threshold or the share is not in (0, 1).

    Example:
        >>> metric = MacroF1(num_classes=2)
        >>> metric.update((torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 0])))
        >>> round(metric.compute(), 4)
        0.6667
    """

    def __init__(
        self,
        num_classes: int,
        multi_label: bool = False,
        threshold: float = 0.5,
        logits: bool = True,
        share: float | None = None,
        output_transform: Callable[[Any], Any] = lambda output: output,
    ) -> None:
        if num_classes < 1 or not 0.0 < threshold < 1.0:
            raise ValueError(f"num_classes must be positive, threshold in (0, 1), got {num_classes} and {threshold}")
        if share is not None and not 0.0 < share < 1.0:
            raise ValueError(f"share must be in (0, 1), got {share}")
        self.num_classes, self.multi_label, self.logits, self.share = num_classes, multi_label, logits, share
        self.least = float(np.log(threshold / (1 - threshold))) if logits else threshold
        super().__init__(output_transform=output_transform)

    def reset(self) -> None:
        """Forget all pictures."""
        self._counts = np.zeros((3, self.num_classes), dtype=np.int64)  # right, wrong, missed
        self._finite, self._images = True, 0

    def update(self, output: tuple[Any, Any]) -> None:
        """Add the pictures of a batch.

        Args:
            output: predictions ``(B, K)``, or mappings that hold them as ``logits``; and labels, ``(B,)`` whole numbers
                (-1 for none of the classes) or ``(B, K)`` zeros and ones. Or lists of ``B`` of either, as decollation
                gives them.

        Raises:
            ValueError: the shapes do not fit.
        """
        predictions, labels = output
        predictions = _logits(predictions)
        values = _stacked(predictions).reshape(-1, self.num_classes) if len(predictions) else np.empty((0, 1))
        if not len(values):
            return
        true = _truth(_stacked(labels), self.num_classes)
        if len(true) != len(values):
            raise ValueError(f"{len(values)} predictions for {len(true)} labels")
        chosen = choose_classes(values, self.multi_label, self._thresholds(values))
        self._counts += np.stack([part.sum(axis=0) for part in (true & chosen, ~true & chosen, true & ~chosen)])
        self._finite &= bool(np.isfinite(values).all())
        self._images += len(values)

    def compute(self) -> float:
        """Return the mean; NaN where no class has an example, or a prediction was not finite.

        Raises:
            NotComputableError: there is no picture.
        """
        parts = gather([(self._counts, self._finite, self._images)])
        if not sum(images for *_, images in parts):
            raise NotComputableError("MacroF1 needs at least one picture: call update first")
        right, wrong, missed = np.sum([counts for counts, *_ in parts], axis=0)
        finite = all(finite for _, finite, _ in parts)
        return float(macro_rates(class_rates(right, wrong, missed), right + missed)[2]) if finite else float("nan")

    def _thresholds(self, values: NDArray[Any]) -> Any:
        """What logits or probabilities ``(B, K)`` must reach: one number, or one for each picture, ``(B, 1)``."""
        if self.share is None:
            return self.least
        best = values.max(axis=1, keepdims=True)
        return best + np.log(self.share) if self.logits else best * self.share


def _logits(predictions: Any) -> Any:
    """The logits of what may be a mapping, or a list of mappings."""
    if isinstance(predictions, Mapping):
        return predictions["logits"]
    if isinstance(predictions, Sequence):
        return [_logits(prediction) for prediction in predictions]
    return predictions


def _stacked(values: Any) -> NDArray[Any]:
    """One array from a tensor, or from a list of tensors or numbers."""
    if isinstance(values, Sequence):
        return np.stack([_stacked(value) if isinstance(value, torch.Tensor) else np.asarray(value) for value in values])
    if isinstance(values, torch.Tensor):
        return np.asarray(values.detach().double().cpu().numpy())
    return np.asarray(values)


def _truth(labels: NDArray[Any], num_classes: int) -> NDArray[np.bool_]:
    """Labels ``(B,)``, ``(B, 1)`` of whole numbers, or ``(B, K)``."""
    if labels.ndim == 2 and labels.shape[1] == 1 and num_classes > 1:
        labels = labels[:, 0]
    return truth_matrix(labels, num_classes)
