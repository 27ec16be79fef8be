"""Whether the body part that a header names can be the one that the picture shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Agreement = Literal["agree", "disagree", "unknown"]

# What is inside what, by the terms of DICOM's BodyPartExamined (PS3.16, annex L). A header that names the whole does
# not contradict a picture of the part, nor the other way round.
_PARTS = {
    "SPINE": "CSPINE TSPINE LSPINE SSPINE COCCYX",
    "CTSPINE": "CSPINE TSPINE",
    "TLSPINE": "TSPINE LSPINE",
    "LSSPINE": "LSPINE SSPINE",
    "CHEST": "RIB STERNUM LUNG HEART",
    "ABDOMENPELVIS": "ABDOMEN PELVIS",
    "CHESTABDOMEN": "CHEST ABDOMEN",
    "CHESTABDPELVIS": "CHEST ABDOMEN PELVIS",
    "PELVIS": "HIP SSPINE COCCYX SIJOINT",
    "HEAD": "SKULL JAW FACE ORBIT NOSE MAXILLA MANDIBLE TMJ ZYGOMA SINUS BRAIN TEETH",
    "SKULL": "JAW FACE ORBIT NOSE MAXILLA MANDIBLE TMJ ZYGOMA SINUS",
    "JAW": "MAXILLA MANDIBLE TMJ TEETH",
    "NECK": "CSPINE",
    "UPPEREXTREMITY": "SHOULDER CLAVICLE SCAPULA HUMERUS ELBOW FOREARM WRIST HAND",
    "SHOULDER": "CLAVICLE SCAPULA ACJOINT",
    "HAND": "FINGER THUMB",
    "FINGER": "THUMB",
    "LOWEREXTREMITY": "HIP FEMUR KNEE LOWERLEG ANKLE FOOT",
    "KNEE": "PATELLA",
    "FOOT": "TOE CALCANEUS",
    "EXTREMITY": "UPPEREXTREMITY LOWEREXTREMITY",
}
_SYNONYMS = {
    "THORAX": "CHEST", "BREAST": "BREAST", "MAMMA": "BREAST", "CHESTLUNG": "CHEST", "RIBS": "RIB",
    "CERVICALSPINE": "CSPINE", "THORACICSPINE": "TSPINE", "DORSALSPINE": "TSPINE", "LUMBARSPINE": "LSPINE",
    "SACRUM": "SSPINE", "SACRALSPINE": "SSPINE", "LUMBOSACRALSPINE": "LSSPINE", "WHOLESPINE": "SPINE",
    "CHESTTOABDOMEN": "CHESTABDOMEN", "CHESTABDOMENPELVIS": "CHESTABDPELVIS", "ABDOMENANDPELVIS": "ABDOMENPELVIS",
    "ABDPELVIS": "ABDOMENPELVIS", "ABDOMENKUB": "ABDOMEN", "KUB": "ABDOMEN", "HIPJOINT": "HIP",
    "ARM": "UPPEREXTREMITY", "UPPERARM": "HUMERUS", "UPPERLIMB": "UPPEREXTREMITY", "RADIUSANDULNA": "FOREARM",
    "RADIUS": "FOREARM", "ULNA": "FOREARM", "FINGERS": "FINGER",
    "LEG": "LOWEREXTREMITY", "LOWERLIMB": "LOWEREXTREMITY", "THIGH": "FEMUR", "UPPERLEG": "FEMUR",
    "TIBIA": "LOWERLEG", "FIBULA": "LOWERLEG", "TIBIAANDFIBULA": "LOWERLEG", "CALF": "LOWERLEG", "HEEL": "CALCANEUS",
    "TOES": "TOE", "KNEECAP": "PATELLA", "CRANIUM": "SKULL", "PNS": "SINUS", "PARANASALSINUS": "SINUS",
    "TEMPOROMANDIBULARJOINT": "TMJ", "PANORAMIC": "JAW", "DENTAL": "TEETH",
}  # fmt: skip


def header_agreement(header: str, answers: Iterable[str]) -> Agreement:
    """Compare a header's BodyPartExamined with those of the classes that were answered.

    Args:
        header: as it is written; case, blanks and signs do not matter.
        answers: BodyPartExamined of each answered class; an empty one says that the class has none.

    Returns:
        ``"agree"`` if the header names one of them, a part of it or what it is a part of; ``"disagree"`` if it names
        another part; ``"unknown"`` if the header says nothing, something that is not in the tables, or no class has a
        code.

    Example:
        >>> header_agreement("C-Spine", ["SPINE"]), header_agreement("KNEE", ["CHEST"]), header_agreement("", ["CHEST"])
        ('agree', 'disagree', 'unknown')
    """
    said = body_part(header)
    shown = [part for part in map(body_part, answers) if part]
    if not said or not shown:
        return "unknown"
    return "agree" if any(_related(said, part) for part in shown) else "disagree"


def body_part(text: str) -> str:
    """Bring a BodyPartExamined to one spelling; empty if the tables do not know it.

    Example:
        >>> body_part(" lumbar spine "), body_part("L_SPINE"), body_part("Thorax"), body_part("UNKNOWN")
        ('LSPINE', 'LSPINE', 'CHEST', '')
    """
    plain = re.sub(r"[^A-Z]", "", text.upper())
    plain = re.sub(r"^(LEFT|RIGHT|BILATERAL)(?=.)", "", plain)
    term = _SYNONYMS.get(plain, plain)
    return term if term in _INSIDE else ""


def _related(one: str, other: str) -> bool:
    return one == other or one in _INSIDE[other] or other in _INSIDE[one]


def _everything_inside() -> dict[str, frozenset[str]]:
    """Return for each term all that it holds, at any depth."""
    inside: dict[str, frozenset[str]] = {}

    def walk(term: str) -> frozenset[str]:
        if term not in inside:
            children = _PARTS.get(term, "").split()
            inside[term] = frozenset(children).union(*map(walk, children))
        return inside[term]

    for term in [*_PARTS, *_SYNONYMS.values()]:
        walk(term)
    return inside


_INSIDE = _everything_inside()
