"""Lumps of tissue in the nooks of a lung, as beside the spine, where they are dents from no side: nodules."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .lung_grid import LungGrid, Mask
from .lung_pieces import in_plane

BALL_MM = 10.0  # radius of the ball that finds no room in a lump
LONGEST_MM, LEAST_MM = 34.0, 3.0  # length, and thickness, of a lump as an ellipsoid
BROAD, THICK = 0.4, 0.3  # second and third axis by the first: no strand and no sheet
LEAST_BLOCKS = 3


def find_lumps(grid: LungGrid, lung: Mask) -> Mask:
    """Find lumps on the surface of a lung which fill its corners.

    Closing with a large ball adds every nook between the lung and what sticks into it. Of these, lumps are compact;
    furrows along vessels, the sheets beside the spine and the rims of the heart are not, and stay out. The ball rests
    on what is beside a lump and leaves its foot out; so lumps are taken a block wider within slices.

    Args:
        grid: the scan.
        lung: ``(Z, Y, X)`` of the grid, or of a box of it.

    Returns:
        ``(Z, Y, X)``, what lumps add to the lung.

    Example:
        >>> hu = np.zeros((30, 30, 30), dtype=np.float32)
        >>> grid = LungGrid(hu, (1, 1, 1), (2.0, 2.0, 2.0), (30, 30, 30))
        >>> lung = np.zeros((30, 30, 30), dtype=bool)
        >>> lung[:, :20, :20] = True
        >>> lung[13:18, 15:20, 15:20] = False  # a nodule of 10 mm in a corner
        >>> bool(find_lumps(grid, lung)[15, 17, 17])
        True
    """
    step = grid.step_mm
    margin = [int(np.ceil(BALL_MM / mm)) + 1 for mm in step]
    padded = np.pad(lung, [(wide, wide) for wide in margin])
    near = ndimage.distance_transform_edt(~padded, sampling=step) <= BALL_MM
    closed = ndimage.distance_transform_edt(near, sampling=step) > BALL_MM
    z, y, x = (slice(wide, -wide) for wide in margin)
    labels, count = ndimage.label(closed[z, y, x] & ~lung)
    kept = np.zeros(count + 1, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        kept[number] = _compact(labels[box] == number, step)
    lumps: Mask = ndimage.binary_dilation(kept[labels], in_plane()) & ~lung
    return lumps


def _compact(part: Mask, step_mm: tuple[float, float, float]) -> bool:
    """Whether an ellipsoid of the same moments is short and thick."""
    places = np.argwhere(part) * np.array(step_mm)
    if len(places) < LEAST_BLOCKS:
        return False
    spread = np.cov(places.T) + np.diag(np.array(step_mm) ** 2 / 12)
    short, middle, long = np.sqrt(20 * np.linalg.eigvalsh(spread))  # a ball's variance is diameter ** 2 / 20
    fits = short >= LEAST_MM and long <= LONGEST_MM
    return bool(fits and middle >= BROAD * long and short >= THICK * long)
