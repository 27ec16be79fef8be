"""Find both lungs of a chest CT, in about two seconds and without a network.

Blocks of about 2 mm that are dark and lie in the trunk fall into pieces; the windpipe and gas in the belly are none of
the lungs'. Lungs that touch are taken apart, holes and dents are filled so that vessels and nodules on the pleura stay,
and the outline is drawn by the voxels. The steps are those of S. Hu, E. Hoffman, J. Reinhardt, Automatic lung
segmentation for accurate quantitation of volumetric X-ray CT images, IEEE Trans Med Imaging 20 (2001); each is a file
beside this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .axial import Float64Array, axial_view
from .lung_borders import border_notes
from .lung_closing import close_lungs
from .lung_grid import Mask, inside_body, lung_grid
from .lung_outline import draw_outline
from .lung_pieces import airy_box, find_pieces, middle_of_body
from .lung_sides import LEFT, RIGHT, UNKNOWN, split_lungs
from .lung_surface import smooth_surfaces

Labels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class LungMask:
    """The lungs of a scan.

    Attributes:
        labels: ``(I, J, K)`` uint8, axes as the scan's: 1 in the patient's right lung, 2 in the left, 3 in one of
            which a small field does not show the side, 0 elsewhere.
        reason: why there are none; empty if there are.
        notes: what a reader should know, such as that one lung is missing, or that a border of the scan cuts them.
    """

    labels: Labels
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there is any lung."""
        return not self.reason

    @property
    def lungs(self) -> Mask:
        """``(I, J, K)`` both lungs."""
        both: Mask = self.labels > 0
        return both

    def box(self, margin: tuple[int, int, int] = (0, 0, 0)) -> tuple[slice, slice, slice]:
        """Return the bounds of both lungs, with a margin in voxels, within the scan; all of it if there are none."""
        bounds = []
        for axis, (size, wide) in enumerate(zip(self.labels.shape, margin, strict=True)):
            places = np.flatnonzero(self.labels.any(axis=tuple(n for n in range(3) if n != axis)))
            first, last = (int(places[0]), int(places[-1])) if len(places) else (0, size - 1)
            bounds.append(slice(max(0, first - wide), min(size, last + 1 + wide)))
        return bounds[0], bounds[1], bounds[2]


def lung_mask(hu: NDArray[Any], affine_lps: Float64Array) -> LungMask:
    """Find the lungs.

    Airways outside of the lungs are left out; vessels, bronchi and nodules within them, and nodules up to 30 mm on
    their surface, are kept. The sides are the patient's, by the affine, in whatever order and direction the axes run.

    Args:
        hu: ``(I, J, K)``, any number of slices; no number is air.
        affine_lps: ``(4, 4)``, voxel centres to LPS mm.

    Returns:
        The labels; a scan that shows no lungs has none, and the reason.

    Raises:
        ValueError: ``hu`` has not three axes, or no voxels.

    Example:
        >>> chest = np.full((80, 60, 30), -1000)
        >>> chest[5:75, 5:55] = 40
        >>> chest[10:35, 10:50, 3:27] = -850  # at small x: on the patient's right
        >>> chest[45:70, 10:50, 3:27] = -850
        >>> found = lung_mask(chest, np.diag([4.0, 4.0, 8.0, 1.0]))
        >>> found.labels[20, 30, 15], found.labels[60, 30, 15], found.labels[40, 30, 15]
        (np.uint8(1), np.uint8(2), np.uint8(0))
        >>> lung_mask(np.full_like(chest, -1000), np.diag([4.0, 4.0, 8.0, 1.0])).reason
        'no body is seen'
    """
    if hu.ndim != 3 or not hu.size:
        raise ValueError(f"a scan (I, J, K) with voxels is wanted, got an array of {hu.shape}")
    try:
        view = axial_view(hu, affine_lps)
    except ValueError as error:
        return LungMask(np.zeros(hu.shape, dtype=np.uint8), str(error))
    labels_of_scan = np.zeros(hu.shape, dtype=np.uint8, order="F" if hu.flags.f_contiguous else "C")
    grid = lung_grid(view)
    trunk = inside_body(grid)
    box = airy_box(grid, trunk)
    if box is None:
        return LungMask(labels_of_scan, "there is no air in the body" if trunk.any() else "no body is seen")
    part, bounds = grid.crop(box)
    column, sure = middle_of_body(trunk)
    pieces = find_pieces(part, trunk[box], (column - box[2].start, sure))
    if pieces.reason:
        return LungMask(labels_of_scan, pieces.reason)
    raw, notes = split_lungs(part, pieces)
    closed = close_lungs(part, pieces, raw)
    voxels = view.array.transpose(2, 1, 0)[bounds]
    drawn = draw_outline(part, pieces, raw, closed, voxels)
    smooth_surfaces(drawn, voxels, part.voxel_mm, pieces.edge_hu)
    axial_view(labels_of_scan, affine_lps).array.transpose(2, 1, 0)[bounds] = drawn
    return LungMask(labels_of_scan, "", (*notes, *border_notes(pieces.lungs)))


__all__ = ["LEFT", "RIGHT", "UNKNOWN", "LungMask", "lung_mask"]
