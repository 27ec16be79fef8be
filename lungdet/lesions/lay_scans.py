"""How an earlier scan of a patient is laid on a later one, so that places can be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lungdet.records import DetectionReport, LungsFound, Point, SeriesInfo

from .constellation_offset import constellation_offset

LIMIT_MM = 20.0  # lungs breathe: what is further off after laying them on each other is another nodule
AGREED_LIMIT_MM = 12.0  # where several nodules have said how the scans lie
ALIKE = 1.25  # ratio of two volumes of the same lungs, wholly seen, at about the same breath
SAME_SHARE = 0.2  # difference of the right lung's part of both


class LayingError(ValueError):
    """Two scans cannot be laid on each other; the message says why."""


@dataclass(frozen=True)
class Laying:
    """How places of the earlier scan come to the later one.

    Attributes:
        offset_mm: ``(3,)`` to be added to them, LPS.
        limit_mm: what is further off is another nodule.
        note: what a reader should know of it; empty if nothing.
    """

    offset_mm: NDArray[np.float64]
    limit_mm: float
    note: str = ""


def lay_scans(
    before: DetectionReport,
    after: DetectionReport,
    before_mm: NDArray[np.float64],
    after_mm: NDArray[np.float64],
) -> Laying:
    """Lay an earlier scan on a later one.

    Scans of one frame of reference share their coordinates, and where that is not known, those of one study. Others are
    laid on each other by the middle of the lungs where both show the same lungs, by the lungs' top where one ends lower
    or the breath differs, and then so that most nodules fall on each other, if several agree near by.

    Args:
        before: the earlier scan.
        after: the later one.
        before_mm: ``(M, 3)`` nodules of the earlier scan, LPS mm.
        after_mm: ``(N, 3)`` nodules of the later one.

    Raises:
        LayingError: no lungs, other parts of the lungs, or their top is cut off.
    """
    shared = _shared(before.series, after.series)
    if shared:
        return Laying(np.zeros(3), LIMIT_MM, f"both scans are of one {shared}: places are compared as they are")
    guess_mm, note = _by_lungs(before.lungs, after.lungs)
    offset_mm, votes = constellation_offset(before_mm, after_mm, guess_mm)
    return Laying(offset_mm, AGREED_LIMIT_MM if votes else LIMIT_MM, note)


def _shared(before: SeriesInfo, after: SeriesInfo) -> str:
    """Tell what makes the coordinates of two scans the same; empty if nothing does."""
    if before.frame_uid and after.frame_uid:
        return "frame of reference" if before.frame_uid == after.frame_uid else ""
    return "study" if before.study_uid and before.study_uid == after.study_uid else ""


def _by_lungs(before: LungsFound | None, after: LungsFound | None) -> tuple[NDArray[np.float64], str]:
    if before is None or after is None or before.center_lps_mm is None or after.center_lps_mm is None:
        raise LayingError("no lungs are found")
    if abs(_right_share(before) - _right_share(after)) > SAME_SHARE:
        raise LayingError("the scans show other parts of the lungs: one lung is missing in one of them")
    differs = _difference(before, after)
    if not differs:
        return np.subtract(after.center_lps_mm, before.center_lps_mm), ""
    if before.top_lps_mm is None and _alike(before, after):
        return np.subtract(after.center_lps_mm, before.center_lps_mm), _look(differs)
    offset_mm = np.subtract(_top(after, "later", differs), _top(before, "earlier", differs))
    return offset_mm, _look(f"{differs}; laid on each other by the lungs' top")


def _top(lungs: LungsFound, which: str, differs: str) -> Point:
    if lungs.top_lps_mm is None:
        raise LayingError(f"{differs}; analyze the {which} scan again")
    if "top" in lungs.cut_at:
        raise LayingError(f"{differs}, and the top of the lungs is cut off in the {which} scan")
    return lungs.top_lps_mm


def _difference(before: LungsFound, after: LungsFound) -> str:
    """Tell why the middle of the lungs may be another place in them; empty if it is not."""
    if not _alike(before, after):
        return f"the lungs have {before.both.volume_ml:.0f} ml in the earlier scan and {after.both.volume_ml:.0f} now"
    for lungs, which in ((before, "earlier"), (after, "later")):
        if lungs.top_lps_mm is None:
            return f"the {which} scan does not tell whether its lungs are whole"
        if lungs.cut_at:
            return f"the {which} scan may not hold the whole lungs, which reach its {' and '.join(lungs.cut_at)}"
    return ""


def _look(why: str) -> str:
    return f"{why}; look at both scans before you believe a pair"


def _alike(before: LungsFound, after: LungsFound) -> bool:
    low, high = sorted((before.both.volume_ml, after.both.volume_ml))
    return high <= ALIKE * low


def _right_share(lungs: LungsFound) -> float:
    known = lungs.right.volume_ml + lungs.left.volume_ml
    return lungs.right.volume_ml / known if known else 0.5
