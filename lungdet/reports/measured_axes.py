"""The diameters of a measured nodule as lines in a picture of the slice that they were measured in."""

from __future__ import annotations

from lungdet.records import NoduleMeasurement

from .pictures import Line
from .planes import PatientView, Plane


def measured_index(view: PatientView, plane: Plane, found: NoduleMeasurement) -> int | None:
    """Index of the section that shows the slice of the measurement; None where ``plane`` cuts across the slices."""
    if view.axes[plane.normal_axis] != 2:
        return None
    slices = view.array.shape[plane.normal_axis]
    return slices - 1 - found.slice_index if view.flipped[plane.normal_axis] else found.slice_index


def measured_lines(view: PatientView, plane: Plane, found: NoduleMeasurement) -> list[Line]:
    """Return where the diameters lie in that section.

    Args:
        view: of the volume that was measured.
        plane: that of the slices.
        found: the measurement.

    Returns:
        The long and the short axis as ends ``(column, row)`` in the edge frame of the section's pixels.
    """
    ends = [_turn(view, plane, end) for end in found.recist_voxel]
    return [(ends[0], ends[1]), (ends[2], ends[3])]


def _turn(view: PatientView, plane: Plane, end_voxel: tuple[float, float]) -> tuple[float, float]:
    """Take a place of the slice as read, voxel frame, to the section as hung, edge frame."""
    places = []
    for axis, against in ((plane.column_axis, False), (plane.row_axis, plane.head_up)):
        place = end_voxel[view.axes[axis]] + 0.5
        places.append(view.array.shape[axis] - place if view.flipped[axis] != against else place)
    return places[0], places[1]
