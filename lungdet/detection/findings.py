"""From boxes of the image that the network saw to findings in the patient and in the image as it was read."""

from __future__ import annotations

from typing import Any

import numpy as np

from lungdet import __version__
from lungdet.geometry import frames
from lungdet.records import DetectionReport, Finding, ModelInfo, SeriesInfo

Float64Array = frames.Float64Array
MM_DIGITS = VOXEL_DIGITS = 4  # a tenth of a micrometre; what is below is noise of the arithmetic
SCORE_DIGITS = 6
SMALLEST_SIDE_VOXEL = 10.0**-VOXEL_DIGITS * 2


def make_report(
    boxes: Any,
    scores: Any,
    image_affine_ras: Any,
    ct_affine_ras: Any,
    ct_shape: tuple[int, int, int],
    series: SeriesInfo,
    model: ModelInfo,
) -> DetectionReport:
    """Describe what a detector found, in the patient's coordinates and in the image as read.

    Each box becomes the box of the same ellipsoid (``fit="ellipsoid"`` of :func:`lungdet.geometry.frames.map_boxes`) in
    the image as read, is clipped to it, and goes on to the patient. Boxes of which nothing is left inside the image are
    dropped. The rest are sorted by falling score; ties go by position, so that the order never depends on the machine.

    Args:
        boxes: ``(N, 6)`` in the edge frame of the preprocessed image; an array or a tensor.
        scores: ``(N,)`` in ``[0, 1]``.
        image_affine_ras: ``(4, 4)``, voxel centres of the preprocessed image to RAS mm, as MONAI keeps it.
        ct_affine_ras: ``(4, 4)``, the same of the image as read.
        ct_shape: ``(X, Y, Z)`` of the image as read.
        series: the series that was read.
        model: which model looked.

    Returns:
        The report; lengths are rounded to a tenth of a micrometre.

    Raises:
        ValueError: the numbers of boxes and scores differ, or a score is outside ``[0, 1]``.
    """
    boxes_image, values = _float64(boxes).reshape(-1, 6), _float64(scores).reshape(-1)
    if len(boxes_image) != len(values):
        raise ValueError(f"{len(boxes_image)} boxes, but {len(values)} scores")
    image_lps, ct_lps = (frames.ras_to_lps(_float64(affine)) for affine in (image_affine_ras, ct_affine_ras))
    to_ct = np.linalg.inv(ct_lps) @ image_lps
    boxes_ct = frames.voxel_to_edge(frames.map_boxes(frames.edge_to_voxel(boxes_image), to_ct, fit="ellipsoid"))
    boxes_ct = np.clip(boxes_ct, 0.0, np.tile(np.asarray(ct_shape, dtype=np.float64), 2)).round(VOXEL_DIGITS)
    inside = (boxes_ct[:, 3:] - boxes_ct[:, :3] >= SMALLEST_SIDE_VOXEL).all(axis=1)
    boxes_ct, values = boxes_ct[inside], values[inside].round(SCORE_DIGITS)
    order = np.lexsort((*boxes_ct.T[::-1], -values))  # the last key counts first
    boxes_ct, values = boxes_ct[order], values[order]
    boxes_lps = frames.boxes_to_world(boxes_ct, ct_lps, fit="ellipsoid").round(MM_DIGITS) + 0.0  # no -0.0
    return DetectionReport(
        series=series,
        shape=(int(ct_shape[0]), int(ct_shape[1]), int(ct_shape[2])),
        affine_lps=tuple((a, b, c, d) for a, b, c, d in ct_lps.tolist()),
        findings=tuple(map(_finding, boxes_lps, boxes_ct, values)),
        model=model,
        software_version=__version__,
    )


def _float64(values: Any) -> Float64Array:
    if hasattr(values, "detach"):  # a tensor: NumPy knows neither its device nor bfloat16
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


def _finding(box_lps: Float64Array, box_ct: Float64Array, score: float) -> Finding:
    x0, y0, z0, x1, y1, z1 = box_lps.tolist()
    i0, j0, k0, i1, j1, k1 = box_ct.tolist()
    return Finding((x0, y0, z0, x1, y1, z1), (i0, j0, k0, i1, j1, k1), float(score))
