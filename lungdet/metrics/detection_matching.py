"""Assign detections to true boxes one to one, best score first, as PASCAL VOC, COCO and TensorBox do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .box_overlap import pairwise_iou


def match_detections(
    boxes: ArrayLike, scores: ArrayLike, true_boxes: ArrayLike, min_ious: Sequence[float]
) -> NDArray[np.bool_]:
    """Tell which detections of one image are right, at several least overlaps.

    Detections are walked down by score (of equal scores the earlier one first); each takes the true box, of those still
    free, that it overlaps most, if that is enough. A second detection of a true box is therefore wrong.

    Args:
        boxes: ``(N, 6)`` or ``(N, 4)``, min corner then max corner.
        scores: ``(N,)``.
        true_boxes: ``(M, 6)`` or ``(M, 4)``, in the same frame.
        min_ious: ``(T,)`` least overlaps.

    Returns:
        ``(T, N)``, in the order of ``boxes``.

    Raises:
        ValueError: shapes do not fit, or a score is not finite.

    Example:
        >>> match_detections([[0, 0, 4, 4], [0, 0, 4, 3]], [0.5, 0.9], [[0, 0, 4, 4]], [0.5, 0.9]).tolist()
        [[False, True], [True, False]]
    """
    overlaps, score = pairwise_iou(boxes, true_boxes), np.asarray(scores, dtype=np.float64)
    if score.shape != (len(overlaps),):
        raise ValueError(f"{len(overlaps)} boxes need as many scores, got {score.shape}")
    if not np.isfinite(score).all():
        raise ValueError("scores must be finite")
    hits = np.zeros((len(min_ious), len(overlaps)), dtype=np.bool_)
    order = np.argsort(-score, kind="stable")
    near = order[overlaps[order].max(axis=1, initial=0.0) > 0]
    for row, least in enumerate(min_ious):
        free = np.ones(overlaps.shape[1], dtype=np.bool_)
        for detection in near:
            overlap = np.where(free, overlaps[detection], -1.0)
            best = int(overlap.argmax())
            if overlap[best] >= least:
                hits[row, detection], free[best] = True, False
    return hits
