"""Frames: the only place where RAS meets LPS, and where a voxel's centre meets its edge.

Four frames occur in lungdet, and every point and box says in its name which one it is in:

``voxel``
    Array-axis order ``(i, j, k)`` of an image ``(C, X, Y, Z)``. Integers are the **centres** of voxels. Affines act
    on it.
``edge``
    The same axes, but integers are the **lower edges** of voxels: voxel 3 spans ``[3, 4)``. Boxes live here, so a box
    with whole corners is a half-open slice, and flips and zooms need no correction. ``edge = voxel + 0.5``.
``lps``
    The patient in mm, towards Left, Posterior, Superior: DICOM and ITK (PS3.3 C.7.6.2.1.1). Records and reports use it.
``ras``
    The patient in mm, towards Right, Anterior, Superior: NIfTI and MONAI. ``MetaTensor.affine`` is in it.

MONAI itself flips and zooms boxes in ``edge``, but maps them through the affine as if they were in ``voxel``; use
``boxes_to_world(..., origin="voxel")`` to reproduce that (it shifts boxes by half a voxel).

Functions take NumPy arrays or torch tensors, and give back what they were given.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
ArrayLike: TypeAlias = Any  # a NumPy array or a torch tensor; the result is of the same kind
BoxOrigin = Literal["edge", "voxel"]
BoxFit = Literal["box", "ellipsoid"]

HALF_VOXEL = 0.5


def ras_to_lps(affine_or_points: ArrayLike) -> ArrayLike:
    """Turn RAS into LPS: negate x and y. It is its own inverse.

    Args:
        affine_or_points: a ``(4, 4)`` affine that ends in RAS mm, or ``(N, 3)`` points in RAS mm.

    Returns:
        The same in LPS mm.

    Raises:
        ValueError: the shape is neither.

    Example:
        >>> ras_to_lps(np.array([[10.0, -20.0, 30.0]]))
        array([[-10.,  20.,  30.]])
    """
    shape = tuple(affine_or_points.shape)
    out = affine_or_points.clone() if hasattr(affine_or_points, "clone") else affine_or_points.copy()
    if shape == (4, 4):
        out[:2] = -out[:2]
    elif len(shape) == 2 and shape[1] == 3:
        out[:, :2] = -out[:, :2]
    else:
        raise ValueError(f"expected a (4, 4) affine or (N, 3) points, got {shape}")
    return out


def lps_to_ras(affine_or_points: ArrayLike) -> ArrayLike:
    """Turn LPS into RAS; see :func:`ras_to_lps`."""
    return ras_to_lps(affine_or_points)


def voxel_to_edge(points_voxel: ArrayLike) -> ArrayLike:
    """Move from the ``voxel`` frame (integers are centres) to ``edge`` (integers are lower edges)."""
    return points_voxel + HALF_VOXEL


def edge_to_voxel(points_edge: ArrayLike) -> ArrayLike:
    """Move from the ``edge`` frame (integers are lower edges) to ``voxel`` (integers are centres)."""
    return points_edge - HALF_VOXEL


def voxel_to_world(points_voxel: ArrayLike, affine: ArrayLike) -> ArrayLike:
    """Map ``(N, 3)`` voxel-centre coordinates through ``affine``, ``(4, 4)``; the result is in the affine's own frame.

    Example:
        >>> affine = np.diag([0.7, 0.7, 2.5, 1.0])
        >>> voxel_to_world(np.array([[10.0, 0.0, 2.0]]), affine)
        array([[7., 0., 5.]])
    """
    points_voxel, affine = _same_type(points_voxel, affine)
    return points_voxel @ affine[:3, :3].T + affine[:3, 3]


def world_to_voxel(points_world: ArrayLike, affine: ArrayLike) -> ArrayLike:
    """Invert :func:`voxel_to_world`."""
    points_world, affine = _same_type(points_world, affine)
    module = np if isinstance(affine, np.ndarray) else _torch()
    return (points_world - affine[:3, 3]) @ module.linalg.inv(affine[:3, :3]).T


def map_boxes(boxes: ArrayLike, matrix: ArrayLike, fit: BoxFit = "box") -> ArrayLike:
    """Map boxes from one frame to another; the affine's voxel frame is meant, so edges are the caller's to shift.

    Args:
        boxes: ``(N, 6)``, min corner then max corner.
        matrix: ``(4, 4)``, from the boxes' frame to the other.
        fit: what the new box just holds: ``"box"``, the eight mapped corners, or ``"ellipsoid"``, the mapped ellipsoid
            that just fits into the old box. Where axes stay parallel the two are the same. Where they do not, corners
            grow a box by up to 1.7 times, and once more at every step; a nodule is no cube, and a ball keeps its size.

    Returns:
        ``(N, 6)`` boxes, min corner then max corner.

    Raises:
        ValueError: ``boxes`` is not ``(N, 6)``, or ``fit`` is unknown.

    Example:
        >>> turn = np.array([[0.6, -0.8, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
        >>> map_boxes(np.array([[-5.0, -5, -5, 5, 5, 5]]), turn, fit="ellipsoid").round(6)
        array([[-5., -5., -5.,  5.,  5.,  5.]])
    """
    if fit not in ("box", "ellipsoid"):
        raise ValueError(f"fit must be 'box' or 'ellipsoid', got {fit!r}")
    boxes, matrix = _same_type(_checked(boxes), matrix)
    low, high = boxes[:, :3], boxes[:, 3:]
    center, half = voxel_to_world((low + high) / 2, matrix), (high - low) / 2
    turn = matrix[:3, :3].T
    half = half @ abs(turn) if fit == "box" else (half**2 @ turn**2) ** 0.5
    module = np if isinstance(boxes, np.ndarray) else _torch()
    return module.concatenate([center - half, center + half], 1)


def boxes_to_world(boxes: ArrayLike, affine: ArrayLike, origin: BoxOrigin = "edge", fit: BoxFit = "box") -> ArrayLike:
    """Map boxes of an image to the patient.

    For an oblique affine the result is the smallest axis-aligned box that holds what ``fit`` names.

    Args:
        boxes: ``(N, 6)`` as ``(i0, j0, k0, i1, j1, k1)``, min corner then max corner, in the frame named by ``origin``.
        affine: ``(4, 4)``, voxel centres to mm.
        origin: ``"edge"``, lungdet's own, or ``"voxel"``, to agree with MONAI's ``AffineBoxToWorldCoordinated``.
        fit: see :func:`map_boxes`.

    Returns:
        ``(N, 6)`` boxes in mm in the affine's frame, min corner then max corner.

    Example:
        >>> affine = np.diag([1.0, 1.0, 2.0, 1.0])
        >>> boxes_to_world(np.array([[0.0, 0.0, 0.0, 2.0, 2.0, 2.0]]), affine)
        array([[-0.5, -0.5, -1. ,  1.5,  1.5,  3. ]])
    """
    return map_boxes(_checked(boxes) - _offset(origin), affine, fit)


def boxes_to_voxel(boxes_mm: ArrayLike, affine: ArrayLike, origin: BoxOrigin = "edge") -> ArrayLike:
    """Map boxes from the patient to an image; the inverse of :func:`boxes_to_world` where the axes are parallel.

    Args:
        boxes_mm: ``(N, 6)``, min corner then max corner, in mm in the affine's frame.
        affine: ``(4, 4)``, voxel centres to mm.
        origin: the frame of the result: ``"edge"`` or ``"voxel"``.

    Returns:
        ``(N, 6)`` boxes, min corner then max corner, in array-axis order.
    """
    module = np if isinstance(affine, np.ndarray) else _torch()
    return map_boxes(boxes_mm, module.linalg.inv(affine)) + _offset(origin)


def spacing_of(affine: Float64Array) -> Float64Array:
    """Voxel size in mm along each array axis: the column lengths of a ``(4, 4)`` affine, as ``(3,)``."""
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0), dtype=np.float64)


def _checked(boxes: ArrayLike) -> ArrayLike:
    if boxes.ndim != 2 or boxes.shape[1] != 6:
        raise ValueError(f"boxes must be (N, 6), got {tuple(boxes.shape)}")
    return boxes


def _offset(origin: BoxOrigin) -> float:
    if origin not in ("edge", "voxel"):
        raise ValueError(f"origin must be 'edge' or 'voxel', got {origin!r}")
    return HALF_VOXEL if origin == "edge" else 0.0


def _same_type(coordinates: ArrayLike, affine: ArrayLike) -> tuple[ArrayLike, ArrayLike]:
    """Give tensors of different precision the higher one, as NumPy does by itself; torch would refuse them."""
    if isinstance(coordinates, np.ndarray) or coordinates.dtype == affine.dtype:
        return coordinates, affine
    common = _torch().promote_types(coordinates.dtype, affine.dtype)
    return coordinates.to(common), affine.to(common)


def _torch() -> Any:
    """Import torch only when a tensor came in."""
    import torch

    return torch
