"""Draw the look-alikes of a patient: what a detector may take for a nodule, and a reader who scrolls does not.

Each differs from a nodule in shape or place. Kinks, crossings, branches and scars are tubes at least three times as
long as thick; plaques, caps and bands of collapsed lung are layers at least three times as wide as thick; lymph nodes
lie between the lungs, and less than a fifth of one bulges into a lung, which holds more than half of any nodule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .capsules import Capsules, join, tube
from .lookalike import Lookalike, LookalikeKind, Sheet, of_sheet, of_tubes
from .mediastinum import Mediastinum, spine_y_mm
from .thorax import LUNG_HIGH_MM, LUNG_LOW_MM, Array, Thorax

ATTEMPTS = 30
SCAR_HU = 25.0
ONE_MORE = (0.4, 0.2, 0.1, 0.12, 0.06, 0.12)  # how often one more is of a vessel, scar, node, plaque, cap, collapse
NODE_IN_LUNG, NODE_TOP_MM = 0.12, 60.0  # part of a lymph node that may bulge into the lung; the neck begins above


def draw_lookalikes(
    rng: np.random.Generator, thorax: Thorax, mediastinum: Mediastinum, vessels: Capsules, blood_hu: float
) -> tuple[Lookalike, ...]:
    """Draw all look-alikes of one patient, some 6 to 25; what finds no place is left out.

    Args:
        rng: source of chance.
        thorax: the patient's.
        mediastinum: the patient's.
        vessels: in the lungs; kinks, crossings and branches hang on them.
        blood_hu: HU of the vessels.
    """
    thick = _thick(vessels)

    def vessel() -> Lookalike | None:
        return _vessel(rng, thorax, thick, blood_hu)

    def scar() -> Lookalike | None:
        return _scar(rng, thorax)

    def node() -> Lookalike | None:
        return _node(rng, thorax, mediastinum)

    def plaque() -> Lookalike | None:
        return _plaque(rng, thorax)

    def cap() -> Lookalike | None:
        return _apical_cap(rng, thorax)

    def collapse() -> Lookalike | None:
        return _atelectasis(rng, thorax)

    wanted = (
        (vessel, int(rng.integers(3, 9))),
        (scar, int(rng.integers(0, 7))),
        (node, int(rng.integers(0, 6))),
        (plaque, int(rng.integers(1, 6)) * int(rng.random() < 0.4)),
        (cap, int(rng.integers(1, 3)) * int(rng.random() < 0.3)),
        (collapse, int(rng.integers(1, 3)) * int(rng.random() < 0.35)),
    )
    found = [_first(draw) for draw, count in wanted for _ in range(count)]
    return tuple(item for item in found if item is not None)


def draw_lookalike(
    rng: np.random.Generator, thorax: Thorax, mediastinum: Mediastinum, vessels: Capsules, blood_hu: float
) -> Lookalike | None:
    """Draw one more look-alike in a patient, vessels more often than the rest; None if it finds no place.

    Args:
        rng: source of chance.
        thorax: the patient's.
        mediastinum: the patient's.
        vessels: in the lungs.
        blood_hu: HU of the vessels.
    """
    drawn: tuple[Callable[[], Lookalike | None], ...] = (
        lambda: _vessel(rng, thorax, _thick(vessels), blood_hu),
        lambda: _scar(rng, thorax),
        lambda: _node(rng, thorax, mediastinum),
        lambda: _plaque(rng, thorax),
        lambda: _apical_cap(rng, thorax),
        lambda: _atelectasis(rng, thorax),
    )
    return _first(drawn[int(rng.choice(len(drawn), p=ONE_MORE))])


def _thick(vessels: Capsules) -> Capsules:
    return vessels.select((vessels.start_radius > 1.2) & (vessels.start_radius < 3.2))


def _first(draw: Callable[[], Lookalike | None]) -> Lookalike | None:
    tries = (draw() for _ in range(ATTEMPTS))
    return next((item for item in tries if item is not None), None)


def _vessel(rng: np.random.Generator, thorax: Thorax, vessels: Capsules, blood_hu: float) -> Lookalike | None:
    """A kink, a crossing or a spray of branches on a vessel; None where it would leave the lung."""
    if not len(vessels):
        return None
    chosen = int(rng.integers(len(vessels)))
    base, radius = vessels.start[chosen], float(vessels.start_radius[chosen])
    along = _unit(vessels.end[chosen] - base)
    side = _unit(np.cross(along, rng.normal(size=3)))
    kinds: tuple[LookalikeKind, ...] = ("vessel_kink", "vessel_crossing", "vessel_branch")
    kind = kinds[int(rng.integers(3))]
    shape = {"vessel_kink": _kink, "vessel_crossing": _crossing, "vessel_branch": _branches}[kind]
    tubes = shape(rng, base, along, side, radius)
    deep = thorax.lung_distance_mm(*tubes.end.T) < -2
    return of_tubes(kind, blood_hu, tubes) if deep.all() else None


def _kink(rng: np.random.Generator, base: Array, along: Array, side: Array, radius: float) -> Capsules:
    """A hairpin: out of the vessel and back into it; its bend is round in the slices that cut it."""
    wide, far = rng.uniform(3.5, 5.0) * radius, rng.uniform(5.0, 8.0) * radius
    tilt = rng.normal(0, 0.15, 3) * far
    knots = [base, base + 0.1 * wide * along + 0.7 * far * side, base + 0.5 * wide * along + far * side + tilt]
    knots += [base + 0.9 * wide * along + 0.7 * far * side, base + wide * along]
    return tube(knots, [radius, 0.95 * radius, 1.1 * radius, 0.95 * radius, 0.9 * radius])


def _crossing(rng: np.random.Generator, base: Array, along: Array, side: Array, radius: float) -> Capsules:
    """Another vessel that touches this one on its way across."""
    own = radius * rng.uniform(0.7, 1.0)
    way = _unit(np.cross(along, side) + rng.normal(0, 0.35, 3))
    middle = base + (radius + 0.8 * own) * side
    ends = [middle + sign * rng.uniform(10, 18) * way + rng.normal(0, 2.0, 3) for sign in (-1, 1)]
    return tube([ends[0], middle, ends[1]], [0.35 * own, own, 0.35 * own])


def _branches(rng: np.random.Generator, base: Array, along: Array, side: Array, radius: float) -> Capsules:
    """Three or four branches from one place."""
    third = np.cross(along, side)
    parts = []
    for turn in 2 * np.pi * (np.arange(rng.integers(3, 5)) / 3.5 + rng.uniform(0, 1)):
        way = _unit(0.5 * along + np.cos(turn) * side + np.sin(turn) * third + rng.normal(0, 0.15, 3))
        length = rng.uniform(12, 20)
        bend = rng.normal(0, 0.1 * length, 3)
        knots = [base, base + 0.5 * length * way + bend, base + length * way]
        parts.append(tube(knots, [0.8 * radius, 0.6 * radius, 0.3 * radius]))
    return join(parts)


def _scar(rng: np.random.Generator, thorax: Thorax) -> Lookalike | None:
    """A strand from the pleura into the lung: half of them thin, half of them short and thick."""
    start = _surface_point(rng, thorax)
    if start is None:
        return None
    point, normal = start
    aim = _unit(-normal + rng.normal(0, 0.35, 3))
    thick = rng.uniform(0.7, 1.4) if rng.random() < 0.5 else rng.uniform(1.5, 2.8)
    length = rng.uniform(12, 30) if thick < 1.5 else rng.uniform(3.5, 5.5) * 2 * thick
    middle = point + 0.5 * length * aim + rng.normal(0, 0.08, 3) * length
    end = point + length * aim + rng.normal(0, 0.12, 3) * length
    if thorax.lung_distance_mm(*np.stack([middle, end]).T).max() > -2:
        return None
    return of_tubes("scar", SCAR_HU, tube([point, middle, end], [1.3 * thick, thick, 0.35 * thick]))


def _node(rng: np.random.Generator, thorax: Thorax, mediastinum: Mediastinum) -> Lookalike | None:
    """A lymph node in the fat beside the windpipe, a great vessel or at a hilum, outside the lung."""
    radius = float(np.clip(rng.lognormal(np.log(4.2), 0.3), 2.5, 8.0))
    organs = join([mediastinum.vessels, mediastinum.windpipe])
    chosen = int(rng.integers(len(organs)))
    start = organs.start[chosen]
    if rng.random() < 0.4:  # hilar
        start = mediastinum.hilum[("artery", "bronchus", "vein")[int(rng.integers(3))]][int(rng.integers(2))]
        center = start + _unit(rng.normal(size=3)) * (radius + rng.uniform(3, 9))
    else:
        center = start + _unit(rng.normal(size=3)) * (organs.start_radius[chosen] + radius + rng.uniform(1, 4))
    half = 0.5 * radius * rng.uniform(0.1, 1.4) * _unit(rng.normal(size=3) * [0.6, 0.6, 1.0])
    node = of_tubes("lymph_node", float(rng.uniform(25, 60)), tube([center - half, center + half], [radius, radius]))
    return node if _in_fat(node, radius, organs, thorax, mediastinum) else None


def _in_fat(node: Lookalike, radius: float, organs: Capsules, thorax: Thorax, mediastinum: Mediastinum) -> bool:
    """Whether a node lies in the fat between the lungs, clear of the organs, and hardly in a lung."""
    x, y, z = center = (node.low + node.high) / 2
    if not (-75 < z < NODE_TOP_MM and np.hypot(x, y) < 75 and z > float(thorax.diaphragm_mm(x, y)) + radius + 4):
        return False
    if thorax.lung_distance_mm(*center[:, None])[0] < 0 or np.hypot(x, y - float(spine_y_mm(z))) < 19 + radius:
        return False
    heart = mediastinum.chambers
    level = (((center - heart[:, :3]) / (heart[:, 3:] + 0.8 * radius)) ** 2).sum(axis=1)
    centers = node.balls[:, :3]
    free = join([organs, mediastinum.gullet]).distance_mm(centers, radius).min() > 0.7 * radius
    steps = np.linspace(-1, 1, 9)
    ball = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    ball = radius * ball[np.linalg.norm(ball, axis=1) <= 1]
    points = np.concatenate([end + ball for end in (centers[0], center, centers[-1])])
    in_lung = float((thorax.lung_distance_mm(*points.T) < 0).mean())
    return bool(level.min() > 1 and free and in_lung < NODE_IN_LUNG)


def _plaque(rng: np.random.Generator, thorax: Thorax) -> Lookalike | None:
    """A flat thickening of the pleura along the ribs or on the diaphragm, soft or calcified."""
    start = _surface_point(rng, thorax)
    if start is None:
        return None
    point, normal = start
    outward = float(normal[:2] @ _unit(point * [1, 1, 0])[:2])
    if outward < 0.7 and normal[2] > -0.7:  # neither ribs nor diaphragm
        return None
    thick = rng.uniform(2.0, 5.0)
    half = np.clip(rng.uniform(5, 20, 2), 2.5 * thick, 20)
    hu = rng.uniform(150, 500) if rng.random() < 0.4 else rng.uniform(20, 60)
    sheet = Sheet(point, _frame(rng, normal), half, thick, _waves(rng), pleural=True)
    return of_sheet("plaque", float(hu), sheet, thorax)


def _apical_cap(rng: np.random.Generator, thorax: Thorax) -> Lookalike | None:
    """Scar tissue over the top of a lung."""
    x, y, top = thorax.apexes[int(rng.integers(len(thorax.apexes)))][:3]
    start = _to_surface(thorax, np.array([x, y, top - 4.0]) + rng.normal(0, 4, 3))
    if start is None:
        return None
    point, normal = start
    thick = rng.uniform(3.0, 6.0)
    half = np.maximum(rng.uniform(12, 24, 2), 2.5 * thick)
    sheet = Sheet(point, _frame(rng, normal), half, thick, _waves(rng), pleural=True)
    return of_sheet("apical_cap", 30.0, sheet, thorax)


def _atelectasis(rng: np.random.Generator, thorax: Thorax) -> Lookalike | None:
    """A band of collapsed lung over the diaphragm."""
    start = _surface_point(rng, thorax)
    if start is None or start[0][2] > 10 or start[1][2] > -0.3:
        return None
    point, normal = start
    thick = rng.uniform(1.8, 3.6)
    half = np.array([rng.uniform(12, 26), rng.uniform(6, 14)])
    half = np.maximum(half, 2.0 * thick)
    flat = _unit(0.8 * np.array([0.0, 0.0, 1.0]) + rng.normal(0, 0.3, 3))
    center = point - (2 + 0.3 * half[1]) * normal
    sheet = Sheet(center, _frame(rng, flat), half, thick, _waves(rng), pleural=False)
    return of_sheet("atelectasis", float(rng.uniform(-150, 30)), sheet, thorax)


def _surface_point(rng: np.random.Generator, thorax: Thorax) -> tuple[Array, Array] | None:
    """A random point on the surface of a lung, and the outward normal there."""
    points = rng.uniform(LUNG_LOW_MM, LUNG_HIGH_MM, (64, 3))
    distance = thorax.lung_distance_mm(*points.T)
    near = points[(distance < -1) & (distance > -10)]
    return _to_surface(thorax, near[0]) if len(near) else None


def _to_surface(thorax: Thorax, point: Array) -> tuple[Array, Array] | None:
    """Move a point along the gradient to the lung's surface; None if it does not get there."""
    normal = np.zeros(3)
    for _ in range(4):
        around = np.concatenate([point[None], point + np.eye(3), point - np.eye(3)])
        distance = thorax.lung_distance_mm(*around.T)
        slope = (distance[1:4] - distance[4:]) / 2
        steep = float(slope @ slope)
        if steep < 0.1:
            return None
        point, normal = point - distance[0] * slope / steep, slope / np.sqrt(steep)
    return (point, normal) if abs(float(thorax.lung_distance_mm(*point[:, None])[0])) < 0.5 else None


def _frame(rng: np.random.Generator, normal: Array) -> Array:
    """Two random directions across a normal, and the normal: rows of ``(3, 3)``."""
    first = _unit(np.cross(normal, rng.normal(size=3)))
    return np.stack([first, np.cross(normal, first), normal])


def _waves(rng: np.random.Generator) -> Array:
    return rng.uniform(0, 2 * np.pi, 2)


def _unit(vector: Array) -> Array:
    unit: Array = vector / max(float(np.linalg.norm(vector)), 1e-9)
    return unit
