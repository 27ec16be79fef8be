"""Measure the nodule at a mark on a CT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import spacing_of, voxel_to_world, world_to_voxel
from lungdet.geometry.nodule_segmentation import NoduleSegmentation, segment_nodule
from lungdet.geometry.nodule_size import (
    axial_diameters,
    mean_hu,
    nodule_volume_mm3,
    pleural_contact_mm2,
    pleural_distance_mm,
    solid_fraction,
)
from lungdet.geometry.nodule_window import NoduleError
from lungdet.readers.slice_stack import PlaneAxes, plane_name
from lungdet.records import CTVolume, LungSide, NoduleMeasurement, Point

RIGHT, LEFT = 1, 2  # labels of a lung mask
AROUND_MM = 3.0  # lung so near to a nodule tells its side
LEAST_BORDER_RAYS = 3
PERPENDICULAR = 1e-3
ONE_SLICE_NOTE = "the scan has one slice: the volume is of what lies in it"
BORDER_NOTE = "the border of the scan cuts the nodule: it is larger than measured"
PART_NOTES = frozenset({ONE_SLICE_NOTE, BORDER_NOTE})  # the volume is that of a part
THICK_SLICES = 2.0  # a nodule lower than so many slices has a volume that is half guessed


def measure_nodule(
    volume: CTVolume,
    center_lps_mm: Point,
    diameter_mm: float | None = None,
    lung_labels: NDArray[np.generic] | None = None,
) -> NoduleMeasurement:
    """Measure the nodule at a mark.

    Args:
        volume: HU, slices along the last axis, in which the diameters are measured; a note says so where they are not
            axial.
        center_lps_mm: the mark, anywhere in the nodule, such as :attr:`Finding.center_lps_mm`.
        diameter_mm: about how large, such as :attr:`Finding.diameter_mm`; None tries 10 mm first.
        lung_labels: of the shape of the volume, the labels of :func:`lungdet.geometry.lung_mask.lung_mask` (1 in the
            patient's right lung, 2 in the left), or a mask of both; None finds the wall by its HU, and knows no side.

    Returns:
        All that can be told of it; what cannot is None.

    Raises:
        NoduleError: the mark lies outside the image, HU about it are no numbers, nothing stands out there, or no lung
            lies around; see :func:`~lungdet.geometry.nodule_segmentation.segment_nodule`. Also if the volume's axes are
            not perpendicular.

    Example:
        >>> from lungdet.phantoms import make_nodule_cut
        >>> cut = make_nodule_cut(1, 12.0, spacing_mm=(1.0, 1.0, 1.0))
        >>> found = measure_nodule(cut.volume, cut.nodule.center_lps_mm, 12.0)
        >>> found.density, abs(found.volume_mm3 / cut.volume_mm3 - 1) < 0.2
        ('solid', True)
    """
    affine = volume.affine_lps
    spacing = spacing_of(affine)
    axes = affine[:3, :3] / spacing
    if np.abs(axes.T @ axes - np.eye(3)).max() > PERPENDICULAR:
        raise NoduleError(f"{volume.info.source}: the axes are not perpendicular; resample the volume before measuring")
    center = world_to_voxel(np.array([center_lps_mm], dtype=np.float64), affine)[0]
    nodule = segment_nodule(
        volume.array, spacing, center, diameter_mm, thickness_mm=_thickness(volume, spacing), lung_mask=lung_labels
    )
    diameters = axial_diameters(nodule)
    middle = voxel_to_world(nodule.window.to_voxel(nodule.surface.centroid_mm)[None], affine)[0]
    size = nodule_volume_mm3(nodule)
    ends = [(float(column), float(row)) for column, row in diameters.ends_voxel]
    return NoduleMeasurement(
        center_lps_mm=(float(middle[0]), float(middle[1]), float(middle[2])),
        volume_mm3=size,
        long_mm=diameters.long_mm,
        short_mm=min(diameters.short_mm, diameters.long_mm),
        slice_index=diameters.slice_index,
        recist_voxel=(ends[0], ends[1], ends[2], ends[3]),
        mean_hu=mean_hu(nodule),
        solid_fraction=solid_fraction(nodule),
        density=nodule.density,
        pleural_contact_mm2=pleural_contact_mm2(nodule),
        pleural_distance_mm=pleural_distance_mm(nodule),
        vessel_contact=bool(nodule.at_vessel.any()),
        side=None if lung_labels is None else _side(nodule, lung_labels),
        notes=(*_plane_notes(axes), *_notes(nodule, volume, size)),
    )


def _thickness(volume: CTVolume, spacing: NDArray[np.float64]) -> float:
    """Thickness of the slices as written, if it can be true, else their distance."""
    written = volume.info.thickness_mm
    step = float(spacing[2])
    return written if written is not None and step <= written <= 3 * step else step


def _side(nodule: NoduleSegmentation, labels: NDArray[np.generic]) -> LungSide | None:
    """The lung that most of the places about a nodule belong to; None where labels know no sides."""
    window = nodule.window
    middle = window.to_voxel(nodule.surface.center_mm)
    reach = (float(nodule.surface.radius_mm.max()) + AROUND_MM) / window.spacing_mm
    low = np.maximum(np.floor(middle - reach), 0).astype(int)
    high = np.ceil(middle + reach).astype(int) + 1
    near = np.asarray(labels[low[0] : high[0], low[1] : high[1], low[2] : high[2]])
    if near.dtype == np.bool_:
        return None
    left, right = np.count_nonzero(near == LEFT), np.count_nonzero(near == RIGHT)
    if left == right:
        return None
    return "left" if left > right else "right"


def _plane_notes(axes: NDArray[np.float64]) -> tuple[str, ...]:
    """Say in which slices the diameters lie, if not in axial ones; ``axes`` are ``(3, 3)``, unit columns in LPS."""
    plane = plane_name(PlaneAxes(axes[:, 0], axes[:, 1], axes[:, 2]))
    return () if plane == "axial" else (f"the slices are not axial: diameters are of {plane} slices",)


def _notes(nodule: NoduleSegmentation, volume: CTVolume, size_mm3: float) -> tuple[str, ...]:
    notes = []
    if volume.array.shape[2] == 1:
        notes.append(ONE_SLICE_NOTE)
    elif nodule.at_border.sum() >= LEAST_BORDER_RAYS:
        notes.append(BORDER_NOTE)
    height = (6 * size_mm3 / np.pi) ** (1 / 3)
    if height < THICK_SLICES * nodule.window.thickness_mm and volume.array.shape[2] > 1:
        thick = nodule.window.thickness_mm
        notes.append(f"slices of {thick:.1f} mm are thick for a nodule of {height:.0f} mm: its height is not seen")
    return tuple(notes)
