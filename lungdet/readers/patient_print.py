"""Tell whether two scans are of one patient, and how many days lie between them, but not of whom, nor when."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache

ROUNDS = 100_000  # whoever wants to guess numbers of patients shall take long for each
SALT = b"lungdet: print of a patient"
DAYS = 36_525  # a century
DIGITS = 16


def patient_print(patient_id: str) -> str:
    """Turn a PatientID into digits that are the same for the same patient; "" where it names nobody.

    An ID without any digit but 0, such as ``ANONYMOUS``, stands for many.

    Example:
        >>> [patient_print(name) == patient_print("MRN 1207") for name in ("MRN 1207", "MRN 1208")]
        [True, False]
        >>> patient_print("ANON-000")
        ''
    """
    return _digest(patient_id.strip()).hex()[:DIGITS] if _names_one(patient_id) else ""


def patient_day(patient_id: str, date: str) -> int | None:
    """Count a date in days from one that is the patient's own, and secret; None where either is not known.

    Example:
        >>> patient_day("MRN 1207", "20240301") - patient_day("MRN 1207", "20240201")
        29
    """
    try:
        day = datetime.strptime(date[:8], "%Y%m%d").toordinal()
    except ValueError:
        return None
    return day + int.from_bytes(_digest(patient_id.strip())[-4:], "big") % DAYS if _names_one(patient_id) else None


def _names_one(patient_id: str) -> bool:
    return any(letter.isdigit() and letter != "0" for letter in patient_id)


@lru_cache(maxsize=64)
def _digest(patient_id: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", patient_id.encode(errors="surrogateescape"), SALT, ROUNDS)
