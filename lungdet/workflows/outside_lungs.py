"""Tell which findings lie outside the lungs: what a model of lung nodules says of those means nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lungdet.geometry.frames import spacing_of
from lungdet.geometry.lung_mask import LungMask
from lungdet.geometry.near_lungs import MARGIN_MM, near_lungs
from lungdet.records import CTVolume, Finding


def outside_lungs(
    volume: CTVolume, findings: Sequence[Finding], lungs: LungMask, margin_mm: float = MARGIN_MM
) -> list[bool]:
    """Say of each finding whether it lies further from both lungs than a margin; of none where no lungs are found.

    Args:
        volume: the image as read.
        findings: their ``box_voxel`` is used.
        lungs: of the volume.
        margin_mm: from the box to the nearest lung, along each axis.

    Returns:
        One truth value for each finding, in their order.
    """
    if not lungs.found or not findings:
        return [False] * len(findings)
    boxes = np.array([finding.box_voxel for finding in findings], dtype=np.float64)
    x, y, z = (float(step) for step in spacing_of(volume.affine_lps))
    return [not near for near in near_lungs(lungs.labels, boxes, (x, y, z), margin_mm)]
