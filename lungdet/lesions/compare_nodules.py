"""How a nodule has changed between two measurements, or why that cannot be told."""

from __future__ import annotations

import math

from lungdet.counted import counted
from lungdet.records import NoduleGrowth, NoduleMeasurement

from .measure_nodule import PART_NOTES
from .volume_doubling import volume_growth, volume_sd

BELIEVED_RATIO = 8.0  # of two volumes: twice as wide
BELIEVED_DAYS = 30.0  # a nodule that changes more than that doubles or halves no faster


class GrowthError(ValueError):
    """Two measurements do not tell of growth; the message says why."""


def compare_nodules(
    before: NoduleMeasurement,
    after: NoduleMeasurement,
    days: float,
    distance_mm: float,
    thickness_mm: tuple[float, float],
) -> NoduleGrowth:
    """Compare two measurements of one nodule.

    Args:
        before: in the earlier scan.
        after: in the later one.
        days: between the scans.
        distance_mm: between both places.
        thickness_mm: of the slices of both scans; thick ones make the error larger.

    Raises:
        GrowthError: they are of different versions of the method, one is of a part of the nodule only, or the volumes
            are too unlike to be of one nodule.
    """
    if before.version != after.version:
        said = f"not compared: the earlier scan was measured by version {before.version} of the method"
        raise GrowthError(f"{said}; analyze it again")
    volumes = f"{before.volume_mm3:.0f} mm³ then, {after.volume_mm3:.0f} mm³ now"
    for found, which in ((before, "earlier"), (after, "later")):
        if PART_NOTES & set(found.notes):
            raise GrowthError(f"no verdict on growth: the {which} scan shows a part of the nodule only ({volumes})")
    ratio = after.volume_mm3 / before.volume_mm3
    doublings = abs(math.log2(ratio))
    if doublings > math.log2(BELIEVED_RATIO) and days < BELIEVED_DAYS * doublings:
        after_days = counted(f"{days:g}", "day")
        raise GrowthError(f"no verdict on growth: too unlike to be the same nodule after {after_days} ({volumes})")
    errors = [volume_sd(each.volume_mm3, mm) for each, mm in zip((before, after), thickness_mm, strict=True)]
    found_growth = volume_growth(before.volume_mm3, after.volume_mm3, days, *errors)
    doubling = found_growth.doubling_days
    return NoduleGrowth(
        before.volume_mm3,
        after.volume_mm3,
        days,
        found_growth.growth,
        _rounded(doubling if math.isfinite(doubling) else None),
        _rounded(found_growth.shortest_days),
        _rounded(found_growth.longest_days),
        round(distance_mm, 2),
    )


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 1)
