"""Average precision of boxes as an Ignite metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from numpy.typing import NDArray

from .detection_inputs import DetectionKeys, ScanBoxes, balls, gather, read_scans
from .detection_matching import match_detections
from .nodule_matching import inside_balls
from .precision_recall import Interpolation, PrecisionRecall, precision_recall

# Scores (N,); right at each overlap and counted at each overlap, (T, N); number of true boxes.
_Scored = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], int]


class AveragePrecision(Metric):
    """Average precision of boxes in space or in slices, at one or several overlaps (IoU).

    Detections and true boxes are assigned one to one, best score first, so a second detection of a nodule is an error,
    other than in a FROC curve. Detections without a true box whose centre lies on an ignored box are left out.
    :meth:`compute` gives the mean over the overlaps, :meth:`by_iou` one value each, :meth:`curve` the curve itself, and
    the equal error rate with it. All gather the scans of all processes.

    Args:
        min_ious: the overlaps.
        interpolation: see :meth:`~lungdet.metrics.PrecisionRecall.average_precision`.
        max_detections: how many detections of a scan count, best first; None for all.
        box_key: key of the boxes in predictions and targets.
        score_key: key of the scores in predictions.
        ignore_key: key of the boxes to ignore in targets; it may be absent.
        output_transform: what to take from the engine's output; see ``ignite.metrics.Metric``.

    Raises:
        ValueError: an overlap is not in ``(0, 1]``.

    Example:
        >>> metric = AveragePrecision(min_ious=(0.1, 0.5))
        >>> metric.update(([([[0, 0, 0, 4, 4, 4]], [0.9])], [[[0, 0, 0, 4, 4, 1]]]))
        >>> metric.by_iou()
        {0.1: 1.0, 0.5: 0.0}
    """

    def __init__(
        self,
        min_ious: Sequence[float] = (0.1, 0.5),
        interpolation: Interpolation = "area",
        max_detections: int | None = 100,
        box_key: str = "box",
        score_key: str = "score",
        ignore_key: str = "ignore_box",
        output_transform: Callable[[Any], Any] = lambda output: output,
    ) -> None:
        if not min_ious or not all(0.0 < least <= 1.0 for least in min_ious):
            raise ValueError(f"min_ious must be in (0, 1], got {tuple(min_ious)}")
        self.min_ious, self.interpolation, self.max_detections = tuple(min_ious), interpolation, max_detections
        self.keys = DetectionKeys(box_key, score_key, ignore_key)
        self._scans: list[_Scored] = []
        super().__init__(output_transform=output_transform)

    def reset(self) -> None:
        """Forget all scans."""
        self._scans = []

    def update(self, output: tuple[Sequence[Any], Sequence[Any]]) -> None:
        """Add the scans of a batch; see :meth:`NoduleFROC.update`."""
        for scan in read_scans(output, self.keys):
            self._scans.append(self._match(scan))

    def compute(self) -> float:
        """Return the mean over the overlaps."""
        return float(np.mean(list(self.by_iou().values())))

    def by_iou(self) -> dict[float, float]:
        """Return the average precision at each overlap; NaN where there is no true box."""
        scans = self._all_scans()
        return {least: self._curve(scans, least).average_precision(self.interpolation) for least in self.min_ious}

    def curve(self, min_iou: float) -> PrecisionRecall:
        """Return precision against recall at one of the overlaps.

        Raises:
            ValueError: the metric was not made for this overlap.
        """
        if min_iou not in self.min_ious:
            raise ValueError(f"min_iou must be one of {self.min_ious}, got {min_iou}")
        return self._curve(self._all_scans(), min_iou)

    def _match(self, scan: ScanBoxes) -> _Scored:
        best = np.argsort(-scan.scores, kind="stable")[: self.max_detections]
        boxes, scores = scan.found[best], scan.scores[best]
        hits = match_detections(boxes, scores, scan.true, self.min_ious)
        kept = hits | ~inside_balls(balls(boxes)[0], *balls(scan.ignored)).any(axis=1)
        return scores, hits, kept, len(scan.true)

    def _all_scans(self) -> list[_Scored]:
        scans = gather(self._scans)
        if not scans:
            raise NotComputableError("AveragePrecision needs at least one scan: call update first")
        return scans

    def _curve(
        self,
        scans: list[_Scored],
        min_iou: float,
    ) -> PrecisionRecall:
        row = self.min_ious.index(min_iou)
        scores = np.concatenate([scores[kept[row]] for scores, _, kept, _ in scans])
        hits = np.concatenate([hits[row][kept[row]] for _, hits, kept, _ in scans])
        return precision_recall(scores, hits, sum(truths for *_, truths in scans))
