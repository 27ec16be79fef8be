"""All pictures of one study, by file name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lungdet.records import CTVolume, DetectionReport, Finding

from .atomic import write_files
from .lung_sheet import lung_sheet
from .measured_axes import measured_index, measured_lines
from .overview import has_overview, overview
from .pictures import closeup_section, to_png, whole_section
from .planes import PLANES, Box, PatientView, Plane

MAX_PICTURES = 10
OVERVIEW_NAME, LUNGS_NAME = "overview.png", "lungs.png"
LUNG_SLICES = 4


def draw_pictures(
    report: DetectionReport,
    volume: CTVolume,
    max_pictures: int = MAX_PICTURES,
    lung_labels: NDArray[np.uint8] | None = None,
) -> dict[str, bytes]:
    """Draw the overview, if it would be no strip, and the first findings in three planes, whole and close up.

    A measured finding is shown in the slice that its diameters were measured in, and the close-up shows them there.

    Args:
        report: what was found.
        volume: the image as read, to which the report's ``box_voxel`` refer.
        max_pictures: findings that get pictures of their own; the overview marks all.
        lung_labels: of the volume's voxels, to draw the sheet of the lungs; see :func:`lung_sheet`.

    Returns:
        PNG bytes by file name.

    Raises:
        ValueError: ``volume`` is not the image of the report, or ``max_pictures`` is negative.
    """
    if max_pictures < 0:
        raise ValueError(f"max_pictures must not be negative, got {max_pictures}")
    if tuple(volume.array.shape) != tuple(report.shape):
        raise ValueError(f"the report is about an image of {report.shape} voxels, the volume has {volume.array.shape}")
    view = PatientView.of(volume)
    boxes = [view.box(finding.box_voxel) for finding in report.findings]
    pictures = {OVERVIEW_NAME: to_png(overview(view, boxes))} if has_overview(view.size_mm) else {}
    for rank, (finding, box) in enumerate(zip(report.findings[:max_pictures], boxes, strict=False), start=1):
        for plane in PLANES:
            whole, closeup = _sections(view, plane, box, finding)
            pictures[picture_name(rank, plane.name)] = to_png(whole)
            pictures[picture_name(rank, plane.name, closeup=True)] = to_png(closeup)
    if lung_labels is not None:
        pictures[LUNGS_NAME] = lung_sheet(volume, lung_labels, slices=LUNG_SLICES)
    return pictures


def _sections(view: PatientView, plane: Plane, box: Box, finding: Finding) -> tuple[Image.Image, Image.Image]:
    """Draw the whole section and the close-up, both of the slice of the axes where the plane is that of the slices."""
    found = finding.measurement
    index = None if found is None else measured_index(view, plane, found)
    lines = [] if found is None or index is None else measured_lines(view, plane, found)
    return whole_section(view, plane, box, index), closeup_section(view, plane, box, index, lines)


def picture_name(rank: int, plane: str, closeup: bool = False) -> str:
    """Name the file of one picture.

    Example:
        >>> picture_name(1, "axial"), picture_name(12, "coronal", closeup=True)
        ('finding_01_axial.png', 'finding_12_coronal_closeup.png')
    """
    return f"finding_{rank:02d}_{plane}{'_closeup' * closeup}.png"


def write_png(folder: str | Path, report: DetectionReport, volume: CTVolume, max_pictures: int = MAX_PICTURES) -> None:
    """Write all pictures into ``folder``, atomically; see :func:`draw_pictures`."""
    write_files(folder, draw_pictures(report, volume, max_pictures))
