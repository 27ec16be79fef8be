"""The body on axial CT slices: the trunk without table, clothes and arms, its holes filled; and places relative to it.

DeepLesion gives x and y of a lesion relative to the body of its slice (Yan et al., Deep Lesion Graphs in the Wild, CVPR
2018): 0 at the left edge of the body on the image, or its upper edge, 1 at the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Coarse = tuple[float, float]  # size of a pixel of the coarse grid in mm, rows and columns

BODY_ABOVE_HU = -300.0
STEP_MM = 4.0  # of the grid on which the body is found; its outline is then drawn in the pixels of the slice
THIN_MM = 4.5  # half of what is too thin for a body: shells of tables, blankets, tubes
WALL_MM = 12.0  # how far thin walls of the chest reach from thicker parts of the body
LONG_WALL_MM = 30.0  # likewise, where they shut a lung
GAP_MM = 4.5  # half of the gaps that are closed before holes are filled
LUNG = 0.4  # of the body's height: air between two walls from side to side is lung if it is higher; above a table less
PART = 0.5  # of the largest piece: a second piece of this size is body, too, such as the other thigh
LIMB = 0.5  # of the radius of the largest disc in the trunk: what no disc of that radius fits into may be an arm
NECK = 0.75  # likewise, where an arm is: greater discs reach less far into its neck
ARM_PART = 0.01  # of the trunk's area: less is no arm but a corner of the trunk


def body_mask(hu: NDArray[np.generic], spacing_mm: float | Sequence[float], above_hu: float = BODY_ABOVE_HU) -> Mask:
    """Find the trunk on one axial slice.

    Table, clothes, tubes and arms are left out, also arms that touch the trunk at its sides; arms that lie on the belly
    and touch it, and shoulders, are trunk. Air inside is filled. Both thighs are kept.

    Args:
        hu: ``(rows, columns)``, rows run to the back or to the front, columns to a side. NaN is no body.
        spacing_mm: size of a pixel, one number, or that of rows and of columns.
        above_hu: air ends here; for pictures that were windowed, any value between fat and air in their own unit.

    Returns:
        ``(rows, columns)``; all False if there is no body.

    Raises:
        ValueError: the slice is not 2D, or the spacing is no positive number.

    Example:
        >>> slice_hu = np.full((100, 120), -1000)
        >>> slice_hu[20:70, 10:110], slice_hu[80:82, :] = 40, 100  # a body above a table
        >>> slice_hu[30:50, 30:50] = -800  # a lung in it
        >>> body_box(body_mask(slice_hu, 3.0))
        (10.0, 20.0, 110.0, 70.0)
    """
    spacing = _checked_spacing(hu, spacing_mm)
    factors = tuple(max(1, round(STEP_MM / size)) for size in spacing)
    dense = np.asarray(hu) > above_hu
    coarse_mm = (spacing[0] * factors[0], spacing[1] * factors[1])
    coarse = find_trunk(_shrink(dense, factors), coarse_mm)
    return _refine(coarse, dense, factors)


def find_trunk(dense: Mask, step_mm: Coarse) -> Mask:
    """Find the trunk on a coarse grid of what is no air; see :func:`body_mask`.

    Args:
        dense: ``(rows, columns)``.
        step_mm: size of its pixels.
    """
    thick = _open(dense, THIN_MM, step_mm)
    core = _large_pieces(thick)
    if not core.any():
        return core
    core |= _opposite_walls(thick & ~core, core)
    others = thick & ~core  # arms, and tables as thick as arms
    away = _away(core, step_mm)
    near = dense & ~others & (away <= WALL_MM)  # what opening took from thin walls
    filled = ndimage.binary_fill_holes(_shut_edges(_close(core | near, GAP_MM, step_mm)))
    arms = _pieces_from(ARM_PART * np.count_nonzero(filled), others)
    far = dense & ~arms & (away <= LONG_WALL_MM)
    filled |= _high_parts(ndimage.binary_fill_holes(_close(core | far, GAP_MM, step_mm)) & ~filled, filled)
    body = _large_pieces(_open(filled, THIN_MM, step_mm))
    framed = np.pad(body, ((0, 0), (1, 1)))  # an arm that leaves the image at its side is no thicker for that
    return _without_arms(framed, step_mm)[:, 1:-1]


def body_box(mask: NDArray[np.generic]) -> tuple[float, float, float, float]:
    """Enclose a mask, ``(x0, y0, x1, y1)`` in the edge frame: columns, then rows.

    Raises:
        ValueError: nothing is in the mask.
    """
    rows, columns = np.flatnonzero(np.any(mask, axis=1)), np.flatnonzero(np.any(mask, axis=0))
    if not len(rows):
        raise ValueError("the mask is empty: there is no body on this slice, so nothing has a place in it")
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def relative_location(mask: NDArray[np.generic], x: float, y: float) -> tuple[float, float]:
    """Tell where a point lies in the box of the body, from its left and its upper edge on the image.

    Args:
        mask: ``(rows, columns)``, from :func:`body_mask`.
        x: column, edge frame: the middle of the first pixel is 0.5.
        y: row.

    Returns:
        x and y, 0 to 1 in the box, and beyond outside of it.

    Raises:
        ValueError: nothing is in the mask.

    Example:
        >>> mask = np.zeros((10, 20), dtype=bool)
        >>> mask[2:6, 4:14] = True
        >>> relative_location(mask, 9.0, 3.0)
        (0.5, 0.25)
    """
    x0, y0, x1, y1 = body_box(mask)
    return (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)


def _checked_spacing(hu: NDArray[np.generic], spacing_mm: float | Sequence[float]) -> Coarse:
    if np.ndim(hu) != 2:
        raise ValueError(f"one slice (rows, columns) is wanted, got an array of {np.shape(hu)}; give slice by slice")
    sizes = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), (2,))
    if not np.isfinite(sizes).all() or sizes.min() <= 0:
        raise ValueError(f"spacing_mm must be one or two positive numbers, got {spacing_mm}")
    return float(sizes[0]), float(sizes[1])


def _shrink(dense: Mask, factors: Sequence[int]) -> Mask:
    """Take blocks that are dense in more than half of their pixels; what leaves the image is taken to go on."""
    rows, columns = (-(-size // factor) for size, factor in zip(dense.shape, factors, strict=True))
    beyond = ((0, rows * factors[0] - dense.shape[0]), (0, columns * factors[1] - dense.shape[1]))
    padded = np.pad(dense.astype(np.uint8), beyond, mode="edge")
    counts = padded.reshape(rows, factors[0], columns * factors[1]).sum(axis=1, dtype=np.uint16)
    blocks = counts.reshape(rows, columns, factors[1]).sum(axis=2, dtype=np.uint16)
    small: Mask = 2 * blocks > factors[0] * factors[1]
    return small


def _refine(coarse: Mask, dense: Mask, factors: Sequence[int]) -> Mask:
    """Draw the outline of a coarse mask by the pixels of the slice: sure inside, none beyond the next coarse pixel."""
    inside = ndimage.binary_erosion(coarse, border_value=1)
    reach = ndimage.binary_dilation(coarse)
    rows, columns = dense.shape
    fine = _grow(inside, factors)[:rows, :columns] | (dense & _grow(reach, factors)[:rows, :columns])
    return _large_pieces(fine)  # without flecks of the table or of clothes next to the skin


def _grow(mask: Mask, factors: Sequence[int]) -> Mask:
    return np.repeat(np.repeat(mask, factors[0], axis=0), factors[1], axis=1)


def _away(mask: Mask, step_mm: Coarse) -> NDArray[np.float64]:
    """Distance of every pixel to the nearest one of the mask, in mm."""
    away: NDArray[np.float64] = ndimage.distance_transform_edt(~mask, sampling=step_mm)
    return away


def _depth(mask: Mask, step_mm: Coarse) -> NDArray[np.float64]:
    """Distance of every pixel of the mask to the nearest one outside; what leaves the image is taken to go on."""
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(mask, sampling=step_mm)
    return depth


def _open(mask: Mask, radius_mm: float, step_mm: Coarse) -> Mask:
    """Keep what discs of a radius cover that lie in the mask."""
    if mask.all():
        return mask
    radius_mm = max(radius_mm, *step_mm)
    eroded: Mask = _depth(mask, step_mm) > radius_mm
    if not eroded.any():
        return eroded
    opened: Mask = _away(eroded, step_mm) <= radius_mm
    return opened & mask


def _close(mask: Mask, radius_mm: float, step_mm: Coarse) -> Mask:
    radius_mm = max(radius_mm, *step_mm)
    near: Mask = _away(mask, step_mm) <= radius_mm
    if near.all():
        return near
    closed: Mask = _depth(near, step_mm) > radius_mm
    return closed | mask


def _shut_edges(mask: Mask) -> Mask:
    """Join what lies on each edge of the image, from the first to the last pixel: a lung that is cut off there is shut.

    Only the pixels of the edges change, so that what is open on another side stays so.
    """
    shut = mask.copy()
    for edge in (shut[0], shut[-1], shut[:, 0], shut[:, -1]):
        places = np.flatnonzero(edge)
        if len(places):
            edge[places[0] : places[-1] + 1] = True
    return shut


def _large_pieces(mask: Mask) -> Mask:
    """Keep the largest connected piece, and those at least :data:`PART` as large."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept: Mask = (sizes >= PART * sizes.max())[labels] & mask
    return kept


def _pieces_from(least: float, mask: Mask) -> Mask:
    """Keep connected pieces of at least so many pixels."""
    labels, _ = ndimage.label(mask)
    kept: Mask = (np.bincount(labels.ravel()) >= least)[labels] & mask
    return kept


def _high_parts(air: Mask, body: Mask) -> Mask:
    """Keep pieces of air with their walls that are as high as a lung, behind a chest's wall that is thin."""
    labels, count = ndimage.label(air)
    least = LUNG * np.count_nonzero(body.any(axis=1))
    high = [number for number in range(1, count + 1) if (labels == number).sum(axis=0).max() > least]
    kept: Mask = np.isin(labels, high)
    return kept


def _opposite_walls(others: Mask, core: Mask) -> Mask:
    """Find the front of a chest whose lungs are cut off at both sides of the image, or its back if the front is larger.

    Such a wall goes from one side of the image to the other, as the core does, and there is high air between.
    """
    walls = np.zeros_like(core)
    if not (core[:, 0].any() and core[:, -1].any()):
        return walls
    labels, _ = ndimage.label(others)
    alone = ndimage.binary_fill_holes(_shut_edges(core))
    for number in np.setdiff1d(np.intersect1d(labels[:, 0], labels[:, -1]), 0):
        wall = labels == number
        both = ndimage.binary_fill_holes(_shut_edges(core | wall))
        air = (both & ~alone & ~wall).sum(axis=0)
        if air.max() > LUNG * np.count_nonzero(both.any(axis=1)):
            walls |= wall
    return walls


def _without_arms(body: Mask, step_mm: Coarse) -> Mask:
    """Cut off what hangs at the sides of the trunk by a narrow neck."""
    depth = _depth(body, step_mm)
    radius = float(depth.max())
    trunk = _thick_part(body, depth, LIMB * radius, step_mm)
    columns = np.flatnonzero(trunk.any(axis=0))
    labels, count = ndimage.label(body & ~trunk)
    if not count:
        return body
    numbers = np.arange(1, count + 1)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    middles = np.array([column for _, column in ndimage.center_of_mass(labels > 0, labels, numbers)])
    beside = (middles < columns[0]) | (middles > columns[-1])
    arms = np.isin(labels, numbers[beside & (sizes > ARM_PART * trunk.sum())])
    if not arms.any():
        return body
    rest, _ = ndimage.label(body & ~_thick_part(body, depth, NECK * radius, step_mm))
    cut: Mask = body & ~np.isin(rest, np.setdiff1d(rest[arms], 0))
    return cut


def _thick_part(body: Mask, depth: NDArray[np.float64], radius_mm: float, step_mm: Coarse) -> Mask:
    """Keep what discs of a radius cover that lie in the body, those of its large pieces."""
    thick = _large_pieces(depth > radius_mm)
    return body & (_away(thick, step_mm) <= radius_mm)
