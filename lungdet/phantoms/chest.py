"""Make a synthetic chest CT whose nodules are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lungdet.records import CTVolume, SeriesInfo

from .capsules import coverage
from .lookalike import PhantomLookalike
from .nodule import PEAK_HU, PhantomNodule
from .patient import Patient, draw_patient
from .placement import PlacedNodule, place_nodules
from .render import Painter
from .scanner import Dose, Kernel, Scanner, noise_gain, outside_field
from .thorax import Array

BLOCK_SLICES = 24  # painted at once: memory stays flat for long scans
SUBSLICE_MM = 1.6  # thicker slices are the mean of thinner ones
HU_RANGE = (-1024, 3071)  # 12 bits of a scanner
NODULE_STREAM, NOISE_STREAM = 101, 102
BLUR_MARGIN_MM = 4.0  # the point spread reaches no further


@dataclass(frozen=True)
class ChestPhantom:
    """A synthetic CT and the truth about it.

    Attributes:
        volume: HU, int16, with its affine.
        nodules: every nodule that lies whole in the volume; each one is visible, see :class:`PhantomNodule`.
        ignored: nodules that the border of the volume cuts, and those that this scan, by coarse voxels or thick slices,
            has washed out below the promised peak: neither to be found nor to be counted as false.
        lookalikes: all that may be taken for a nodule and is none, as far as the volume shows it.
    """

    volume: CTVolume
    nodules: tuple[PhantomNodule, ...]
    ignored: tuple[PhantomNodule, ...] = ()
    lookalikes: tuple[PhantomLookalike, ...] = ()


def make_chest(
    seed: int,
    *,
    spacing_mm: tuple[float, float, float] = (1.4, 1.4, 1.4),
    shape: tuple[int, int, int] = (256, 256, 200),
    nodules: int | None = None,
    kernel: Kernel = "standard",
    dose: Dose = "standard",
    thickness_mm: float | None = None,
    padding_hu: int | None = None,
) -> ChestPhantom:
    """Make a chest CT from a seed: same arguments, same bytes.

    The patient is drawn in mm: the same seed shows the same patient with the same nodules at every spacing, shape,
    kernel and dose. The grid lies about the middle of the chest; columns run to the left, rows to the back, slices to
    the head. A small one cuts the patient.

    Args:
        seed: not negative; chooses patient, nodules and noise.
        spacing_mm: voxel size ``(x, y, z)``; x and y are equal on a scanner, but need not be.
        shape: ``(X, Y, Z)`` = (columns, rows, slices).
        nodules: how many the patient has; None draws 2 to 8.
        kernel: reconstruction kernel: blur, grain of the noise, sharpening.
        dose: how much noise; ``"none"`` for none.
        thickness_mm: over which a slice is the mean; the slice spacing where None. Larger makes slices overlap.
        padding_hu: HU outside the circular field of view, say -2000 or -3024; None leaves air there.

    Returns:
        The volume and its nodules.

    Raises:
        ValueError: negative seed, empty shape, spacing or thickness that is not positive, unknown kernel or dose.

    Example:
        >>> phantom = make_chest(1, shape=(64, 64, 40), spacing_mm=(5.0, 5.0, 6.0), nodules=2)
        >>> phantom.volume.array.shape, phantom.volume.array.dtype
        ((64, 64, 40), dtype('int16'))
    """
    thickness = spacing_mm[2] if thickness_mm is None else thickness_mm
    if seed < 0 or min(shape) < 2 or min(*spacing_mm, thickness) <= 0:
        raise ValueError(
            f"wanted seed >= 0, shape >= 2 and sizes > 0, got {seed=}, {shape=}, {spacing_mm=}, {thickness_mm=}"
        )
    patient = draw_patient(seed)
    placed = place_nodules(patient, np.random.default_rng([seed, NODULE_STREAM]), nodules)
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing_mm, strict=True)]
    noise = np.random.default_rng([seed, NOISE_STREAM])
    scanner = Scanner(noise, spacing_mm[:2], noise_gain(axes[0], axes[1]), kernel, dose, thickness)
    block, peaks = scan(patient, placed, axes, scanner, thickness)
    if padding_hu is not None:
        block[:, outside_field(axes[0], axes[1])] = padding_hu
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = patient.offset_lps_mm + [axis[0] for axis in axes]
    info = SeriesInfo(
        source=f"phantom-{seed}", description=f"Phantom {kernel} {dose}", kernel=kernel, thickness_mm=float(thickness)
    )
    box = _field(axes, spacing_mm, patient)
    shown = [replace(item.truth, peak_hu=peak) for item, peak in zip(placed, peaks, strict=True)]
    shown = [nodule for nodule in shown if _holds(box, nodule.box_lps_mm) != "not"]
    clear = [_holds(box, n.box_lps_mm) == "whole" and n.peak_hu >= PEAK_HU[n.kind] for n in shown]
    likes = [look.truth(patient.offset_lps_mm) for look in patient.lookalikes]
    return ChestPhantom(
        CTVolume(block.T, affine, info),
        tuple(nodule for nodule, seen in zip(shown, clear, strict=True) if seen),
        tuple(nodule for nodule, seen in zip(shown, clear, strict=True) if not seen),
        tuple(look for look in likes if _holds(box, look.box_lps_mm) != "not"),
    )


def scan(
    patient: Patient, placed: Sequence[PlacedNodule], axes: Sequence[Array], scanner: Scanner, thickness: float
) -> tuple[NDArray[np.int16], list[float]]:
    """Paint and measure slices of a patient, block by block.

    Args:
        patient: who.
        placed: nodules to paint.
        axes: voxel centres (x, y, z) in patient mm, evenly rising.
        scanner: made for these x and y.
        thickness: of a slice, mm.

    Returns:
        ``(Z, Y, X)`` HU, and for each nodule the HU that it adds to its best voxel before noise.
    """
    x, y, z = axes
    painter = Painter(patient, x, y)
    parts = max(1, int(np.ceil(thickness / SUBSLICE_MM)))
    shifts = ((np.arange(parts) + 0.5) / parts - 0.5) * thickness
    out = np.empty((len(z), len(y), len(x)), dtype=np.int16)
    peaks = [0.0] * len(placed)
    for first in range(0, len(z), BLOCK_SLICES):
        heights = z[first : first + BLOCK_SLICES]
        mean = np.zeros((len(heights), len(y), len(x)), dtype=np.float32)
        near = [n for n, item in enumerate(placed) if _touches(item, heights, thickness)]
        windows = {n: _window(axes, placed[n]) for n in near}
        added = {n: np.zeros_like(mean[windows[n]]) for n in near}
        for shift in shifts:
            hu = painter.block(heights + shift)
            for n in near:
                before = hu[windows[n]].copy()
                paint_nodule(hu, (x, y, heights + shift), patient, placed[n])
                added[n] += hu[windows[n]] - before
            mean += hu
        for n in near:
            if added[n].size:
                peaks[n] = max(peaks[n], float(scanner.blur(added[n] / np.float32(parts)).max()))
        measured = scanner.measure(mean / np.float32(parts), heights)
        out[first : first + BLOCK_SLICES] = np.rint(np.clip(measured, *HU_RANGE))
    return out, peaks


def _touches(nodule: PlacedNodule, heights: Array, thickness: float) -> bool:
    """Whether slices at these heights may show a nodule or its spikes."""
    shape = nodule.shape
    ends = [shape.center[2], *shape.spikes.start[:, 2], *shape.spikes.end[:, 2]]
    reach = shape.reach_mm + thickness + 2.0
    return bool(min(ends) - reach <= heights[-1] and max(ends) + reach >= heights[0])


def _window(axes: Sequence[Array], nodule: PlacedNodule) -> tuple[slice, slice, slice]:
    """The columns and rows of a block that hold a nodule and what is blurred out of it."""
    reach = nodule.shape.reach_mm + BLUR_MARGIN_MM
    rows, columns = (
        slice(*(int(np.searchsorted(axes[n], nodule.shape.center[n] + way * reach)) for way in (-1, 1))) for n in (1, 0)
    )
    return slice(None), rows, columns


def paint_nodule(hu: NDArray[np.float32], axes: Sequence[Array], patient: Patient, nodule: PlacedNodule) -> None:
    """Paint one nodule into ``hu``, ``(Z, Y, X)`` with voxel centres ``axes`` (x, y, z) in patient mm, in place."""
    shape = nodule.shape
    blur = float(axes[0][1] - axes[0][0])
    reach = shape.reach_mm + blur
    spans = [
        slice(int(np.searchsorted(axis, c - reach)), int(np.searchsorted(axis, c + reach)))
        for axis, c in zip(axes, shape.center, strict=True)
    ]
    window = hu[spans[2], spans[1], spans[0]]
    if window.size:
        z, y, x = np.meshgrid(*(axes[n][spans[n]] for n in (2, 1, 0)), indexing="ij")
        points = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
        part = np.clip(0.5 - shape.distance_mm(points) / blur, 0, 1)
        part *= np.clip(0.5 - patient.thorax.lung_distance_mm(*points.T) / blur, 0, 1)
        added = part * np.maximum(shape.density_hu(points) - window.ravel(), 0)
        window += added.reshape(window.shape).astype(np.float32)
    if len(shape.spikes):
        strands = coverage(shape.spikes, *axes)
        hu += strands * np.maximum(np.float32(shape.hu) - hu, 0)


def _field(axes: Sequence[Array], spacing_mm: tuple[float, float, float], patient: Patient) -> tuple[Array, Array]:
    """Corners of what the grid shows, LPS mm."""
    half = np.array(spacing_mm) / 2
    low = np.array([axis[0] for axis in axes]) - half + patient.offset_lps_mm
    return low, np.array([axis[-1] for axis in axes]) + half + patient.offset_lps_mm


def _holds(field: tuple[Array, Array], box_lps_mm: Sequence[float]) -> str:
    """Whether a field shows a box ``whole``, ``cut`` or ``not``."""
    (low, high), box = field, np.array(box_lps_mm)
    if (box[:3] >= low).all() and (box[3:] <= high).all():
        return "whole"
    return "cut" if (box[3:] > low).all() and (box[:3] < high).all() else "not"
