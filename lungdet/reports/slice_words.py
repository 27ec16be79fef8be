"""Which slice of a scan to open for a finding, counted from 1 as viewers count, and where it lies in mm."""

from __future__ import annotations

import numpy as np

from lungdet.geometry import frames
from lungdet.records import DetectionReport, Finding
from lungdet.records.place import Affine

from .planes import nearest_axes

_WAYS = (("right to left", "left to right"), ("front to back", "back to front"), ("feet to head", "head to feet"))


def shown_index(finding: Finding) -> int:
    """Index, from 0, of the slice that shows a finding: that of its measured axes, else that of the mark's centre.

    Example:
        >>> shown_index(Finding((0, 0, 0, 1, 1, 1), (0, 0, 4, 1, 1, 7), 0.5))
        5
    """
    return finding.center_slice if finding.measurement is None else finding.measurement.slice_index


def slice_number(finding: Finding) -> int:
    """Number of that slice, from 1, in the order of the image as read."""
    return shown_index(finding) + 1


def slice_position(finding: Finding, affine_lps: Affine) -> tuple[str, float]:
    """Where that slice lies in DICOM's patient coordinates (LPS).

    Args:
        finding: whose slice.
        affine_lps: ``(4, 4)`` of the image as read, voxel centres to LPS mm.

    Returns:
        The patient's axis that the slices follow, ``x``, ``y`` or ``z``, and the position on it in mm; in oblique
        slices that of the place below the mark's centre.
    """
    affine = np.asarray(affine_lps)
    low, high = np.array(finding.box_voxel).reshape(2, 3)
    place = (low + high) / 2 - 0.5  # edge frame to voxel centres
    place[2] = shown_index(finding)
    axis = slice_axis(affine_lps)
    return "xyz"[axis], float(frames.voxel_to_world(place[None], affine)[0][axis])


def slice_axis(affine_lps: Affine) -> int:
    """The patient's axis that the slices follow: 0 Left, 1 Posterior, 2 Superior.

    Example:
        >>> slice_axis(((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 2.5, 0), (0, 0, 0, 1)))
        2
    """
    return nearest_axes(np.asarray(affine_lps, dtype=np.float64))[0].index(2)


def slice_order(affine_lps: Affine) -> str:
    """Tell how slices count.

    Example:
        >>> slice_order(((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, -2.5, 0), (0, 0, 0, 1)))
        'from 1, head to feet'
    """
    axis = slice_axis(affine_lps)
    return f"from 1, {_WAYS[axis][affine_lps[axis][2] < 0]}"


def slice_words(report: DetectionReport, finding: Finding) -> str:
    """Name the slice of a finding, and its position."""
    axis, place_mm = slice_position(finding, report.affine_lps)
    return f"slice {slice_number(finding)} of {report.shape[2]} ({axis} {number(place_mm, 1)} mm)"


def number(value: float, digits: int = 0) -> str:
    """Write a number with a true minus sign, at which no line breaks.

    Example:
        >>> number(-57.76, 1), number(-0.04, 1)
        ('−57.8', '0.0')
    """
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")
