"""Weights of the distance between lesions that lungdet ships."""

from __future__ import annotations

from .lesion_distance import DistanceWeights

# Relative places of one lesion differ between studies: breathing, arms, another table, another slice.
GEOMETRY = DistanceWeights(x=70.0, y=70.0, z=620.0, long=0.4, short=0.4, type=0.3, threshold=1.0, repeat_threshold=0.3)
"""Without images: place, size and type."""

EMBEDDED = DistanceWeights(x=70.0, y=70.0, z=620.0, type=0.3, embedding=1.0, threshold=1.0, repeat_threshold=0.3)
"""With the vectors of the bundle ``lesion_embedding``, beside place and type."""
