"""Whether the body part that a header names can be the one that the picture shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Agreement = Literal["agree", "disagree", "unknown"]

# Terms of DICOM's BodyPartExamined (PS3.16, annex L) that are short for several parts.
_SEVERAL = {
    "CTSPINE": "CSPINE TSPINE",
    "TLSPINE": "TSPINE LSPINE",
    "LSSPINE": "LSPINE SSPINE",
    "ABDOMENPELVIS": "ABDOMEN PELVIS",
    "CHESTABDOMEN": "CHEST ABDOMEN",
    "CHESTABDPELVIS": "CHEST ABDOMEN PELVIS",
}
# What is inside what. A header that names the whole does not contradict a picture of the part, nor the other way round.
_PARTS = {
    "SPINE": "CSPINE TSPINE LSPINE SSPINE COCCYX",
    "CHEST": "RIB STERNUM LUNG HEART",
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
    "THORAX": "CHEST", "BREAST": "BREAST", "MAMMA": "BREAST", "CHESTLUNG": "CHEST",
    "CERVICALSPINE": "CSPINE", "THORACICSPINE": "TSPINE", "DORSALSPINE": "TSPINE", "LUMBARSPINE": "LSPINE",
    "SACRUM": "SSPINE", "SACRALSPINE": "SSPINE", "LUMBOSACRALSPINE": "LSSPINE", "WHOLESPINE": "SPINE",
    "CERVICAL": "CSPINE", "LUMBAR": "LSPINE", "LUMBOSACRAL": "LSSPINE", "THORACOLUMBARSPINE": "TLSPINE",
    "DORSOLUMBARSPINE": "TLSPINE", "CERVICOTHORACICSPINE": "CTSPINE", "VERTEBRALCOLUMN": "SPINE",
    "CHESTTOABDOMEN": "CHESTABDOMEN", "CHESTABDOMENPELVIS": "CHESTABDPELVIS", "ABDOMENANDPELVIS": "ABDOMENPELVIS",
    "ABDPELVIS": "ABDOMENPELVIS", "ABDOMENKUB": "ABDOMEN", "KUB": "ABDOMEN", "HIPJOINT": "HIP",
    "ARM": "UPPEREXTREMITY", "UPPERARM": "HUMERUS", "UPPERLIMB": "UPPEREXTREMITY", "RADIUSANDULNA": "FOREARM",
    "RADIUS": "FOREARM", "ULNA": "FOREARM", "FEET": "FOOT",
    "LEG": "LOWEREXTREMITY", "LOWERLIMB": "LOWEREXTREMITY", "THIGH": "FEMUR", "UPPERLEG": "FEMUR",
    "TIBIA": "LOWERLEG", "FIBULA": "LOWERLEG", "TIBIAANDFIBULA": "LOWERLEG", "CALF": "LOWERLEG", "HEEL": "CALCANEUS",
    "KNEECAP": "PATELLA", "CRANIUM": "SKULL", "PNS": "SINUS", "PARANASALSINUS": "SINUS",
    "TEMPOROMANDIBULARJOINT": "TMJ", "PANORAMIC": "JAW", "DENTAL": "TEETH",
}  # fmt: skip
# Words that say how a picture was taken, or of which side, but not of what.
_HOW = frozenset(
    [
        "AP",
        "PA",
        "LAT",
        "LATERAL",
        "OBL",
        "OBLIQUE",
        "AXIAL",
        "FRONTAL",
        "VIEW",
        "VIEWS",
        "PORTABLE",
        "PORT",
        "MOBILE",
        "SUPINE",
        "PRONE",
        "ERECT",
        "UPRIGHT",
        "STANDING",
        "XRAY",
        "XR",
        "DX",
        "CR",
        "RADIOGRAPH",
        "JOINT",
        "AND",
    ]
)
_SIDES = frozenset(["L", "R", "LT", "RT", "LEFT", "RIGHT", "BILATERAL", "BILAT", "BOTH"])


def header_agreement(header: str, answers: Iterable[str]) -> Agreement:
    r"""Compare a header's BodyPartExamined with those of the classes that were answered.

    Args:
        header: as it is written; case, blanks, signs, sides, views and a plural do not matter. Several values, as in
            ``KNEE\HAND``, are all named.
        answers: BodyPartExamined of each answered class; an empty one says that the class has none.

    Returns:
        ``"agree"`` if the header names one of them, a part of it or what it is a part of, alone or among others;
        ``"disagree"`` if all that it names is elsewhere; ``"unknown"`` if the header says nothing, something that is
        not in the tables, or no class has a code.

    Example:
        >>> header_agreement("C-Spine", ["SPINE"]), header_agreement("KNEE", ["CHEST"]), header_agreement("", ["CHEST"])
        ('agree', 'disagree', 'unknown')
    """
    said, all_known = _named(header)
    shown = {part for answer in answers for part in _named(answer)[0]}
    if not said or not shown:
        return "unknown"
    if any(_related(one, other) for one in said for other in shown):
        return "agree"
    return "disagree" if all_known else "unknown"


def body_part(text: str) -> str:
    """Bring one term of BodyPartExamined to one spelling; empty if the tables do not know it.

    Example:
        >>> body_part(" lumbar spine "), body_part("L_SPINE"), body_part("Thorax"), body_part("UNKNOWN")
        ('LSPINE', 'LSPINE', 'CHEST', '')
        >>> body_part("Knees"), body_part("L KNEE"), body_part("CHEST PA"), body_part("L SPINE LAT")
        ('KNEE', 'KNEE', 'CHEST', 'LSPINE')
    """
    words = re.findall("[A-Z]+", text.upper())
    what = [word for word in words if word not in _HOW]
    for kept in (words, what, [word for word in what if word not in _SIDES]):  # "L SPINE" is no left spine
        if term := _term("".join(kept)):
            return term
    return ""


def _term(plain: str) -> str:
    plain = re.sub(r"^(LEFT|RIGHT|BILATERAL)(?=.)", "", plain)
    for spelling in (plain, plain.removesuffix("S") if len(plain) > 3 else plain):
        term = _SYNONYMS.get(spelling, spelling)
        if term in _INSIDE:
            return term
    return ""


def _named(text: str) -> tuple[frozenset[str], bool]:
    r"""Return all parts that a header names, and whether the tables know all that it says.

    Example:
        >>> sorted(_named("CHESTABDOMEN")[0]), sorted(_named("Hand and wrist")[0]), _named(r"KNEE\OTHER")[1]
        (['ABDOMEN', 'CHEST'], ['HAND', 'WRIST'], False)
    """
    if term := body_part(text):
        return frozenset(_SEVERAL.get(term, term).split()), True
    values = [value for value in re.split(r"[\\/,;&+]", text) if value.strip()]
    if len(values) > 1:
        found = [_named(value) for value in values]
        return frozenset().union(*(parts for parts, _ in found)), all(known for _, known in found)
    words = [word for word in re.findall("[A-Z]+", text.upper()) if word not in _HOW | _SIDES]
    terms = [body_part(word) for word in words]
    if len(words) < 2 or not all(terms):
        return frozenset(), False
    return frozenset(part for term in terms for part in _SEVERAL.get(term, term).split()), True


def _related(one: str, other: str) -> bool:
    return one == other or one in _INSIDE[other] or other in _INSIDE[one]


def _everything_inside() -> dict[str, frozenset[str]]:
    """Return for each term all that it holds, at any depth."""
    inside: dict[str, frozenset[str]] = {}

    def walk(term: str) -> frozenset[str]:
        if term not in inside:
            children = (_PARTS.get(term) or _SEVERAL.get(term, "")).split()
            inside[term] = frozenset(children).union(*map(walk, children))
        return inside[term]

    for term in [*_PARTS, *_SEVERAL, *_SYNONYMS.values()]:
        walk(term)
    return inside


_INSIDE = _everything_inside()
