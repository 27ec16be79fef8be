"""Whether a scan shows enough of the lungs for a model that has learnt from whole chests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lungdet.geometry.frames import spacing_of
from lungdet.geometry.lung_mask import LungMask
from lungdet.records import CTVolume, LungsFound

LEAST_ML = 1000.0  # of both lungs, vessels included; adults breathe out to more
LEAST_HEIGHT_MM = 150.0  # of lungs that go on above or below the scan; two thirds of an adult's


def partial_lungs(volume: CTVolume, lungs: LungMask, facts: LungsFound) -> str:
    """Say why a scan shows no lungs, or too small a part of an adult's; empty if it shows enough.

    Lungs that are cut a little are enough: their own notes tell of it.

    Args:
        volume: the scan.
        lungs: of the scan.
        facts: of these lungs.
    """
    if not facts.found:
        return f"no lungs were found: {facts.reason}"
    if min(volume.array.shape) == 1:
        return "its model has learnt from whole lungs, and the scan has one slice"
    seen_ml, height_mm = facts.both.volume_ml, _height_mm(lungs, volume.affine_lps)
    learnt = "its model has learnt from whole lungs, and the scan shows"
    if seen_ml < LEAST_ML:
        return f"{learnt} {seen_ml:.0f} ml of lung, where an adult has more than {LEAST_ML:.0f} ml"
    if height_mm < LEAST_HEIGHT_MM and {"top", "bottom"} & set(facts.cut_at):
        return f"{learnt} {height_mm:.0f} mm of lungs that go on beyond it, less than {LEAST_HEIGHT_MM:.0f} mm"
    return ""


def _height_mm(lungs: LungMask, affine_lps: NDArray[np.float64]) -> float:
    """From the lowest to the highest plane that holds lung, both counted."""
    up = int(np.argmax(np.abs(affine_lps[2, :3])))
    planes = lungs.box()[up]
    return (planes.stop - planes.start) * float(spacing_of(affine_lps)[up])
