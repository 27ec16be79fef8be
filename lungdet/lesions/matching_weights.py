"""Weights of the distance between lesions that lungdet ships."""

from __future__ import annotations

from .lesion_distance import DistanceWeights

GEOMETRY = DistanceWeights(x=70.0, y=70.0, z=620.0, long=0.4, short=0.4, type=0.3, threshold=1.0, repeat_threshold=0.3)
"""Without images: place, size and type. A shift of 0.12 in x or y, of 0.04 in z, or a factor of 4.9 in size is 1."""

EMBEDDED = DistanceWeights(
    x=18.0, y=18.0, z=155.0, long=0.1, short=0.1, type=0.08, embedding=2.0, threshold=1.0, repeat_threshold=0.5
)
"""With the vectors of the bundle ``lesion_embedding``: 0.7 between two is 1. Place, size and type count half."""
