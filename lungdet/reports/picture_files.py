"""All pictures of one study, by file name."""

from __future__ import annotations

from pathlib import Path

from lungdet.records import CTVolume, DetectionReport

from .atomic import write_files
from .overview import overview
from .pictures import closeup_section, to_png, whole_section
from .planes import PLANES, PatientView

MAX_PICTURES = 10
OVERVIEW_NAME = "overview.png"


def draw_pictures(report: DetectionReport, volume: CTVolume, max_pictures: int = MAX_PICTURES) -> dict[str, bytes]:
    """Draw the overview, and the first findings in three planes, whole and close up.

    Args:
        report: what was found.
        volume: the image as read, to which the report's ``box_voxel`` refer.
        max_pictures: findings that get pictures of their own; the overview marks all.

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
    pictures = {OVERVIEW_NAME: to_png(overview(view, boxes))}
    for rank, box in enumerate(boxes[:max_pictures], start=1):
        for plane in PLANES:
            pictures[picture_name(rank, plane.name)] = to_png(whole_section(view, plane, box))
            pictures[picture_name(rank, plane.name, closeup=True)] = to_png(closeup_section(view, plane, box))
    return pictures


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
