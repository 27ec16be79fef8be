"""Body parts that a radiograph router can name, and lists of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LATERALITIES = ("", "L", "R", "B", "U")
SEPARATORS = (";", " ")
_FORBIDDEN = set("/\\,;:*?\"'<>|\t")
_LONGEST_NAME = 64
# A class whose name says so tells left from right: anywhere in it, or as a word of its own.
_SIDES = ("left", "right", "links", "rechts", "gauche", "droit", "izquierd", "derech", "sinist", "dext")
_SIDE_WORDS = {"l", "r", "lt", "rt", "li", "re", "sin", "dx", "sx", "esq", "dir"}
# Where a word begins: kneeLeft, LKnee.
_WORD = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W\d_]+")

# The dihedral group of ten elements and the powers of its permutation, for the check digit of a SNOMED CT identifier.
_PRODUCT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_snomed_code(code: str) -> bool:
    """Tell whether ``code`` can be a SNOMED CT identifier: 6 to 18 digits, the last by Verhoeff's scheme.

    It finds every single wrong digit and every swap of two neighbours; it does not know which codes exist.

    Example:
        >>> is_snomed_code("818981001"), is_snomed_code("818981010"), is_snomed_code("ABDOMEN")
        (True, False, False)
    """
    if not (code.isascii() and code.isdigit() and 6 <= len(code) <= 18 and code[0] != "0"):
        return False
    check = 0
    for place, letter in enumerate(reversed(code)):
        digit = int(letter)
        for _ in range(place % 8):
            digit = _PERMUTATION[digit]
        check = _PRODUCT[check][digit]
    return check == 0


@dataclass(frozen=True)
class BodyPartClass:
    """One answer of a router.

    An empty text means: not known, or no code is at hand. Codes are SNOMED CT identifiers of CID 4031 (body parts) and
    CID 4010 (views) of DICOM PS3.16.

    Attributes:
        name: label as it is written in files; it may become the name of a folder, so it holds nothing that a path or a
            CSV would take for something else.
        body_part_examined: value of BodyPartExamined (0018,0015) that says the same.
        snomed_code: code of the body part.
        view: projection in words, such as ``AP``, ``lateral``, ``frontal`` (PA or AP).
        view_code: code of the projection.
        laterality: ``L``, ``R``, ``B`` (both), ``U`` (unpaired); empty where the class does not say.
        modality: ``CT``, ``MR`` ...; empty for radiographs.
        group: name of a coarser class.
    """

    name: str
    body_part_examined: str = ""
    snomed_code: str = ""
    view: str = ""
    view_code: str = ""
    laterality: str = ""
    modality: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        check_class_name(self.name)
        for kind, code in (("snomed_code", self.snomed_code), ("view_code", self.view_code)):
            if code and not is_snomed_code(code):
                raise ValueError(f"{self.name}: {kind} {code!r} is no SNOMED CT identifier (its check digit is wrong)")
        if self.laterality not in LATERALITIES:
            raise ValueError(f"{self.name}: laterality must be L, R, B, U or empty, got {self.laterality!r}")
        for term in (self.body_part_examined, self.modality):
            if term != term.strip().upper() or len(term) > 16 or not term.isprintable():
                raise ValueError(f"{self.name}: {term!r} is no DICOM code string; at most 16 capitals, as in CSPINE")


def check_class_name(name: str) -> None:
    """Refuse a name that could not stand in a CSV or be the name of a folder.

    Raises:
        ValueError: the name is empty, too long, or holds a sign that means something elsewhere.
    """
    bad = sorted(set(name) & _FORBIDDEN)
    if not name or len(name) > _LONGEST_NAME or bad or not name.isprintable():
        what = f"holds {' '.join(bad)}" if bad else f"must be 1 to {_LONGEST_NAME} printable letters"
        raise ValueError(f"class name {name[:80]!r} {what}; use letters, digits, '_' and '-'")
    if name != name.strip() or name.startswith((".", "-")) or name.endswith("."):
        raise ValueError(f"class name {name!r} must not begin with '.', '-' or a blank, nor end with '.' or a blank")


def names_a_side(name: str) -> bool:
    """Tell whether a class's name holds a word for left or right.

    In doubt it does: ``upright`` holds one, too.

    Example:
        >>> [names_a_side(name) for name in ("left_knee", "KneeR", "Hand re.", "shoulder", "cspine")]
        [True, True, True, False, False]
    """
    words = {word.casefold() for word in _WORD.split(name)}
    return bool(words & _SIDE_WORDS) or any(side in name.casefold() for side in _SIDES)


@dataclass(frozen=True)
class ClassList:
    """The answers of a router in the order of its network's outputs.

    Attributes:
        name: of the list, such as ``vindr5``.
        classes: output ``k`` of the network means ``classes[k]``.
        multi_label: whether a picture may have several of them, or none.
        source: where the list comes from.
        separator: what stands between several labels in a label file, ``;`` or a blank.
        groups: names of coarser classes in order of precedence; then every class names one of them.
    """

    name: str
    classes: tuple[BodyPartClass, ...]
    multi_label: bool = False
    source: str = ""
    separator: str = ";"
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_class_name(self.name)
        if len(self.classes) < 2:
            raise ValueError(f"{self.name}: a list needs at least two classes, got {len(self.classes)}")
        folded = [name.casefold() for name in self.names]
        twice = sorted({name for name in self.names if folded.count(name.casefold()) > 1})
        if twice:
            raise ValueError(f"{self.name}: class {', '.join(twice)} is there twice; capitals make no difference")
        if self.separator not in SEPARATORS:
            raise ValueError(f"{self.name}: separator must be ';' or a blank, got {self.separator!r}")
        if self.multi_label and self.separator == " " and any(" " in name for name in self.names):
            raise ValueError(f"{self.name}: names hold blanks, so labels must be separated by ';'")
        self._check_groups()

    def _check_groups(self) -> None:
        if len(set(self.groups)) != len(self.groups):
            raise ValueError(f"{self.name}: a group is there twice: {', '.join(self.groups)}")
        for entry in self.classes:
            if (entry.group or self.groups) and entry.group not in self.groups:
                known = ", ".join(self.groups) or "none"
                raise ValueError(f"{self.name}: class {entry.name} has group {entry.group!r}; there are: {known}")

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes in order."""
        return tuple(entry.name for entry in self.classes)

    def index(self, name: str) -> int:
        """Return the output that means ``name``.

        Raises:
            ValueError: there is no such class.
        """
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names)
            raise ValueError(f"{self.name}: no class {name!r}; there are {known}") from None

    def split(self, text: str) -> tuple[int, ...]:
        """Read a label as it stands in a file.

        Returns:
            Outputs in rising order: one of them, or with ``multi_label`` any number.

        Raises:
            ValueError: a class is unknown or repeated, or there is not exactly one where one is wanted.
        """
        parts = [text.strip()]
        if self.multi_label:
            parts = text.split() if self.separator == " " else [part.strip() for part in text.split(";")]
        found = [self.index(part) for part in parts if part]
        if len(set(found)) != len(found):
            raise ValueError(f"{self.name}: {text!r} names a class twice")
        if not self.multi_label and len(found) != 1:
            raise ValueError(f"{self.name}: wanted one class, got {text!r}")
        return tuple(sorted(found))

    def join(self, outputs: Sequence[int]) -> str:
        """Write labels as :meth:`split` reads them."""
        return self.separator.join(self.names[output] for output in sorted(outputs))

    @property
    def laterality_is_label(self) -> bool:
        """Whether a class tells left from right, so that a mirror image would be another class."""
        return any(entry.laterality in ("L", "R") or names_a_side(entry.name) for entry in self.classes)

    @property
    def group_of(self) -> tuple[int, ...]:
        """Index into ``groups`` for every class; empty where the list has no groups."""
        return tuple(self.groups.index(entry.group) for entry in self.classes) if self.groups else ()

    def group(self, outputs: Sequence[int]) -> int:
        """Return the group of a picture with these labels: of several groups the first in ``groups`` wins.

        Raises:
            ValueError: the list has no groups, or the picture has no label.
        """
        if not self.groups or len(outputs) == 0:
            raise ValueError(f"{self.name}: no group for labels {list(outputs)} among {len(self.groups)} groups")
        return min(self.group_of[output] for output in outputs)

    def missing_codes(self) -> tuple[str, ...]:
        """Name the classes that have no SNOMED CT code for their body part."""
        return tuple(entry.name for entry in self.classes if not entry.snomed_code)
