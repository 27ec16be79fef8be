"""The FROC of LUNA16 as an Ignite metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from numpy.typing import ArrayLike, NDArray

from .froc_curve import LUNA16_FP_RATES, FrocResult, froc
from .nodule_matching import ScanMatch, match_scan


class NoduleFROC(Metric):
    """Competition performance metric: the mean sensitivity at 1/8 to 8 false positives per scan.

    It counts as LUNA16 does; see :func:`~lungdet.metrics.match_scan`. :meth:`compute` gives the one number that an
    evaluator's key metric must be; :meth:`result` gives the curve and the counts. In a distributed run both gather the
    scans of all processes, so they must be called in all of them; use a sampler that repeats no scan.

    Args:
        fp_rates: false positives per scan at which to read the sensitivity.
        max_marks: how many marks of a scan count.
        spacing_mm: size of a voxel where boxes are in voxels; 1 where they are in mm.
        box_key: key of the boxes in predictions and targets.
        score_key: key of the scores in predictions.
        ignore_key: key of the excluded boxes in targets; it may be absent.
        output_transform: what to take from the engine's output; see ``ignite.metrics.Metric``.

    Example:
        >>> metric = NoduleFROC()
        >>> boxes = torch.tensor([[0.0, 0.0, 0.0, 6.0, 6.0, 6.0]])
        >>> metric.update(([(boxes, torch.tensor([0.9]))], [boxes]))
        >>> metric.compute()
        1.0
    """

    def __init__(
        self,
        fp_rates: Sequence[float] = LUNA16_FP_RATES,
        max_marks: int = 100,
        spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
        box_key: str = "box",
        score_key: str = "score",
        ignore_key: str = "ignore_box",
        output_transform: Callable[[Any], Any] = lambda output: output,
    ) -> None:
        self.fp_rates, self.max_marks = tuple(fp_rates), max_marks
        self.spacing_mm = np.asarray(spacing_mm, dtype=np.float64)
        self.box_key, self.score_key, self.ignore_key = box_key, score_key, ignore_key
        self._scans: list[ScanMatch] = []
        super().__init__(output_transform=output_transform)

    def reset(self) -> None:
        """Forget all scans."""
        self._scans = []

    def update(self, output: tuple[Sequence[Any], Sequence[Any]]) -> None:
        """Add the scans of a batch.

        Args:
            output: predictions and targets, one of each for each scan. A prediction is ``(boxes, scores)`` as
                ``detection.decode`` gives them, or a mapping; a target is boxes, or a mapping. Boxes are ``(N, 6)``.

        Raises:
            ValueError: the numbers of predictions and targets differ, or their shapes do not fit.
        """
        predictions, targets = output
        if len(predictions) != len(targets):
            raise ValueError(f"{len(predictions)} predictions for {len(targets)} targets")
        for prediction, target in zip(predictions, targets, strict=True):
            boxes, scores = self._prediction(prediction)
            nodules, excluded = self._target(target)
            self.update_scan(self._balls(boxes)[0], scores, *self._balls(nodules), *self._balls(excluded))

    def update_scan(
        self,
        marks_mm: ArrayLike,
        scores: ArrayLike,
        nodules_mm: ArrayLike,
        diameters_mm: ArrayLike,
        excluded_mm: ArrayLike | None = None,
        excluded_diameters_mm: ArrayLike | None = None,
    ) -> None:
        """Add one scan by centres and diameters; see :func:`~lungdet.metrics.match_scan`."""
        self._scans.append(
            match_scan(marks_mm, scores, nodules_mm, diameters_mm, excluded_mm, excluded_diameters_mm, self.max_marks)
        )

    def compute(self) -> float:
        """Return the CPM; NaN where there is no nodule."""
        return self.result().cpm

    def result(self) -> FrocResult:
        """Return the curve and the counts over the scans of all processes.

        Raises:
            NotComputableError: there is no scan.
        """
        scans = _gather(self._scans)
        if not scans:
            raise NotComputableError("NoduleFROC needs at least one scan: call update first")
        return froc(scans, self.fp_rates)

    def _prediction(self, prediction: Any) -> tuple[Any, Any]:
        if isinstance(prediction, Mapping):
            prediction = prediction[self.box_key], prediction[self.score_key]
        boxes, scores = prediction
        return boxes, _array(scores)

    def _target(self, target: Any) -> tuple[Any, Any]:
        if isinstance(target, Mapping):
            return target[self.box_key], target.get(self.ignore_key, ())
        return target, ()

    def _balls(self, boxes: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return centres ``(N, 3)`` and diameters ``(N,)`` in mm; a diameter is the geometric mean of the sides."""
        array = _array(boxes)
        array = array.reshape(0, 6) if array.size == 0 else array
        if array.ndim != 2 or array.shape[1] != 6:
            raise ValueError(f"boxes must be (N, 6), got {array.shape}")
        low, high = array[:, :3] * self.spacing_mm, array[:, 3:] * self.spacing_mm
        return (low + high) / 2, np.cbrt(np.prod(high - low, axis=1))


def _array(values: Any) -> NDArray[np.float64]:
    if isinstance(values, torch.Tensor):
        values = values.detach().double().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def _gather(scans: list[ScanMatch]) -> list[ScanMatch]:
    """Join the scans of all processes, in the order of their ranks."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return scans
    parts: list[list[ScanMatch]] = [[] for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(parts, scans)
    return [scan for part in parts for scan in part]
