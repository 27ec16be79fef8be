"""Cubes of 1 mm about the marks of a detector: fresh nodules of every type, and what is taken for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lungdet.records import NODULE_TYPES

from .background import Background
from .lookalike import Lookalike
from .mark_places import draw_place
from .nodule import PhantomNodule
from .nodule_readers import Reading, read_nodule
from .patch import _in_grid, make_patch
from .patch_scan import Protocol, _linear_weights, draw_protocol
from .placement import PlacedNodule
from .thorax import Array
from .wanted_nodule import place_wanted

SIDE, LEAST_SIDE = 48, 8
MARK_SPREAD, MARK_MOST = 0.06, 0.15  # a detector's mark lies off the middle, as a part of the diameter
FALSE_SPREAD_MM = 1.0
CLEAR_MM = 5.0  # between a mark without a nodule and the nearest nodule
PLACE_TRIES = 20
COARSE_MM = (1.1, 2.0)  # voxels of coarser scans
AIR_HU = -1000.0
MOST_CUT = 20  # voxels of a cube beyond the border of the scan; the mark itself is never there


@dataclass(frozen=True)
class CubeStyle:
    """What is drawn and how it is scanned.

    Attributes:
        nodule_ratio: part of the cubes about a nodule; the others lie about something else.
        type_weights: how often each of ``NODULE_TYPES`` is drawn.
        diameter_mm: least and greatest diameter of the nodules.
        thick_ratio: part of the cubes from thick slices, see :func:`~lungdet.phantoms.patch_scan.draw_protocol`.
        coarse_ratio: part of the cubes from coarser voxels, 1.1 to 2 mm.
        cut_ratio: part of the cubes that reach beyond the border of the scan: air there.

    Raises:
        ValueError: a part is not in 0..1, the diameters do not rise, or the weights fit no type.
    """

    nodule_ratio: float = 0.5
    type_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    diameter_mm: tuple[float, float] = (4.0, 30.0)
    thick_ratio: float = 0.4
    coarse_ratio: float = 0.4
    cut_ratio: float = 0.03

    def __post_init__(self) -> None:
        for name in ("nodule_ratio", "thick_ratio", "coarse_ratio", "cut_ratio"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        weights = self.type_weights
        if len(weights) != len(NODULE_TYPES) or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError(f"type_weights needs a weight for each of {NODULE_TYPES}, one of them > 0, got {weights}")
        if not 3.0 <= self.diameter_mm[0] <= self.diameter_mm[1] <= 30.0:
            raise ValueError(f"diameter_mm must rise within 3..30 mm, got {self.diameter_mm}")


@dataclass(frozen=True)
class PhantomCube:
    """A scanned cube about a mark and the truth about it.

    Attributes:
        hu: ``(side, side, side)`` float32; x to the left, y to the back, z to the head.
        affine_lps: ``(4, 4)`` from voxel centres to LPS mm.
        nodule: what is marked; None where it is no nodule.
        readings: ratings of the simulated readers; empty where it is no nodule.
        place: what it touches, or what it is if it is no nodule.
        known: False for a nodule that this scan has washed out: neither nodule nor none.
        protocol: how it was scanned.
    """

    hu: NDArray[np.float32]
    affine_lps: Array
    nodule: PhantomNodule | None
    readings: tuple[Reading, ...]
    place: str
    known: bool
    protocol: Protocol

    @property
    def mark_lps_mm(self) -> tuple[float, float, float]:
        """The mark: the exact middle of the cube."""
        middle = np.append((np.array(self.hu.shape) - 1) / 2, 1.0)
        x, y, z = (self.affine_lps @ middle)[:3]
        return float(x), float(y), float(z)


def draw_cubes(
    background: Background, rng: np.random.Generator, count: int = 1, side: int = SIDE, style: CubeStyle | None = None
) -> list[PhantomCube]:
    """Put fresh nodules into a patient and scan cubes about them and about places that are none.

    A cube may show further nodules; the mark in its middle tells which one is meant. Where a nodule finds no place, or
    only one beyond the border of the background, the cube shows something else.

    Args:
        background: the patient, at 1 mm.
        rng: source of chance.
        count: how many cubes.
        side: voxels; an even number, at least 8.
        style: what is drawn; None for the usual.

    Returns:
        ``count`` cubes in random order.

    Raises:
        ValueError: the background's voxels are not 1 mm, or the side is odd, too small, or larger than it.
    """
    if max(abs(step - 1.0) for step in background.spacing_mm) > 1e-6:
        raise ValueError(f"cubes have voxels of 1 mm, got a background of {background.spacing_mm} mm")
    if side % 2 or not LEAST_SIDE <= side <= min(background.shape):
        wanted = f"even, at least {LEAST_SIDE} and fit into {background.shape} voxels"
        raise ValueError(f"the side of a cube must be {wanted}, got {side}")
    chosen = CubeStyle() if style is None else style
    placed = _place(background, rng, int(rng.binomial(count, chosen.nodule_ratio)), chosen)
    placed = [item for item in placed if _in_grid(background, item.shape.center)]
    cubes = []
    for number in rng.permutation(count):
        meant = placed[number] if number < len(placed) else None
        cubes.append(_cube(background, rng, side, chosen, meant, placed))
    return cubes


def _place(background: Background, rng: np.random.Generator, count: int, style: CubeStyle) -> list[PlacedNodule]:
    """Place nodules of the wanted types; fewer in a patient with little room, who must not end a training."""
    weights = np.array(style.type_weights) / sum(style.type_weights)
    placed: list[PlacedNodule] = []
    for _ in range(count):
        kind = NODULE_TYPES[int(rng.choice(len(NODULE_TYPES), p=weights))]
        found = place_wanted(background, rng, kind, style.diameter_mm, placed)
        placed += [] if found is None else [found]
    return placed


def _cube(
    background: Background,
    rng: np.random.Generator,
    side: int,
    style: CubeStyle,
    meant: PlacedNodule | None,
    placed: Sequence[PlacedNodule],
) -> PhantomCube:
    more: tuple[Lookalike, ...] = ()
    if meant is None:
        place, mark, more = _false_mark(background, rng, placed)
    else:
        place, mark = meant.truth.location, _mark(background, rng, meant.truth)
    x, y, z = np.rint((mark - background.first_mm) / background.spacing_mm - (side - 1) / 2).astype(int)
    protocol = draw_protocol(rng, style.thick_ratio)
    patch = make_patch(background, rng, (int(x), int(y), int(z)), (side, side, side), placed, protocol, more)
    hu = patch.hu
    if rng.random() < style.coarse_ratio:
        hu = _coarsened(hu, rng, protocol.thickness_mm is None)
    if rng.random() < style.cut_ratio:
        hu = _cut_off(hu, rng)
    if meant is None:
        return PhantomCube(hu, patch.affine_lps, None, (), place, True, protocol)
    washed_out = any(nodule.box_lps_mm == meant.truth.box_lps_mm for nodule in patch.ignored)
    shown = [nodule for nodule in patch.nodules if nodule.box_lps_mm == meant.truth.box_lps_mm]
    nodule = shown[0] if shown else meant.truth
    readings = read_nodule(nodule, int(rng.integers(2**32)))
    return PhantomCube(hu, patch.affine_lps, nodule, readings, place, not washed_out, protocol)


def _mark(background: Background, rng: np.random.Generator, nodule: PhantomNodule) -> Array:
    """Where a detector would mark a nodule, patient mm."""
    off = rng.normal(0, MARK_SPREAD, 3)
    off *= min(1.0, MARK_MOST / max(float(np.linalg.norm(off)), 1e-9))
    mark: Array = np.array(nodule.center_lps_mm) - background.offset_lps_mm + off * nodule.diameter_mm
    return mark


def _false_mark(
    background: Background, rng: np.random.Generator, placed: Sequence[PlacedNodule]
) -> tuple[str, Array, tuple[Lookalike, ...]]:
    """A mark that is no nodule and not near one, and what must be painted there."""
    for _ in range(PLACE_TRIES):
        place, point, look = draw_place(background, background.mark_places, rng)
        mark: Array = point + rng.normal(0, FALSE_SPREAD_MM, 3)
        gaps = [float(np.linalg.norm(mark - item.shape.center)) - item.shape.reach_mm for item in placed]
        if min(gaps, default=np.inf) > CLEAR_MM and _in_grid(background, mark):
            break
    low, high = (np.array([axis[end] for axis in background.axes]) for end in (0, -1))
    return place, np.clip(mark, low, high), () if look is None else (look,)


def _coarsened(hu: NDArray[np.float32], rng: np.random.Generator, along_z: bool) -> NDArray[np.float32]:
    """Bring a cube to coarser voxels and back, by linear interpolation both ways."""
    step = float(rng.uniform(*COARSE_MM))
    for axis in range(3 if along_z else 2):
        hu = np.moveaxis(np.tensordot(_there_and_back(hu.shape[axis], step, rng.random()), hu, (1, axis)), 0, axis)
    return np.ascontiguousarray(hu, dtype=np.float32)


def _there_and_back(count: int, step: float, phase: float) -> NDArray[np.float32]:
    """Weights of linear interpolation to places ``step`` voxels apart and back, ``(count, count)``."""
    fine = np.arange(count, dtype=float)
    coarse = np.arange(-phase * step, count - 1 + step, step)
    weights: NDArray[np.float32] = _linear_weights(fine, coarse) @ _linear_weights(np.clip(coarse, 0, count - 1), fine)
    return weights


def _cut_off(hu: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Let a scan end within a cube, at its upper or lower side."""
    gone = int(rng.integers(1, min(MOST_CUT, hu.shape[2] // 2 - 2)))
    cut = hu.copy()
    cut[:, :, slice(0, gone) if rng.random() < 0.5 else slice(hu.shape[2] - gone, None)] = AIR_HU
    return cut
