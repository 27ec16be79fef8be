"""The FROC as an Ignite metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from numpy.typing import ArrayLike

from .box_overlap import as_boxes, cubes
from .detection_inputs import DetectionKeys, ScanBoxes, as_spacing, balls, boxes_in_mm, gather, read_scans
from .froc_bootstrap import FrocIntervals, bootstrap_froc
from .froc_curve import FrocResult, froc
from .nodule_matching import ScanMatch, match_boxes, match_scan
from .nodule_strata import size_labels
from .protocols import LUNA16, Hit, ScoringProtocol, find_protocol


class NoduleFROC(Metric):
    """Mean sensitivity over false-positive rates, by a named protocol; the CPM of LUNA16 unless told otherwise.

    :meth:`compute` gives the one number that an evaluator's key metric must be; :meth:`result` gives the curve, the
    counts and the strata, and :meth:`intervals` how far they would move with other scans. In a distributed run all
    three gather the scans of all processes, so they must be called in all of them; use a sampler that repeats no scan.

    Args:
        fp_rates: false positives per scan at which to read the sensitivity; those of the protocol if None.
        max_marks: how many marks of a scan count; as the protocol says if None.
        spacing_mm: size of a voxel where boxes are in voxels, one number for all axes or one for each; 1 where they are
            in mm.
        box_key: key of the boxes in predictions and targets.
        score_key: key of the scores in predictions.
        ignore_key: key of the excluded boxes in targets; it may be absent.
        output_transform: what to take from the engine's output; see ``ignite.metrics.Metric``.
        protocol: ``"luna16"``, ``"simplified"``, ``"deeplesion"``, or a protocol of your own.
        hit: ``"distance"`` (centre within the nodule's radius) or ``"iou"``; as the protocol says if None.
        min_iou: the least overlap where ``hit`` is ``"iou"``; as the protocol says if None.
        strata_keys: keys of labels of the nodules in targets, such as a type or how many readers agree.
        size_edges_mm: diameters that divide the nodules into strata of size; none if empty.

    Example:
        >>> import torch
        >>> metric = NoduleFROC()
        >>> boxes = torch.tensor([[0.0, 0.0, 0.0, 6.0, 6.0, 6.0]])
        >>> metric.update(([(boxes, torch.tensor([0.9]))], [boxes]))
        >>> metric.compute()
        1.0
    """

    def __init__(
        self,
        fp_rates: Sequence[float] | None = None,
        max_marks: int | None = None,
        spacing_mm: float | Sequence[float] = (1.0, 1.0, 1.0),
        box_key: str = "box",
        score_key: str = "score",
        ignore_key: str = "ignore_box",
        output_transform: Callable[[Any], Any] = lambda output: output,
        protocol: str | ScoringProtocol = LUNA16,
        hit: Hit | None = None,
        min_iou: float | None = None,
        strata_keys: Sequence[str] = (),
        size_edges_mm: Sequence[float] = (),
    ) -> None:
        self.protocol = find_protocol(protocol).changed(fp_rates, max_marks, hit, min_iou)
        self.spacing_mm = as_spacing(spacing_mm)
        self.keys = DetectionKeys(box_key, score_key, ignore_key, tuple(strata_keys))
        self.size_edges_mm = tuple(size_edges_mm)
        self._scans: list[ScanMatch] = []
        super().__init__(output_transform=output_transform)

    def reset(self) -> None:
        """Forget all scans."""
        self._scans = []

    def update(self, output: tuple[Sequence[Any], Sequence[Any]]) -> None:
        """Add the scans of a batch.

        Args:
            output: predictions and targets, one of each for each scan. A prediction is ``(boxes, scores)`` as
                ``detection.decode`` gives them, or a mapping; a target is boxes, or a mapping. Boxes are ``(N, 6)``;
                ``(N, 4)``, too, where hits are told by IoU.

        Raises:
            ValueError: the numbers of predictions and targets differ, or their shapes do not fit.
        """
        for scan in read_scans(output, self.keys):
            self._scans.append(self._match_boxes(scan) if self.protocol.hit == "iou" else self._match_balls(scan))

    def update_scan(
        self,
        marks_mm: ArrayLike,
        scores: ArrayLike,
        nodules_mm: ArrayLike,
        diameters_mm: ArrayLike,
        excluded_mm: ArrayLike | None = None,
        excluded_diameters_mm: ArrayLike | None = None,
        strata: Mapping[str, Sequence[object]] | None = None,
        mark_diameters_mm: ArrayLike | None = None,
    ) -> None:
        """Add one scan by centres and diameters; see :func:`~lungdet.metrics.match_scan`.

        Where hits are told by IoU, marks need diameters too, and the boxes are the cubes around the balls.

        Raises:
            ValueError: shapes do not fit, or the marks' diameters are needed and absent.
        """
        rule, labels = self.protocol, self._strata(diameters_mm, strata)
        excluded = (excluded_mm, excluded_diameters_mm) if rule.uses_excluded else (None, None)
        if rule.hit == "distance":
            match = match_scan(marks_mm, scores, nodules_mm, diameters_mm, *excluded, rule.max_marks, labels)
        else:
            boxes, nodules = _cubes(marks_mm, mark_diameters_mm), _cubes(nodules_mm, diameters_mm)
            match = match_boxes(boxes, scores, nodules, rule.min_iou, *excluded, rule.max_marks, labels)
        self._scans.append(match)

    def compute(self) -> float:
        """Return the CPM; NaN where there is no nodule."""
        return self.result().cpm

    def result(self) -> FrocResult:
        """Return the curve and the counts over the scans of all processes.

        Raises:
            NotComputableError: there is no scan.
        """
        return froc(self._all_scans(), protocol=self.protocol)

    def intervals(self, resamples: int = 1000, confidence: float = 0.95, seed: int = 0) -> FrocIntervals:
        """Return bootstrap intervals over the scans of all processes; see :func:`~lungdet.metrics.bootstrap_froc`.

        Raises:
            NotComputableError: there is no scan.
        """
        scans = self._all_scans()
        return bootstrap_froc(scans, protocol=self.protocol, resamples=resamples, confidence=confidence, seed=seed)

    def _all_scans(self) -> list[ScanMatch]:
        scans = gather(self._scans)
        if not scans:
            raise NotComputableError("NoduleFROC needs at least one scan: call update first")
        return scans

    def _match_balls(self, scan: ScanBoxes) -> ScanMatch:
        if 4 in (scan.found.shape[1], scan.true.shape[1]):
            raise ValueError("boxes must be (N, 6) where hits are told by distance; pass hit='iou' for those of slices")
        found, true, ignored = (boxes_in_mm(boxes, self.spacing_mm) for boxes in (scan.found, scan.true, scan.ignored))
        excluded = balls(ignored if self.protocol.uses_excluded else ignored[:0])
        nodules, diameters = balls(true)
        strata = self._strata(diameters, scan.strata)
        return match_scan(balls(found)[0], scan.scores, nodules, diameters, *excluded, self.protocol.max_marks, strata)

    def _match_boxes(self, scan: ScanBoxes) -> ScanMatch:
        rule = self.protocol
        found, true, ignored = (boxes_in_mm(boxes, self.spacing_mm) for boxes in (scan.found, scan.true, scan.ignored))
        excluded = balls(ignored if rule.uses_excluded else ignored[:0])
        strata = self._strata(balls(true)[1], scan.strata)
        return match_boxes(found, scan.scores, true, rule.min_iou, *excluded, rule.max_marks, strata)

    def _strata(
        self, diameters_mm: ArrayLike, strata: Mapping[str, Sequence[object]] | None
    ) -> dict[str, Sequence[object]]:
        sizes = {"size": size_labels(diameters_mm, self.size_edges_mm)} if self.size_edges_mm else {}
        return {**sizes, **(strata or {})}


def _cubes(centers_mm: ArrayLike, diameters_mm: ArrayLike | None) -> Any:
    centers = np.asarray(centers_mm, dtype=np.float64).reshape(-1, 3)
    if diameters_mm is None:
        raise ValueError("hits by IoU need the diameters of marks and nodules")
    return as_boxes(cubes(centers, diameters_mm))
