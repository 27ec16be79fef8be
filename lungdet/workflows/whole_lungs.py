"""Whether a scan shows enough of the lungs for a model that has learnt from whole chests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records import CTVolume, LungsFound

LEAST_ML = 1000.0  # of both lungs, vessels included; adults breathe out to more
LEAST_HEIGHT_MM = 150.0  # of lungs that go on above or below the scan; two thirds of an adult's


def partial_lungs(volume: CTVolume, labels: NDArray[Any], facts: LungsFound) -> str:
    """Say why a scan shows no lungs, or too small a part of an adult's; empty if it shows enough.

    Lungs that are cut a little are enough: their own notes tell of it.

    Args:
        volume: the scan.
        labels: ``(I, J, K)`` of its voxels, 0 outside of the lungs.
        facts: of these lungs.
    """
    if not facts.found:
        return f"no lungs were found: {facts.reason}"
    if min(volume.array.shape) == 1:
        return "its model has learnt from whole lungs, and the scan has one slice"
    seen_ml, height_mm = facts.both.volume_ml, _height_mm(labels, volume.affine_lps)
    learnt = "its model has learnt from whole lungs, and the scan shows"
    if seen_ml < LEAST_ML:
        return f"{learnt} {seen_ml:.0f} ml of lung, where an adult has more than {LEAST_ML:.0f} ml"
    if height_mm < LEAST_HEIGHT_MM and {"top", "bottom"} & set(facts.cut_at):
        return f"{learnt} {height_mm:.0f} mm of lungs that go on beyond it, less than {LEAST_HEIGHT_MM:.0f} mm"
    return ""


def _height_mm(labels: NDArray[Any], affine_lps: NDArray[np.float64]) -> float:
    """From the lowest to the highest plane that holds lung, both counted; 0 without any."""
    up = int(np.argmax(np.abs(affine_lps[2, :3])))
    planes = np.moveaxis(labels, up, 0)
    first = next((place for place, plane in enumerate(planes) if plane.any()), len(planes))
    behind = next((place for place, plane in enumerate(planes[::-1]) if plane.any()), 0)
    return max(0, len(planes) - behind - first) * float(np.linalg.norm(affine_lps[:3, up]))
