"""The diameters of a measured nodule as lines in an axial picture."""

from __future__ import annotations

from lungdet.records import NoduleMeasurement

from .pictures import Line
from .planes import AXIAL, PatientView


def axial_lines(view: PatientView, found: NoduleMeasurement) -> tuple[int, list[Line]] | None:
    """Return where the diameters lie in the axial section that they were measured in.

    Args:
        view: of the volume that was measured.
        found: the measurement.

    Returns:
        Index of the section, and the long and the short axis as ends ``(column, row)`` in the edge frame of its pixels;
        None where the slices of the scan are not axial.
    """
    if view.axes[2] != 2:
        return None
    slices = view.array.shape[2]
    index = slices - 1 - found.slice_index if view.flipped[2] else found.slice_index
    ends = [_turn(view, end) for end in found.recist_voxel]
    return index, [(ends[0], ends[1]), (ends[2], ends[3])]


def _turn(view: PatientView, end_voxel: tuple[float, float]) -> tuple[float, float]:
    """Take a place of the slice as read, voxel frame, to the section as hung, edge frame."""
    places = []
    for axis in (AXIAL.column_axis, AXIAL.row_axis):
        place = end_voxel[view.axes[axis]] + 0.5
        places.append(view.array.shape[axis] - place if view.flipped[axis] else place)
    return places[0], places[1]
