"""How well the scores of a volume's slices rise along the body: what a regressor's weights are chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from numpy.typing import NDArray
from scipy.stats import kendalltau

from .detection_inputs import gather

Measure = Literal["linearity", "tau"]


class SliceOrder(Metric):
    """Mean over volumes of how scores rise with the place of a slice.

    ``"tau"`` is Kendall's rank correlation (tau-b), ``"linearity"`` the squared correlation with the sign of the
    correlation: 1 for a straight line that rises, 0 for no relation, -1 for one that falls. Neither needs a label.

    In a distributed run :meth:`compute` joins all processes, so all must call it. Scores that are not finite make
    it NaN.

    Args:
        measure: which of the two.
        output_transform: what to take from the engine's output: scores and positions, each a list of ``(M,)`` or
            ``(B, M)``.

    Raises:
        ValueError: there is no such measure.

    Example:
        >>> metric = SliceOrder("tau")
        >>> metric.update((torch.tensor([[0.0, 2.0, 1.0]]), torch.tensor([[0.0, 5.0, 10.0]])))
        >>> round(metric.compute(), 4)
        0.3333
    """

    def __init__(
        self, measure: Measure = "linearity", output_transform: Callable[[Any], Any] = lambda output: output
    ) -> None:
        if measure not in ("linearity", "tau"):
            raise ValueError(f"measure must be 'linearity' or 'tau', got {measure!r}")
        self.measure = measure
        super().__init__(output_transform=output_transform)

    def reset(self) -> None:
        """Forget all volumes."""
        self._values: list[float] = []

    def update(self, output: tuple[Sequence[Any], Sequence[Any]]) -> None:
        """Add volumes: their scores, and the positions of their slices.

        Raises:
            ValueError: the two do not fit, or a volume has fewer than 2 slices.
        """
        scores, positions = output
        if len(scores) != len(positions):
            raise ValueError(f"{len(scores)} volumes with scores, {len(positions)} with positions")
        read = tau if self.measure == "tau" else linearity
        self._values += [read(_array(one), _array(where)) for one, where in zip(scores, positions, strict=True)]

    def compute(self) -> float:
        """Return the mean.

        Raises:
            NotComputableError: there is no volume.
        """
        values = [value for part in gather([self._values]) for value in part]
        if not values:
            raise NotComputableError("SliceOrder needs at least one volume: call update first")
        return float(np.mean(values))


def tau(scores: NDArray[Any], positions: NDArray[Any]) -> float:
    """Return Kendall's tau-b of ``(M,)`` scores and positions; 0 where all are the same, NaN if one is no number.

    Example:
        >>> tau(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]))
        1.0
    """
    _check(scores, positions)
    if not np.isfinite(scores).all():
        return float("nan")
    found = float(kendalltau(scores, positions).statistic)
    return 0.0 if np.isnan(found) else found


def linearity(scores: NDArray[Any], positions: NDArray[Any]) -> float:
    """Return the squared correlation of ``(M,)`` scores and positions, with the sign of the correlation.

    Where the positions are evenly spaced it is the R2 of a straight line. 0 where all scores are the same.

    Example:
        >>> round(linearity(np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 2.0])), 4), round(25 / 28, 4)
        (0.8929, 0.8929)
    """
    _check(scores, positions)
    if not np.isfinite(scores).all():
        return float("nan")
    one, other = scores - scores.mean(), positions - positions.mean()
    scale = float((one**2).sum() * (other**2).sum())
    if scale <= 0:
        return 0.0
    product = float((one * other).sum())
    return product * abs(product) / scale


def _array(values: Any) -> NDArray[np.float64]:
    return np.asarray(torch.as_tensor(values).detach().double().cpu().numpy(), dtype=np.float64)


def _check(scores: NDArray[Any], positions: NDArray[Any]) -> None:
    if scores.ndim != 1 or scores.shape != positions.shape or len(scores) < 2:
        raise ValueError(
            f"wanted 2 scores or more, and as many positions, (M,), got {scores.shape} and {positions.shape}"
        )
