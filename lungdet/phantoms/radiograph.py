"""Small pictures that look a little like radiographs of several body parts: for tests, examples and broken cases.

They are no anatomy and train no router; they differ from each other as body parts do, and from seed to seed as patients
do. Each is a sum of soft shapes, as rays sum what they pass through.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
MIN_SIDE = 16


class Canvas:
    """A film to add soft shapes to; positions and lengths are parts of its shorter side, from its middle.

    Args:
        rows: pixels down.
        columns: pixels along.
        rng: source of all chance.
    """

    def __init__(self, rows: int, columns: int, rng: np.random.Generator) -> None:
        short = min(rows, columns)
        self.rng = rng
        self.soft = 2.0 / short  # edges are two pixels wide
        self.y = ((np.arange(rows, dtype=np.float32) - (rows - 1) / 2) / short)[:, None]
        self.x = ((np.arange(columns, dtype=np.float32) - (columns - 1) / 2) / short)[None]
        self.film: Picture = np.zeros((rows, columns), np.float32)

    def jitter(self, value: float, part: float = 0.08) -> float:
        """Return ``value`` changed by chance, by at most ``part`` of it."""
        return value * float(1 + self.rng.uniform(-part, part))

    def ellipse(
        self, center: tuple[float, float], radii: tuple[float, float], weight: float, thick: bool = True
    ) -> None:
        """Add an ellipse at ``(y, x)``: a body with a round profile (``thick``), or a flat plate."""
        distance = np.hypot((self.y - center[0]) / radii[0], (self.x - center[1]) / radii[1])
        profile = np.sqrt(np.clip(1 - distance**2, 0, 1)) if thick else self._edge((distance - 1) * min(radii))
        self.film += np.float32(weight) * profile.astype(np.float32)

    def bone(self, start: tuple[float, float], end: tuple[float, float], radius: float, weight: float) -> None:
        """Add a long bone from ``(y, x)`` to ``(y, x)``: a tube with dense walls."""
        (y0, x0), (y1, x1) = start, end
        length2 = max((y1 - y0) ** 2 + (x1 - x0) ** 2, 1e-9)
        along = np.clip(((self.y - y0) * (y1 - y0) + (self.x - x0) * (x1 - x0)) / length2, 0, 1)
        distance = np.hypot(self.y - (y0 + along * (y1 - y0)), self.x - (x0 + along * (x1 - x0)))
        wall = self._edge(distance - radius) * (0.6 + 0.4 * np.clip(distance / radius, 0, 1) ** 4)
        self.film += (np.float32(weight) * wall).astype(np.float32)

    def arc(self, center: tuple[float, float], radii: tuple[float, float], width: float, weight: float) -> None:
        """Add the lower half of an ellipse's rim, as a rib runs."""
        distance = np.hypot((self.y - center[0]) / radii[0], (self.x - center[1]) / radii[1]) - 1
        rim = np.exp(-((distance * min(radii) / width) ** 2)) * (self.y > center[0])
        self.film += (np.float32(weight) * rim).astype(np.float32)

    def _edge(self, distance: NDArray[np.floating]) -> NDArray[np.floating]:
        return np.clip(0.5 - distance / self.soft, 0, 1)


def make_radiograph(
    seed: int, kind: str = "chest", *, rows: int = 256, columns: int = 224, noise: float = 0.01
) -> Picture:
    """Draw one picture.

    Args:
        seed: the same seed gives the same picture.
        kind: one of :data:`RADIOGRAPH_KINDS`.
        rows: pixels down.
        columns: pixels along.
        noise: standard deviation of the grain.

    Returns:
        ``(rows, columns)`` float32 in [0, 1], bone bright.

    Raises:
        ValueError: the kind is unknown, or the picture is smaller than 16 pixels.

    Example:
        >>> picture = make_radiograph(0, "hand", rows=64, columns=48)
        >>> picture.shape, picture.dtype, bool((picture == make_radiograph(0, "hand", rows=64, columns=48)).all())
        ((64, 48), dtype('float32'), True)
    """
    if kind not in RADIOGRAPH_KINDS:
        raise ValueError(f"kind must be one of {sorted(RADIOGRAPH_KINDS)}, got {kind!r}")
    if min(rows, columns) < MIN_SIDE:
        raise ValueError(f"a picture needs at least {MIN_SIDE} x {MIN_SIDE} pixels, got {rows} x {columns}")
    canvas = Canvas(rows, columns, np.random.default_rng([seed, *kind.encode()]))
    RADIOGRAPH_KINDS[kind](canvas)
    film = canvas.film
    low, high = float(film.min()), float(film.max())
    film = (film - low) / max(high - low, 1e-6) * 0.94 + 0.02
    film += canvas.rng.standard_normal(film.shape, dtype=np.float32) * np.float32(noise)
    picture: Picture = np.clip(film, 0, 1).astype(np.float32)
    return picture


def _chest(canvas: Canvas) -> None:
    body, lung = canvas.jitter(0.52), canvas.jitter(0.34)
    canvas.ellipse((0.05, 0), (0.75, body), 1.0)
    for side in (-1, 1):
        canvas.ellipse((-0.06, side * canvas.jitter(0.23)), (lung, canvas.jitter(0.16)), -0.5)
        canvas.bone((-0.42, 0.02 * side), (-0.36, side * 0.4), 0.018, 0.25)  # collar bone
        for rib in range(7):
            canvas.arc((-0.38 + 0.085 * rib, side * 0.2), (0.1, 0.22), 0.012, 0.16)
    canvas.ellipse((0.1, canvas.jitter(0.06, 0.5)), (0.17, canvas.jitter(0.16)), 0.45)  # heart
    canvas.bone((-0.6, 0), (0.6, 0), 0.045, 0.3)


def _abdomen(canvas: Canvas) -> None:
    canvas.ellipse((0, 0), (0.8, canvas.jitter(0.5)), 1.0)
    for y in np.arange(-0.5, 0.3, 0.11):
        canvas.ellipse((float(y), 0), (0.05, 0.065), 0.35, thick=False)
    for side in (-1, 1):
        canvas.ellipse((0.36, side * 0.24), (0.16, 0.15), 0.4, thick=False)  # wings of the pelvis
        canvas.ellipse((0.42, side * 0.15), (0.07, 0.05), -0.25, thick=False)
    for _ in range(9):  # gas
        center = canvas.rng.uniform(-0.3, 0.3, 2)
        canvas.ellipse((float(center[0]), float(center[1])), (canvas.jitter(0.06, 0.5), 0.05), -0.3)


def _hand(canvas: Canvas) -> None:
    canvas.ellipse((0.2, 0), (0.26, canvas.jitter(0.2)), 0.5)
    for finger, lean in enumerate((-0.34, -0.17, -0.02, 0.13, 0.3)):
        tip = -0.42 + 0.1 * abs(finger - 2) + (0.25 if finger == 0 else 0)
        base = (0.2, lean * 0.5)
        canvas.bone(base, (canvas.jitter(tip), lean), 0.045, 0.3)  # flesh
        for part in range(3):
            start, end = part / 3, (part + 0.85) / 3
            canvas.bone(_between(base, (tip, lean), start), _between(base, (tip, lean), end), 0.02, 0.5)
    for _ in range(7):
        canvas.ellipse((canvas.jitter(0.33, 0.15), float(canvas.rng.uniform(-0.1, 0.1))), (0.04, 0.04), 0.4)
    for side in (-0.06, 0.06):
        canvas.bone((0.42, side), (0.7, side), 0.04, 0.5)


def _spine(canvas: Canvas) -> None:
    canvas.ellipse((0, 0), (1.2, canvas.jitter(0.4)), 0.5)
    bend = canvas.rng.uniform(-0.06, 0.06)
    for number, y in enumerate(np.arange(-0.6, 0.62, 0.135)):
        x, wide = bend * float(np.sin(3 * y)), 0.09 + 0.006 * number
        canvas.ellipse((float(y), x), (0.055, wide), 0.5, thick=False)
        canvas.bone((float(y), x - 2 * wide), (float(y), x + 2 * wide), 0.015, 0.25)
        canvas.ellipse((float(y), x), (0.03, 0.015), 0.2)


def _knee(canvas: Canvas) -> None:
    canvas.bone((-0.7, 0), (0.7, 0), canvas.jitter(0.3), 0.4)
    canvas.bone((-0.7, 0), (-0.15, 0), canvas.jitter(0.09), 0.6)
    canvas.bone((0.15, -0.02), (0.7, -0.02), canvas.jitter(0.08), 0.6)
    canvas.bone((0.2, 0.16), (0.7, 0.15), 0.035, 0.4)
    for side in (-1, 1):
        canvas.ellipse((-0.1, side * 0.08), (0.085, 0.09), 0.45)
    canvas.ellipse((0.09, 0), (0.06, 0.17), 0.5)
    canvas.ellipse((canvas.jitter(-0.16), 0), (0.08, 0.07), 0.25)


def _skull(canvas: Canvas) -> None:
    radii = (canvas.jitter(0.42), canvas.jitter(0.33))
    canvas.ellipse((-0.05, 0), radii, 0.9, thick=False)
    canvas.ellipse((-0.05, 0), (radii[0] - 0.04, radii[1] - 0.04), -0.4, thick=False)
    for side in (-1, 1):
        canvas.ellipse((0.02, side * 0.13), (0.07, 0.085), -0.25, thick=False)
        canvas.ellipse((0.18, side * 0.07), (0.06, 0.04), -0.2)
    canvas.ellipse((0.34, 0), (0.11, 0.19), 0.4, thick=False)
    for tooth in np.linspace(-0.1, 0.1, 8):
        canvas.ellipse((0.32, float(tooth)), (0.035, 0.011), 0.3, thick=False)


def _plain(canvas: Canvas) -> None:
    """Nothing in the beam: an even film."""
    canvas.film += canvas.y * np.float32(0.1)


def _scene(canvas: Canvas) -> None:
    """No radiograph at all: hard shapes and stripes, as a photograph of things would have."""
    for _ in range(12):
        center, size = canvas.rng.uniform(-0.5, 0.5, 2), canvas.rng.uniform(0.05, 0.25, 2)
        inside = (np.abs(canvas.y - center[0]) < size[0]) & (np.abs(canvas.x - center[1]) < size[1])
        canvas.film[inside] = canvas.rng.uniform(0, 1)
    canvas.film += np.float32(0.2) * (np.sin(60 * canvas.x + 25 * canvas.y) > 0)


def _between(start: tuple[float, float], end: tuple[float, float], part: float) -> tuple[float, float]:
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


RADIOGRAPH_KINDS: dict[str, Callable[[Canvas], None]] = {
    "abdomen": _abdomen,
    "chest": _chest,
    "hand": _hand,
    "knee": _knee,
    "skull": _skull,
    "spine": _spine,
    "plain": _plain,
    "scene": _scene,
}
