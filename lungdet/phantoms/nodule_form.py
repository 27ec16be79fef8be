"""How a phantom's nodule looks to a reader: strands, lumps and rim, each from 0 to 1."""

from __future__ import annotations

import numpy as np

from .nodule import LUMP_SHARPNESS, Array, NoduleShape

MOST_SPIKES = 17  # with strands as long as its radius this is 1
LUMPY = 0.11  # spread of the radius, as a part of its mean, that counts as 1
LUNG_HU, SOFT_HU = -850.0, 0.0
DIRECTIONS = 96


def spiculation(shape: NoduleShape) -> float:
    """Strands that radiate from it: their number times their mean length over the radius, 0 to 1."""
    spikes = shape.spikes
    if not len(spikes):
        return 0.0
    length = np.linalg.norm(spikes.end - spikes.start, axis=1).mean() / shape.half_axes.mean()
    return float(np.clip(len(spikes) * length / MOST_SPIKES, 0.0, 1.0))


def lobulation(shape: NoduleShape) -> float:
    """How far its lumps spread the radius over all directions, 0 to 1."""
    if not len(shape.lumps):
        return 0.0
    nearness = np.exp(LUMP_SHARPNESS * (_directions() @ shape.lumps[:, :3].T - 1))
    radius = 1 + nearness @ shape.lumps[:, 3]
    return float(np.clip(radius.std() / radius.mean() / LUMPY, 0.0, 1.0))


def margin(shape: NoduleShape) -> float:
    """How high its rim steps out of the lung: 0 would fade into it, 1 is soft tissue or denser."""
    return float(np.clip((shape.hu - LUNG_HU) / (SOFT_HU - LUNG_HU), 0.0, 1.0))


def _directions() -> Array:
    """Unit vectors spread evenly over the sphere, ``(DIRECTIONS, 3)``: a Fibonacci lattice."""
    place = np.arange(DIRECTIONS) + 0.5
    height = 1 - 2 * place / DIRECTIONS
    turn = np.pi * (1 + 5**0.5) * place
    flat = np.sqrt(1 - height**2)
    directions: Array = np.stack([np.cos(turn) * flat, np.sin(turn) * flat, height], axis=1)
    return directions
