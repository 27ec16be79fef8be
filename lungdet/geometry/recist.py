"""RECIST marks: the long and the short diameter of a lesion, drawn on one slice, and the boxes around them.

A mark is ``(4, 2)``: the two ends of the long axis, then of the short axis, each ``(column, row)``; DeepLesion's
``Measurement_coordinates`` is one such mark in a row of eight numbers. The functions keep the frame of the marks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

DEEPLESION_MARGIN_PX = 5.0  # DeepLesion's own boxes lie 5 px outside the marks, unclipped
_ONE_BASED_TO_EDGE = -0.5  # the centre of the first pixel is 1 when counted from 1, and 0.5 in the edge frame


def one_based_to_edge(points: Tensor) -> Tensor:
    """Move points from pixel centres counted from 1, as in DeepLesion and MATLAB, to the ``edge`` frame.

    Example:
        >>> one_based_to_edge(torch.tensor([1.0, 512.0]))
        tensor([5.0000e-01, 5.1150e+02])
    """
    return points + _ONE_BASED_TO_EDGE


def recist_to_box(
    endpoints: Tensor,
    margin_px: float = 0.0,
    margin_mm: float = 0.0,
    *,
    spacing_mm: Sequence[float] | Tensor | None = None,
) -> Tensor:
    """Enclose the long and short RECIST diameters in an axis-aligned box.

    Args:
        endpoints: ``(N, 4, 2)`` pixel positions, long axis then short, each ``(column, row)``.
        margin_px: padding added on every side, in pixels (DeepLesion's own boxes use 5).
        margin_mm: further padding in mm; needs ``spacing_mm``.
        spacing_mm: pixel size ``(column, row)``, for one ``(2,)`` or for each mark ``(N, 2)``.

    Returns:
        ``(N, 4)`` boxes as ``(x0, y0, x1, y1)``, in the frame of the marks.

    Raises:
        ValueError: ``endpoints`` is not ``(N, 4, 2)``, or ``margin_mm`` came without a spacing.

    Example:
        >>> mark = torch.tensor([[[10.0, 20.0], [30.0, 24.0], [19.0, 15.0], [21.0, 29.0]]])
        >>> recist_to_box(mark, margin_px=5)
        tensor([[ 5., 10., 35., 34.]])
    """
    _check_marks(endpoints)
    margin = torch.full((2,), float(margin_px)).to(endpoints)
    if margin_mm:
        if spacing_mm is None:
            raise ValueError(f"margin_mm={margin_mm} needs spacing_mm")
        margin = margin + margin_mm / torch.as_tensor(spacing_mm).to(endpoints)
    return torch.cat([endpoints.amin(dim=1) - margin, endpoints.amax(dim=1) + margin], dim=1)


def recist_to_box_3d(boxes: Tensor, slice_ranges: Tensor) -> Tensor:
    """Give boxes of a slice a depth: DeepLesion's "pseudo 3D" boxes.

    Args:
        boxes: ``(N, 4)`` from :func:`recist_to_box`.
        slice_ranges: ``(N, 2)`` first and one-past-last slice, half-open, counted from 0.

    Returns:
        ``(N, 6)`` boxes as ``(x0, y0, z0, x1, y1, z1)``.

    Raises:
        ValueError: the shapes do not fit, or a range does not rise.

    Example:
        >>> recist_to_box_3d(torch.tensor([[5.0, 10.0, 35.0, 34.0]]), torch.tensor([[3, 6]]))
        tensor([[ 5., 10.,  3., 35., 34.,  6.]])
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or slice_ranges.shape != (len(boxes), 2):
        raise ValueError(
            f"wanted (N, 4) boxes and (N, 2) ranges, got {tuple(boxes.shape)}, {tuple(slice_ranges.shape)}"
        )
    if (slice_ranges[:, 1] <= slice_ranges[:, 0]).any():
        raise ValueError(f"slice ranges are half-open and must rise, got {slice_ranges.tolist()}")
    depth = slice_ranges.to(boxes)
    return torch.cat([boxes[:, :2], depth[:, :1], boxes[:, 2:], depth[:, 1:]], dim=1)


def recist_diameters(endpoints: Tensor, spacing_mm: Sequence[float] | Tensor | None = None) -> Tensor:
    """Lengths of the two axes.

    They come in the order drawn: in some DeepLesion rows the "long" axis is the shorter one.

    Args:
        endpoints: ``(N, 4, 2)`` pixel positions, long axis then short, each ``(column, row)``.
        spacing_mm: pixel size ``(column, row)``, ``(2,)`` or ``(N, 2)``; ``None`` leaves the lengths in pixels.

    Returns:
        ``(N, 2)`` long and short diameter, in mm, or in pixels without a spacing.

    Example:
        >>> mark = torch.tensor([[[0.0, 0.0], [6.0, 8.0], [0.0, 4.0], [3.0, 0.0]]])
        >>> recist_diameters(mark, spacing_mm=(0.5, 0.5))
        tensor([[5.0000, 2.5000]])
    """
    _check_marks(endpoints)
    axes = endpoints[:, 1::2] - endpoints[:, 0::2]  # (N, 2 axes, 2 coordinates)
    if spacing_mm is not None:
        axes = axes * torch.as_tensor(spacing_mm).to(endpoints).reshape(-1, 1, 2)
    return axes.square().sum(dim=2).sqrt()


def _check_marks(endpoints: Tensor) -> None:
    if endpoints.ndim != 3 or endpoints.shape[1:] != (4, 2):
        raise ValueError(f"endpoints must be (N, 4, 2), got {tuple(endpoints.shape)}; put a single mark in a list")
