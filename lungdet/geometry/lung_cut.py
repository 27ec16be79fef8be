"""Cut lungs apart that touch in front of the heart: in each slice along the line that crosses least lung."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .lung_grid import Float32Array, LungGrid, Mask

Int64Array: TypeAlias = NDArray[np.int64]

REACH_MM = 45.0  # the line stays so near to the middle
BRIGHT_HU, DARK_HU = -400.0, -800.0  # the pleura between two lungs is no darker than the one; lung costs the other
LEAST_COST = 0.1  # of a bright pixel in a lung
PULL_PER_MM = 0.015  # cost of being off the middle
TURN_COST = 0.02  # of a step to the side, from one row to the next


def right_of_cut(grid: LungGrid, lungs: Mask, middle: float) -> Mask:
    """Tell what lies on the patient's right of the best cut, ``(Z, Y, X)``.

    In each slice the line runs from the front to the back; by dynamic programming it is the one that crosses least
    lung, bright lung counting little, and stays near the middle.

    Args:
        grid: the scan; columns run to the patient's left.
        lungs: ``(Z, Y, X)``.
        middle: column of the middle of the chest.
    """
    reach = max(2, round(REACH_MM / grid.step_mm[2]))
    first = int(np.clip(round(middle) - reach, 0, lungs.shape[2] - 1))
    last = int(np.clip(round(middle) + reach + 1, first + 1, lungs.shape[2]))
    dark = np.clip((BRIGHT_HU - grid.hu[:, :, first:last]) / (BRIGHT_HU - DARK_HU), LEAST_COST, 1.0)
    off = np.abs(np.arange(first, last) - middle).astype(np.float32) * np.float32(grid.step_mm[2] * PULL_PER_MM)
    cost = np.where(lungs[:, :, first:last], dark, np.float32(0)) + off
    path = first + _cheapest(cost.astype(np.float32))
    right: Mask = np.arange(lungs.shape[2]) < path[..., None]
    return right


def _cheapest(cost: Float32Array) -> Int64Array:
    """Column in each row of the cheapest line through each slice, ``(Z, Y)``; it shifts by two at most a row."""
    slices, rows = cost.shape[:2]
    total, steps = cost[:, 0].copy(), np.zeros(cost.shape, dtype=np.int8)
    for row in range(1, rows):
        options = [total]
        for shift in (-2, -1, 1, 2):
            moved = np.full_like(total, np.inf)
            target, source = (
                (slice(-shift, None), slice(None, shift)) if shift < 0 else (slice(None, -shift), slice(shift, None))
            )
            moved[:, target] = total[:, source] + np.float32(TURN_COST * abs(shift))
            options.append(moved)
        best = np.argmin(options, axis=0)
        steps[:, row] = np.array([0, -2, -1, 1, 2], dtype=np.int8)[best]
        total = np.min(options, axis=0) + cost[:, row]
    path = np.empty((slices, rows), dtype=np.int64)
    path[:, -1] = total.argmin(axis=1)
    for row in range(rows - 1, 0, -1):
        path[:, row - 1] = path[:, row] + steps[np.arange(slices), row, path[:, row]]
    return path
