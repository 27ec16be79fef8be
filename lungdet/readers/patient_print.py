"""Tell whether two scans are of one patient, and how many days lie between them, but not of whom, nor when.

Whoever can compute such a print can try all numbers of patients, so it is keyed with a secret of the user's own;
without one there is none.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from datetime import datetime

KEY_NAME = "LUNGDET_PATIENT_KEY"
LEAST_KEY = 16  # characters: shorter ones can be guessed
DAYS = 36_525  # a century
DIGITS = 16
UNSURE = "?"  # alone: the ID names nobody; before digits: it may stand for many
LEAST_REPEATED = 3  # 999 is a placeholder rather than a number; 7 and 11 are numbers
PLACEHOLDERS = {
    "anon", "anonym", "anonymized", "anonymised", "anonymous", "blank", "confidential", "deid", "deidentified",
    "default", "dummy", "empty", "hidden", "id", "masked", "mrn", "na", "name", "nil", "no", "noid", "noname",
    "none", "notavailable", "null", "patient", "patientid", "private", "pseudonym", "redacted", "removed",
    "subject", "test", "testpatient", "undefined", "unk", "unknown", "unnamed",
}  # fmt: skip


def patient_print(patient_id: str, issuer: str, key: str) -> str:
    """Turn a PatientID into digits that are the same for the same patient; "" without a key.

    Archives and anonymizers write placeholders. One that is known as such (``ANONYMOUS``, ``000000``, ``XXXX``, an
    empty ID) gives ``?``: it names nobody. Any other without a number (``OTHER``, ``SMITHJ``, and ``99999``) may be a
    name or a placeholder, and gives a print that begins with ``?``: two that differ are of two patients, two that are
    alike need not be of one.

    Args:
        patient_id: PatientID.
        issuer: IssuerOfPatientID; two archives number their patients alike.
        key: secret of the user's own, see :func:`patient_key`.

    Example:
        >>> key = "one of my own, 16 or more"
        >>> [patient_print(name, "", key) == patient_print("MRN 1207", "", key) for name in ("MRN 1207", "MRN 1208")]
        [True, False]
        >>> patient_print("ANON-000", "", key), patient_print("OTHER", "", key)[0], patient_print("MRN 1207", "", "")
        ('?', '?', '')
    """
    if not key:
        return ""
    digits = _digest("print", patient_id, issuer, key).hex()[:DIGITS]
    return digits if _names_one(patient_id) else UNSURE if _names_nobody(patient_id) else UNSURE + digits


def patient_day(patient_id: str, issuer: str, dates: Iterable[str], key: str) -> int | None:
    """Count a date in days from one of the patient's own, which only the key tells; None where many share an ID.

    Args:
        patient_id: PatientID.
        issuer: IssuerOfPatientID.
        dates: of the scan, as DICOM writes them; the first that is one counts, and None is told if none is.
        key: secret of the user's own.

    Example:
        >>> key = "one of my own, 16 or more"
        >>> patient_day("7", "", ["", "20240301"], key) - patient_day("7", "", ["20240201"], key)
        29
    """
    day = next((day for day in map(_ordinal, dates) if day is not None), None)
    if day is None or not key or not _names_one(patient_id):
        return None
    return day + int.from_bytes(_digest("day", patient_id, issuer, key)[:8], "big") % DAYS


def patient_key() -> str:
    """Take the secret from the environment variable ``LUNGDET_PATIENT_KEY``; "" where there is none.

    Raises:
        ValueError: it is shorter than 16 characters.
    """
    key = os.environ.get(KEY_NAME, "")
    if 0 < len(key) < LEAST_KEY:
        raise ValueError(
            f"{KEY_NAME}: wanted a secret of at least {LEAST_KEY} characters, got {len(key)}; set a longer one, or "
            "unset it to tell nothing of patients"
        )
    return key


def _names_one(patient_id: str) -> bool:
    said = "".join(filter(str.isalnum, patient_id))
    repeated = len(said) >= LEAST_REPEATED and len(set(said)) == 1
    return not repeated and _numbered(said)


def _names_nobody(patient_id: str) -> bool:
    letters = "".join(filter(str.isalpha, patient_id.casefold()))  # "anon" of "ANON-000"
    return not _numbered(patient_id) and (letters in PLACEHOLDERS or len(set(letters)) < 2)


def _numbered(text: str) -> bool:
    return any(letter.isdigit() and letter != "0" for letter in text)


def _ordinal(date: str) -> int | None:
    try:
        return datetime.strptime(date[:8], "%Y%m%d").toordinal()
    except ValueError:
        return None


def _digest(purpose: str, patient_id: str, issuer: str, key: str) -> bytes:
    said = "\n".join((purpose, issuer.strip(), patient_id.strip()))
    return hmac.digest(key.encode(errors="backslashreplace"), said.encode(errors="backslashreplace"), "sha256")
