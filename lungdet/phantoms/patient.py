"""One synthetic patient: every shape and tissue of a chest, drawn from a seed, independent of any voxel grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from .bones import Skeleton, draw_skeleton
from .capsules import Capsules, join, tube
from .lookalike import Lookalike
from .lookalike_drawing import draw_lookalikes
from .mediastinum import Mediastinum, draw_mediastinum
from .thorax import LUNG_HIGH_MM, LUNG_LOW_MM, Array, Thorax, draw_apexes, draw_domes, draw_walls
from .trees import companions, grow_tree, sample_inside

ARTERY_TIPS, VEIN_TIPS = 1400, 1100  # per lung: one tip to about 1 ml
AIRWAY_SMALLEST_ARTERY_MM, AIRWAY_RATIO = 1.5, 0.6
LATTICE_REACH_MM = 210.0
LATTICE_STEPS_MM = (28.0, 9.0, 3.2)  # regional, lobular and fine texture


@dataclass(frozen=True)
class Tissues:
    """HU of one patient's tissues.

    Attributes:
        lung: mean of the lung; gravity adds to it towards the back.
        gravity: HU added per mm to the back.
        blood: with or without contrast medium.
        muscle, fat, liver, spleen: as named.
        emphysema: 0 none to 1 severe.
    """

    lung: float
    gravity: float
    blood: float
    muscle: float
    fat: float
    liver: float
    spleen: float
    emphysema: float


@dataclass(frozen=True)
class Patient:
    """All of one patient, in mm about the middle of the chest (x left, y back, z head).

    Attributes:
        offset_lps_mm: ``(3,)`` where the middle of the chest lies in LPS mm.
        thorax: walls, lungs and diaphragm.
        mediastinum: heart, great vessels, windpipe.
        skeleton: bones.
        vessels: arteries and veins in the lungs.
        airways: lumens of the bronchi in the lungs.
        lookalikes: what may be taken for a nodule and is none.
        fissures: ``(3, 5)``: oblique left, oblique right and horizontal right, coefficients of the height z over
            ``1, y, x^2 / 100, y^2 / 100, x`` in mm.
        tissues: HU.
        organ_shift_mm: ``(4, 3)`` where stomach, spleen and both lobes of the liver lie off their usual places.
        lattices: three cubes of unit normal noise for texture, see :data:`LATTICE_STEPS_MM`.
    """

    offset_lps_mm: Array
    thorax: Thorax
    mediastinum: Mediastinum
    skeleton: Skeleton
    vessels: Capsules
    airways: Capsules
    lookalikes: tuple[Lookalike, ...]
    fissures: Array
    tissues: Tissues
    organ_shift_mm: Array
    lattices: tuple[Array, ...]

    def lung_hu(self, points: Array) -> Array:
        """Mean HU of plain lung at ``(N, 3)`` patient points: no vessels, no texture."""
        return self.tissues.lung + self.tissues.gravity * points[:, 1]

    def background_hu(self, points: Array) -> Array:
        """HU at ``(N, 3)`` patient points as if no nodule, texture, noise or layer on the pleura were there."""
        inside = self.thorax.lung_distance_mm(*points.T) < 0
        hu = np.where(inside, self.lung_hu(points), self.tissues.muscle)
        tubes = [look.tubes for look in self.lookalikes]
        solid = join([self.vessels, self.mediastinum.vessels, *tubes])
        hu = np.where(solid.distance_mm(points, 0.0) < 0, np.maximum(hu, self.tissues.blood), hu)
        lumen = self.airways.distance_mm(points, 1.0)
        hu = np.where(lumen < 0.8, np.maximum(hu, 0.0), hu)
        return np.where(lumen < 0, -1000.0, hu)


def draw_patient(seed: int) -> Patient:
    """Draw a patient; the same seed gives the same patient for every grid, dose and kernel."""
    shape, tree, texture, likeness = (np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(4))
    cavity, muscle, body = draw_walls(shape)
    mediastinum = draw_mediastinum(shape)
    thorax = Thorax(
        cavity,
        muscle,
        body,
        mediastinum.left_mm,
        mediastinum.right_mm,
        draw_domes(shape),
        draw_apexes(shape),
        shape.uniform(0.12, 0.24),
    )
    fissures = _draw_fissures(shape)
    vessels, airways = _draw_trees(tree, thorax, mediastinum, fissures)
    tissues = _draw_tissues(shape)
    return Patient(
        offset_lps_mm=np.round(shape.uniform((-12, -190, -320), (12, -120, -60)), 1),
        thorax=thorax,
        mediastinum=mediastinum,
        skeleton=draw_skeleton(shape, thorax),
        vessels=vessels,
        airways=airways,
        lookalikes=draw_lookalikes(likeness, thorax, mediastinum, vessels, tissues.blood),
        fissures=fissures,
        tissues=tissues,
        organ_shift_mm=shape.normal(0, 5, (4, 3)),
        lattices=tuple(_draw_lattice(texture, step) for step in LATTICE_STEPS_MM),
    )


def fissure_heights_mm(fissures: Array, x: Array, y: Array) -> list[Array]:
    """Height z of each fissure over ``x, y`` in mm; see :class:`Patient` for the coefficients."""
    return [a + b * y + c * x * x / 100 + d * y * y / 100 + e * x for a, b, c, d, e in fissures]


def _draw_fissures(rng: np.random.Generator) -> Array:
    left = (rng.normal(-8, 6), rng.uniform(0.7, 0.9), rng.uniform(-0.3, 0.2), rng.uniform(-0.2, 0.15), 0.0)
    right = (rng.normal(-14, 6), rng.uniform(0.7, 0.9), rng.uniform(-0.3, 0.2), rng.uniform(-0.2, 0.15), 0.0)
    flat = (rng.normal(8, 6), rng.uniform(-0.05, 0.1), rng.uniform(-0.25, -0.05), 0.05, rng.uniform(-0.05, 0.05))
    return np.array([left, right, flat])


def _draw_tissues(rng: np.random.Generator) -> Tissues:
    contrast = rng.uniform(80, 190) if rng.random() < 0.4 else 0.0
    return Tissues(
        lung=rng.uniform(-885, -835),
        gravity=rng.uniform(0.15, 0.45),
        blood=42.0 + contrast,
        muscle=52.0 + 0.1 * contrast,
        fat=rng.uniform(-112, -96),
        liver=rng.uniform(45, 65) + 0.3 * contrast,
        spleen=rng.uniform(42, 52) + 0.4 * contrast,
        emphysema=max(0.0, rng.uniform(-1.2, 1.0)),
    )


def _draw_trees(
    rng: np.random.Generator, thorax: Thorax, mediastinum: Mediastinum, fissures: Array
) -> tuple[Capsules, Capsules]:
    """Grow arteries with their bronchi, and veins, into both lungs."""
    vessels, airways = [], []
    for number, side in enumerate((-1, 1)):

        def inside(points: Array, margin_mm: float = 3.0, side: int = side) -> Array:
            x, y, z = points.T
            clear = np.min([np.abs(z - height) for height in fissure_heights_mm(fissures[:2], x, y)], axis=0)
            return (side * x > 0) & (thorax.lung_distance_mm(x, y, z) < -margin_mm) & (clear > 3.0)

        tips = sample_inside(rng, inside, LUNG_LOW_MM, LUNG_HIGH_MM, ARTERY_TIPS)
        arteries = grow_tree(rng, mediastinum.hilum["artery"][number], tips, 0.6, 6.8)
        tips = sample_inside(rng, inside, LUNG_LOW_MM, LUNG_HIGH_MM, VEIN_TIPS)
        veins = grow_tree(rng, mediastinum.hilum["vein"][number], tips, 0.56, 6.2)
        vessels += [arteries, veins]
        bronchi = companions(arteries, AIRWAY_SMALLEST_ARTERY_MM, AIRWAY_RATIO, 0.7)
        free = thorax.lung_distance_mm(*bronchi.end.T) < -2
        free |= np.linalg.norm(bronchi.end - mediastinum.hilum["bronchus"][number], axis=1) < 28
        stem = tube([mediastinum.hilum["bronchus"][number], bronchi.start[0]], [4.6, bronchi.start_radius[0]])
        airways += [bronchi.select(free), stem]  # none cuts through the heart
    return join(vessels), join(airways)


def _draw_lattice(rng: np.random.Generator, step_mm: float) -> Array:
    count = int(np.ceil(2 * LATTICE_REACH_MM / step_mm)) + 1
    noise = gaussian_filter(rng.standard_normal((count, count, count), dtype=np.float32), 0.6, mode="wrap")
    return noise / noise.std()
