"""Whether a scan can be an earlier one of the same patient."""

from __future__ import annotations

from lungdet.counted import counted
from lungdet.readers.patient_print import UNSURE
from lungdet.records import SeriesInfo

ANYWAY = "name an earlier scan of this patient, or pass prior_anyway=True (--prior-anyway) to compare them all the same"
KEYED = "LUNGDET_PATIENT_KEY, set to the same secret at both runs, would tell by their PatientIDs"
THOUGH = "compared, though"  # begins what warns of a comparison that was forced


def prior_doubts(before: SeriesInfo, after: SeriesInfo) -> list[str]:
    """Tell why ``before`` is no earlier scan of the patient of ``after``, as far as both say.

    Example:
        >>> prior_doubts(SeriesInfo("a", patient="31"), SeriesInfo("b", patient="32"))
        ['is of another patient, by their PatientIDs, or told with another LUNGDET_PATIENT_KEY']
        >>> prior_doubts(SeriesInfo("a", patient="31", day=9), SeriesInfo("b", patient="31", day=5))
        ['was made 4 days after this one']
    """
    doubts = []
    nobody = ("", UNSURE)
    if before.patient not in nobody and after.patient not in nobody and before.patient != after.patient:
        doubts.append("is of another patient, by their PatientIDs, or told with another LUNGDET_PATIENT_KEY")
    if before.study_uid and before.study_uid == after.study_uid:
        doubts.append("is of this very study, in which no days pass")
    passed = days_between(before, after)
    if passed is not None and passed < 0:
        doubts.append(f"was made {counted(-passed, 'day')} after this one")
    return doubts


def prior_notes(before: SeriesInfo, after: SeriesInfo, days: float) -> list[str]:
    """Tell what a reader of the comparison should know of both scans.

    Args:
        before: the earlier scan.
        after: the later one.
        days: that have passed, as the user says.

    Example:
        >>> prior_notes(SeriesInfo("a", patient="31", day=5), SeriesInfo("b", patient="31", day=97), 90.0)
        ['by their dates 92 days lie between the scans, and growth is told for 90']
    """
    unknown = _unknown(before, after)
    if unknown:
        return [f"not known whether both scans are of one patient: {unknown}"]
    passed = days_between(before, after)
    if passed is None or abs(passed - days) <= 1:
        return []
    told = f"by their dates {counted(passed, 'day')} lie{'s' * (passed == 1)} between the scans"
    return [f"{told}, and growth is told for {days:g}"]


def _unknown(before: SeriesInfo, after: SeriesInfo) -> str:
    """Why nobody knows whether both scans are of one patient; "" where that is known."""
    scans = (("earlier", before), ("later", after))
    keyless = " and the ".join(which for which, scan in scans if not scan.patient)
    nobody = " and the ".join(which for which, scan in scans if scan.patient == UNSURE)
    reasons = []
    if nobody:
        reasons.append(f"the PatientID of the {nobody} scan is missing or a placeholder")
    if keyless:
        remedy = "" if nobody else f"; {KEYED}"
        reasons.append(f"no key was set, or an older version ran, at the analysis of the {keyless} scan{remedy}")
    if not reasons and before.patient.startswith(UNSURE) and before.patient == after.patient:
        reasons.append("their PatientID is the same, but has no number and may stand for many")
    return " and ".join(reasons)


def days_between(before: SeriesInfo, after: SeriesInfo) -> int | None:
    """Days from one scan to another of the same patient; None where they do not tell."""
    if before.day is None or after.day is None or not before.patient or before.patient != after.patient:
        return None
    return after.day - before.day
