"""A small cut of a chest about one nodule of a wanted size, kind and place: to try measurements on, in little time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from lungdet.records import CTVolume, SeriesInfo

from .chest import scan
from .nodule import VISIBLE_FRACTION, NoduleKind, NoduleLocation, NoduleShape, PhantomNodule, draw_shape
from .patient import Patient, draw_patient
from .placement import PlacedNodule, _draw_center, _free, judge
from .scanner import Dose, Kernel, Scanner, noise_gain
from .thorax import Array

STREAM = 211
ATTEMPTS = 400
MARGIN_MM = 30.0  # of the cut about the nodule
TRUTH_SAMPLES = 56  # across the nodule
AXIAL_STEPS = 96
LEAST_WITHIN: dict[str, float] = {"isolated": 0.98, "juxtapleural": 0.55, "juxtavascular": 0.98}


@dataclass(frozen=True)
class NoduleCut:
    """A scanned cut and the truth about its nodule.

    Attributes:
        volume: HU, int16, axes (column, row, slice), slices to the head.
        lungs: ``(X, Y, Z)`` bool, the lungs with all that lies in them.
        nodule: the truth; its volume is that of a ball of its diameter.
        long_axial_mm: the longest diameter of its part in the lung in any axial plane.
    """

    volume: CTVolume
    lungs: NDArray[np.bool_]
    nodule: PhantomNodule
    long_axial_mm: float

    @property
    def volume_mm3(self) -> float:
        """Volume of the nodule's part in the lung."""
        return float(np.pi / 6 * self.nodule.diameter_mm**3)


def make_nodule_cut(
    seed: int,
    diameter_mm: float,
    *,
    kind: NoduleKind = "solid",
    location: NoduleLocation = "isolated",
    spacing_mm: tuple[float, float, float] = (0.7, 0.7, 1.0),
    kernel: Kernel = "standard",
    dose: Dose = "standard",
    scan_seed: int = 0,
) -> NoduleCut:
    """Put one nodule into a patient and scan a cut about it; slices are as thick as they are apart.

    Args:
        seed: chooses the patient, the nodule's shape and its place.
        diameter_mm: of the shape; the part in the lung has a diameter of its own.
        kind: its density.
        location: what it touches.
        spacing_mm: voxel size ``(x, y, z)``.
        kernel: reconstruction kernel.
        dose: how much noise.
        scan_seed: chooses noise and the place of the voxels: another scan of the same nodule.

    Raises:
        ValueError: a size is not positive, or the patient has no place for such a nodule.

    Example:
        >>> cut = make_nodule_cut(3, 10.0, spacing_mm=(2.0, 2.0, 2.0))
        >>> 8.0 < cut.nodule.diameter_mm < 12.0, cut.volume.array.shape == cut.lungs.shape
        (True, True)
    """
    if not min(diameter_mm, *spacing_mm) > 0:
        raise ValueError(f"diameter_mm and spacing_mm must be positive, got {diameter_mm} and {spacing_mm}")
    patient = _patient(seed)
    placed = _place(
        patient, np.random.default_rng([seed, STREAM, round(diameter_mm * 100)]), diameter_mm, kind, location
    )
    rng = np.random.default_rng([seed, STREAM, 1 + scan_seed])
    axes = _axes(rng, placed.shape, spacing_mm)
    scanner = Scanner(rng, spacing_mm[:2], noise_gain(axes[0], axes[1]), kernel, dose, spacing_mm[2])
    block, _ = scan(patient, [placed], axes, scanner, spacing_mm[2])
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = patient.offset_lps_mm + [axis[0] for axis in axes]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    lungs = patient.thorax.lung_distance_mm(x.ravel(), y.ravel(), z.ravel()).reshape(x.shape) < 0
    info = SeriesInfo(source=f"phantom-{seed}", kernel=kernel, thickness_mm=float(spacing_mm[2]))
    return NoduleCut(CTVolume(block.T, affine, info), lungs, placed.truth, _long_axial_mm(patient, placed.shape))


@lru_cache(maxsize=2)
def _patient(seed: int) -> Patient:
    return draw_patient(seed)


def _place(
    patient: Patient, rng: np.random.Generator, diameter: float, kind: NoduleKind, location: NoduleLocation
) -> PlacedNodule:
    """Draw places until one shows the nodule."""
    for _ in range(ATTEMPTS):
        center = _draw_center(patient, rng, location, diameter / 2)
        if center is None:
            continue
        shape = draw_shape(rng, kind, diameter, center)
        if not _free(patient, center, shape.reach_mm, []):
            continue
        judged = judge(patient, shape, location)
        if judged and judged[0].visible_fraction >= VISIBLE_FRACTION and judged[1] >= LEAST_WITHIN[location]:
            fine = judge(patient, shape, location, TRUTH_SAMPLES)
            return PlacedNodule(shape, (fine or judged)[0])
    raise ValueError(f"this patient has no place for a nodule of {diameter:.1f} mm, {kind}, {location}")


def _axes(rng: np.random.Generator, shape: NoduleShape, spacing: tuple[float, float, float]) -> list[Array]:
    """Voxel centres about the nodule, which lies anywhere between two of them."""
    counts = [int(np.ceil(2 * (shape.reach_mm + MARGIN_MM) / step)) for step in spacing]
    shifts = rng.uniform(-0.5, 0.5, 3)
    return [
        middle + (np.arange(count) - (count - 1) / 2 + shift) * step
        for middle, count, step, shift in zip(shape.center, counts, spacing, shifts, strict=True)
    ]


def _long_axial_mm(patient: Patient, shape: NoduleShape) -> float:
    """Longest distance of two points of the shape, in the lung, at one height."""
    steps = (np.arange(AXIAL_STEPS) + 0.5) / AXIAL_STEPS * 2 - 1
    plane = shape.reach_mm * np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    longest = 0.0
    for height in shape.reach_mm * np.linspace(-0.8, 0.8, 33):
        points = shape.center + np.column_stack([plane, np.full(len(plane), height)])
        points = points[shape.distance_mm(points) < 0]
        points = points[patient.thorax.lung_distance_mm(*points.T) < 0] if len(points) else points
        if len(points) > 8:
            flat = points[:, :2]
            longest = max(longest, float(pdist(flat[ConvexHull(flat).vertices]).max()))
    return longest + 2 * shape.reach_mm / AXIAL_STEPS  # from middles of samples to their rims
