"""Leave out what a detector marks far from the lungs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from lungdet.engines.save_findings import volume_of
from lungdet.geometry import frames
from lungdet.geometry.near_lungs import near_lungs

from .study_lungs import lungs_of

logger = logging.getLogger(__name__)


class LungFilter:
    """Drop boxes that lie further from the lungs than a margin.

    Where no lungs are seen, nothing is dropped, and that is logged: the filter may be wrong, and a mark is a question.

    Args:
        margin_mm: from a box to the nearest lung, along each axis.

    Raises:
        ValueError: the margin is negative or no number.
    """

    def __init__(self, margin_mm: float) -> None:
        if not 0 <= margin_mm < np.inf:
            raise ValueError(f"margin_mm must not be negative, got {margin_mm}")
        self.margin_mm = margin_mm

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Filter the findings of one study.

        Args:
            item: as :func:`lungdet.engines.save_study` takes it; ``item["lungs"]`` is not looked for again.

        Returns:
            A copy with fewer ``pred_box`` and ``pred_score``.
        """
        volume = volume_of(item["ct"])
        found = lungs_of(item)
        if not found.found:
            logger.warning("%s: no lungs are found, so all marks are kept: %s", volume.info.source, found.reason)
            return dict(item)
        boxes = np.asarray(item["pred_box"].detach().cpu().double()).reshape(-1, 6)
        image_lps = frames.ras_to_lps(np.asarray(item["image"].affine.detach().cpu().double()))
        to_ct = np.linalg.inv(volume.affine_lps) @ image_lps
        boxes_ct = frames.voxel_to_edge(frames.map_boxes(frames.edge_to_voxel(boxes), to_ct, fit="ellipsoid"))
        spacing = tuple(float(step) for step in frames.spacing_of(volume.affine_lps))
        near = near_lungs(found.labels, boxes_ct, spacing, self.margin_mm)
        logger.info("%s: %d of %d marks lie near the lungs", volume.info.source, near.sum(), len(near))
        rows = np.flatnonzero(near)
        return {**item, "pred_box": item["pred_box"][rows], "pred_score": item["pred_score"][rows]}
