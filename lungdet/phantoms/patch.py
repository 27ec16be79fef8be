"""Training patches: fresh nodules in a cached background, scanned by a protocol of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .background import Background
from .chest import paint_nodule
from .lookalike import Lookalike, paint_lookalike
from .nodule import PEAK_HU, PhantomNodule
from .patch_scan import PLANE_MARGIN_MM, PatchScanner, Protocol, draw_protocol
from .placement import MOST, PlacedNodule, place_nodules
from .thorax import LUNG_HIGH_MM, LUNG_LOW_MM, Array

LOOKALIKE_SHARE, LUNG_SHARE = 0.4, 0.3  # of the patches without nodules; the rest lie anywhere, body wall and air
LEAST_NODULES = 3  # drawn for a patient, of which a patch shows those that lie in it


@dataclass(frozen=True)
class PhantomPatch:
    """A scanned piece of a chest and the truth about it.

    Attributes:
        hu: ``(X, Y, Z)`` float32; x to the left, y to the back, z to the head.
        affine_lps: ``(4, 4)`` from voxel centres to LPS mm.
        nodules: those with their centre in the patch; their boxes may stick out of it.
        ignored: those that reach into it from outside, and those that this scan has washed out below the promised peak.
        protocol: how it was scanned.
    """

    hu: NDArray[np.float32]
    affine_lps: Array
    nodules: tuple[PhantomNodule, ...]
    ignored: tuple[PhantomNodule, ...]
    protocol: Protocol


def draw_patches(
    background: Background,
    rng: np.random.Generator,
    shape: tuple[int, int, int] = (96, 96, 64),
    count: int = 1,
    *,
    nodule_ratio: float = 0.7,
    thick_ratio: float = 0.5,
) -> list[PhantomPatch]:
    """Put fresh nodules into a patient and scan patches of him.

    A patch with nodules lies about one of them, anywhere in the patch, and shows all others that fall into it. A patch
    without nodules shows the patient as he is: about a look-alike, a place in the lung, or anywhere, air and table
    included.

    Args:
        background: the patient.
        rng: source of chance.
        shape: ``(X, Y, Z)`` voxels of a patch, at the background's spacing; none larger than the background.
        count: how many patches; up to 30, the same nodule is not the middle of two.
        nodule_ratio: part of the patches that are laid about a nodule.
        thick_ratio: part of the patches with thick slices, see :func:`draw_protocol`.

    Returns:
        ``count`` patches.

    Raises:
        ValueError: a patch is larger than the background.
    """
    if any(n > whole for n, whole in zip(shape, background.shape, strict=True)):
        raise ValueError(f"patches of {shape} voxels do not fit into a background of {background.shape}")
    with_nodules = int(rng.binomial(count, nodule_ratio))
    placed = _place(background, rng, 2 * with_nodules) if with_nodules else ()
    inside = [item for item in placed if _in_grid(background, item.shape.center)]
    patches = []
    for number in rng.permutation(count):
        shown = inside if number < with_nodules else []
        middle = shown[number % len(shown)].shape.center if shown else _somewhere(background, rng)
        origin = _origin_about(background, rng, middle, shape)
        protocol = draw_protocol(rng, thick_ratio)
        patches.append(make_patch(background, rng, origin, shape, shown, protocol))
    return patches


def _place(background: Background, rng: np.random.Generator, count: int) -> Sequence[PlacedNodule]:
    """Place nodules; fewer in a patient with little room, who must not end a training."""
    wanted = min(max(LEAST_NODULES, count), MOST)
    while wanted:
        try:
            return place_nodules(background, rng, wanted)
        except ValueError:
            wanted //= 2
    return ()


def make_patch(
    background: Background,
    rng: np.random.Generator,
    origin: tuple[int, int, int],
    shape: tuple[int, int, int],
    placed: Sequence[PlacedNodule],
    protocol: Protocol,
    lookalikes: Sequence[Lookalike] = (),
) -> PhantomPatch:
    """Scan one patch.

    Args:
        background: the patient.
        rng: source of the noise.
        origin: ``(x, y, z)`` first voxel in the background.
        shape: ``(X, Y, Z)`` voxels.
        placed: nodules in the patient, wherever they lie.
        protocol: how to scan.
        lookalikes: what else is painted into the patient.
    """
    steps = background.spacing_mm
    margins = [int(np.ceil(PLANE_MARGIN_MM / step)) for step in steps[:2]]
    margins.append(int(np.ceil(protocol.margin_mm / steps[2])))
    spans = [np.arange(low - m, low + n + m) for low, n, m in zip(origin, shape, margins, strict=True)]
    x, y, z = (first + span * step for first, span, step in zip(background.first_mm, spans, steps, strict=True))
    painted = _cut(background.hu, spans)
    for lookalike in lookalikes:
        paint_lookalike(painted, (x, y, z), background.thorax, lookalike)
    inner = [slice(m, m + n) for m, n in zip(margins, shape, strict=True)]
    scanner = PatchScanner(rng, (x, y, z), inner[2], protocol)
    near = [item for item in placed if _reaches((x, y, z), item)]
    shown = [_paint(painted, (x, y, z), background, item, scanner) for item in near]
    affine = np.diag([*steps, 1.0])
    affine[:3, 3] = background.offset_lps_mm + background.first_mm + np.array(origin) * steps
    low = affine[:3, 3] - np.array(steps) / 2
    found = [_found(nodule, low, low + np.array(shape) * steps) for nodule in shown]
    return PhantomPatch(
        scanner.scan(painted)[:, inner[1], inner[0]].T,
        affine,
        tuple(nodule for nodule, where in zip(shown, found, strict=True) if where == "inside"),
        tuple(nodule for nodule, where in zip(shown, found, strict=True) if where == "ignored"),
        protocol,
    )


def _paint(
    painted: NDArray[np.float32],
    axes: tuple[Array, Array, Array],
    background: Background,
    item: PlacedNodule,
    scanner: PatchScanner,
) -> PhantomNodule:
    """Paint a nodule, and measure what the scanner will leave of it."""
    reach = item.shape.reach_mm + PLANE_MARGIN_MM
    rows, columns = (
        slice(*(int(np.searchsorted(axes[n], item.shape.center[n] + way * reach)) for way in (-1, 1))) for n in (1, 0)
    )
    before = painted[:, rows, columns].copy()
    paint_nodule(painted, axes, background, item)
    return replace(item.truth, peak_hu=scanner.peak_hu(painted[:, rows, columns] - before))


def _cut(hu: NDArray[np.int16], spans: Sequence[Array]) -> NDArray[np.float32]:
    """Cut voxels ``spans`` (x, y, z) out of ``(Z, Y, X)``; the outermost ones go on beyond its border."""
    index = [np.clip(span, 0, n - 1) for span, n in zip(spans[::-1], hu.shape, strict=True)]
    low, high = [int(i[0]) for i in index], [int(i[-1]) + 1 for i in index]
    piece = hu[low[0] : high[0], low[1] : high[1], low[2] : high[2]].astype(np.float32)
    if piece.shape == tuple(len(i) for i in index):
        return piece
    return piece[np.ix_(*(i - first for i, first in zip(index, low, strict=True)))]


def _found(nodule: PhantomNodule, low_mm: Array, high_mm: Array) -> str:
    """Whether a nodule counts as ``inside`` a patch, is to be ``ignored``, or lies ``outside``; corners in LPS mm."""
    center, box = np.array(nodule.center_lps_mm), np.array(nodule.box_lps_mm)
    if not ((box[3:] > low_mm).all() and (box[:3] < high_mm).all()):
        return "outside"
    inside = bool((center >= low_mm).all() and (center < high_mm).all())
    return "inside" if inside and nodule.peak_hu >= PEAK_HU[nodule.kind] else "ignored"


def _reaches(axes: Sequence[Array], item: PlacedNodule) -> bool:
    reach = 2.5 * item.shape.reach_mm  # spikes reach further than the body
    return all(axis[0] - reach < c < axis[-1] + reach for axis, c in zip(axes, item.shape.center, strict=True))


def _in_grid(background: Background, point: Array) -> bool:
    return all(axis[0] <= p <= axis[-1] for axis, p in zip(background.axes, point, strict=True))


def _somewhere(background: Background, rng: np.random.Generator) -> Array:
    """A place for a patch without nodules, patient mm."""
    axes = background.axes
    low, high = np.array([axis[0] for axis in axes]), np.array([axis[-1] for axis in axes])
    aim, points = rng.random(), np.empty((0, 3))
    if aim < LOOKALIKE_SHARE:
        centers = [look.truth(np.zeros(3)).center_lps_mm for look in background.lookalikes]
        points = rng.permutation(np.array(centers).reshape(-1, 3))
        points = points[((points >= low) & (points <= high)).all(axis=1)]
    elif aim < LOOKALIKE_SHARE + LUNG_SHARE:
        points = rng.uniform(np.maximum(low, LUNG_LOW_MM), np.minimum(high, LUNG_HIGH_MM), (64, 3))
        points = points[background.thorax.lung_distance_mm(*points.T) < 0]
    return points[0] if len(points) else rng.uniform(low, high)


def _origin_about(
    background: Background, rng: np.random.Generator, point: Array, shape: tuple[int, int, int]
) -> tuple[int, int, int]:
    """First voxel of a patch that holds ``point`` (patient mm) anywhere in it, moved into the background."""
    voxel = (point - background.first_mm) / background.spacing_mm
    low = np.rint(voxel - rng.uniform(0.02, 0.98, 3) * shape).astype(int)
    x, y, z = np.clip(low, 0, np.array(background.shape) - shape)
    return int(x), int(y), int(z)
