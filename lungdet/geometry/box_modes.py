"""The ways to write a box with four or six numbers, by MONAI's names."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BOX_MODES_3D = ("xyzxyz", "xxyyzz", "xyxyzz", "xyzwhd", "cccwhd")
BOX_MODES_2D = ("xyxy", "xxyy", "xywh", "ccwh")
_FROM = {  # where, in a row of each mode, min corner and max corner stand
    "xxyyzz": (0, 2, 4, 1, 3, 5),
    "xyxyzz": (0, 1, 4, 2, 3, 5),
    "xxyy": (0, 2, 1, 3),
}


def convert_box_mode(boxes: ArrayLike, source: str, target: str) -> NDArray[np.float64]:
    """Write boxes in another mode; the frame stays the same.

    Args:
        boxes: ``(N, 6)`` or ``(N, 4)`` in the mode ``source``; an empty list is fine.
        source: one of :data:`BOX_MODES_3D` or :data:`BOX_MODES_2D`: corners ``xyzxyz``, ``xxyyzz``, ``xyxyzz``, corner
            and size ``xyzwhd``, centre and size ``cccwhd``.
        target: another one, of the same dimension.

    Returns:
        ``(N, 6)`` or ``(N, 4)`` float64 in the mode ``target``.

    Raises:
        ValueError: a mode is unknown, the dimensions differ, or the boxes have another number of columns.

    Example:
        >>> convert_box_mode([[0, 1, 2, 10, 21, 32]], "xyzxyz", "cccwhd")
        array([[ 5., 11., 17., 10., 20., 30.]])
        >>> convert_box_mode([[0, 10, 1, 21, 2, 32]], "xxyyzz", "xyzwhd")
        array([[ 0.,  1.,  2., 10., 20., 30.]])
    """
    width = _columns(source)
    if width != _columns(target):
        raise ValueError(f"boxes of mode {source!r} cannot be written as {target!r}")
    rows = np.asarray(boxes, dtype=np.float64)
    rows = rows.reshape(0, width) if rows.size == 0 else rows
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(f"boxes of mode {source!r} are (N, {width}), got {rows.shape}")
    return _from_corners(_to_corners(rows, source), target)


def _columns(mode: str) -> int:
    if mode not in BOX_MODES_2D + BOX_MODES_3D:
        raise ValueError(f"box mode {mode!r} is none of {', '.join(BOX_MODES_3D + BOX_MODES_2D)}")
    return len(mode)


def _to_corners(rows: NDArray[np.float64], mode: str) -> NDArray[np.float64]:
    if mode in _FROM:
        return rows[:, _FROM[mode]]
    half = rows.shape[1] // 2
    first, second = rows[:, :half], rows[:, half:]
    if mode.startswith("c"):
        return np.concatenate([first - second / 2, first + second / 2], axis=1)
    return np.concatenate([first, first + second], axis=1) if "w" in mode else rows.copy()


def _from_corners(rows: NDArray[np.float64], mode: str) -> NDArray[np.float64]:
    if mode in _FROM:
        return rows[:, np.argsort(_FROM[mode])]
    half = rows.shape[1] // 2
    low, high = rows[:, :half], rows[:, half:]
    if mode.startswith("c"):
        return np.concatenate([(low + high) / 2, high - low], axis=1)
    return np.concatenate([low, high - low], axis=1) if "w" in mode else rows
