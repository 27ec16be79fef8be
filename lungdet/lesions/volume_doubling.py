"""How fast a nodule grows: the time in which its volume doubles, with the error of both measurements.

Volumes of nodules that did not grow differ between two scans by up to 27 % in 95 % of cases (Marchiano et al.,
Pulmonary nodules: volume repeatability at multidetector CT lung cancer screening, Radiology 2009;251:919-925): a
standard deviation of 9.7 % for one measurement. Guidelines call 25 % of change growth (Callister et al., British
Thoracic Society guidelines for the investigation and management of pulmonary nodules, Thorax 2015;70 Suppl 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .measurement_error import LIMIT_SD, Growth

VOLUME_SD = 0.27 / (1.96 * math.sqrt(2))  # in slices of about 1 mm
USUAL_MM = 1.0


@dataclass(frozen=True)
class VolumeGrowth:
    """The change of a volume between two scans.

    Attributes:
        doubling_days: time in which the volume doubles at this rate; negative: in which it halves; infinite if it did
            not change.
        shortest_days, longest_days: 95 % limits of a doubling time; None where the limits hold no growth at all.
        change: of the volume, as a part of the first: 0.25 is a quarter more.
        growth: what the change is, given the error.
    """

    doubling_days: float
    shortest_days: float | None
    longest_days: float | None
    change: float
    growth: Growth


def volume_growth(
    before_mm3: float, after_mm3: float, days: float, before_sd: float = VOLUME_SD, after_sd: float = VOLUME_SD
) -> VolumeGrowth:
    """Compare two volumes of one nodule.

    Volumes err in proportion, so their logarithms are compared: ``doubling = days * ln 2 / ln(after / before)``.

    Args:
        before_mm3: volume in the earlier scan.
        after_mm3: volume in the later scan.
        days: between the scans.
        before_sd: standard deviation of the first volume, as a part of it.
        after_sd: likewise of the second.

    Returns:
        Doubling time with its limits, and whether there is growth at all.

    Raises:
        ValueError: a volume or the time is not positive, or an error is negative.

    Example:
        >>> found = volume_growth(100.0, 200.0, 90.0)
        >>> found.doubling_days, found.growth
        (90.0, 'grows')
        >>> volume_growth(100.0, 110.0, 90.0).growth
        'within error'
    """
    if not all(math.isfinite(value) and value > 0 for value in (before_mm3, after_mm3, days)):
        raise ValueError(f"volumes and days must be positive, got {before_mm3}, {after_mm3} mm3 and {days} days")
    if not all(math.isfinite(value) and value >= 0 for value in (before_sd, after_sd)):
        raise ValueError(f"errors must be 0 or more, got {before_sd} and {after_sd}")
    grown = math.log(after_mm3 / before_mm3)
    limit = LIMIT_SD * math.hypot(before_sd, after_sd)
    growth: Growth = "within error" if abs(grown) <= limit else "grows" if grown > 0 else "shrinks"
    return VolumeGrowth(
        doubling_days=days * math.log(2) / grown if grown else math.inf,
        shortest_days=_doubling(grown + limit, days),
        longest_days=_doubling(grown - limit, days),
        change=after_mm3 / before_mm3 - 1,
        growth=growth,
    )


def volume_sd(volume_mm3: float, thickness_mm: float) -> float:
    """Standard deviation of a volume as a part of it, larger for small nodules in thick slices.

    Where a nodule ends between two slices is known to within one of them, a deviation of ``1 / sqrt(12)`` of it, which
    errs its height, and so its volume.

    Args:
        volume_mm3: of the nodule.
        thickness_mm: of the slices, or their distance if that is more.

    Raises:
        ValueError: one is not positive.

    Example:
        >>> round(volume_sd(500.0, 1.0), 3), round(volume_sd(500.0, 5.0), 3), round(volume_sd(50.0, 5.0), 3)
        (0.097, 0.174, 0.324)
    """
    if not all(math.isfinite(value) and value > 0 for value in (volume_mm3, thickness_mm)):
        raise ValueError(f"volume and thickness must be positive, got {volume_mm3} mm3 and {thickness_mm} mm")
    height_mm = math.pow(6 * volume_mm3 / math.pi, 1 / 3)
    beyond_mm = math.sqrt(max(0.0, thickness_mm**2 - USUAL_MM**2))
    return math.hypot(VOLUME_SD, beyond_mm / math.sqrt(12) / height_mm)


def _doubling(log_growth: float, days: float) -> float | None:
    return days * math.log(2) / log_growth if log_growth > 0 else None
