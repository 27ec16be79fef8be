"""Sort nodules into groups that are scored apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike


def size_labels(diameters_mm: ArrayLike, edges_mm: Sequence[float] = (6.0, 10.0)) -> tuple[str, ...]:
    """Label nodules by diameter; an edge belongs to the group above it.

    Args:
        diameters_mm: ``(N,)``.
        edges_mm: rising diameters between the groups. 6 mm is where guidelines begin to ask for follow-up.

    Raises:
        ValueError: the edges are absent, not finite and positive, or do not rise.

    Example:
        >>> size_labels([4.0, 6.0, 25.0])
        ('< 6 mm', '6-10 mm', '>= 10 mm')
    """
    edges = [float(edge) for edge in edges_mm]
    if not all(0.0 < edge < float("inf") for edge in edges):
        raise ValueError(f"edges must be positive and finite, got {edges}")
    if not edges or any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"edges must rise, got {edges}")
    between = [f"{low:g}-{high:g} mm" for low, high in pairwise(edges)]
    names = [f"< {edges[0]:g} mm", *between, f">= {edges[-1]:g} mm"]
    return tuple(names[place] for place in np.searchsorted(edges, np.asarray(diameters_mm, dtype=np.float64), "right"))
