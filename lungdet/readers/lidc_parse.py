"""One LIDC-IDRI XML to marks.

The format is that of ``LidcReadMessage``, namespace ``http://www.nih.gov``
(https://www.cancerimagingarchive.net/collection/lidc-idri/): reading sessions, in each nodules with regions of outline
points, and non-nodules with one point.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

from lungdet.records.mark import RATING_RANGES, Contour, Mark, MarkKind, Rating, SeriesMarks

from .lidc_cost import excess_of, rectangle_px
from .lidc_limits import DEFAULT_LIDC_LIMITS, LidcLimits
from .lidc_xml import SEPARATOR, XmlFeed

_RAISE = "raise LidcLimits to read it"
_SHOWN = 40  # characters of what is wrong
NAMESPACE = "http://www.nih.gov"
_ROOT = NAMESPACE + SEPARATOR + "LidcReadMessage"
_RADIOGRAPH_ROOT = "http://www.nih.gov/idri" + SEPARATOR + "IdriReadMessage"
_UID = re.compile(r"[0-9.]{1,64}")
# Python's own numbers are wider: "1_0", digits of all scripts, "nan".
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")


def parse_lidc(stream: BinaryIO, name: str, limits: LidcLimits = DEFAULT_LIDC_LIMITS) -> SeriesMarks | None:
    """Read one XML.

    Args:
        stream: the file, binary.
        name: what to call it in errors, notes and ``sources``.
        limits: budgets for a hostile file.

    Returns:
        Its marks, or ``None`` for an ``IdriReadMessage``: that is about a chest radiograph, not a CT.

    Raises:
        AnnotationError: it is no LIDC XML, is damaged, hostile, or holds impossible values; names file and line.
    """
    document = _Document(name, limits)
    document.run(stream)
    if document.is_radiograph:
        return None
    if not document.series_uid:
        document.fail("has no SeriesInstanceUid, so nobody knows what was marked")
    return SeriesMarks(
        document.series_uid,
        document.study_uid,
        document.sessions,
        tuple(document.marks),
        (name,),
        tuple(document.notes),
    )


def peek_series_uid(stream: BinaryIO, name: str, limits: LidcLimits = DEFAULT_LIDC_LIMITS) -> str:
    """Read the head of one XML, as far as the series' UID.

    Returns:
        The UID; empty for an ``IdriReadMessage``.

    Raises:
        AnnotationError: see :func:`parse_lidc`.
    """
    document = _Document(name, limits, head_only=True)
    document.run(stream)
    return document.series_uid


class _Document(XmlFeed):
    """Where in the file we are, and what has been gathered."""

    def __init__(self, name: str, limits: LidcLimits, head_only: bool = False) -> None:
        super().__init__(name, limits)
        self.head_only, self.is_radiograph, self._seen_root = head_only, False, False
        self.series_uid = self.study_uid = self.reader = ""
        self.sessions = self.spanned_px = 0
        self.marks: list[Mark] = []
        self.notes: list[str] = []
        self._begin_mark()

    def on_start(self, name: str) -> None:
        if not self._seen_root:
            self._check_root(name)
        elif action := _STARTS.get(name):
            action(self)

    def on_end(self, name: str) -> None:
        if action := _ENDS.get(name):
            if not self.is_leaf and name in _TEXT_ENDS:
                self.fail(f"{name.rpartition(SEPARATOR)[2]} holds other elements, not just text")
            action(self)

    def _check_root(self, name: str) -> None:
        self._seen_root = True
        if name == _RADIOGRAPH_ROOT:
            self.is_radiograph = self.done = True
        elif name != _ROOT:
            namespace, _, local = name.rpartition(SEPARATOR)
            self.fail(
                f"begins with {local!r} of namespace {namespace!r}, not with 'LidcReadMessage' of {NAMESPACE!r}; "
                "is this an LIDC file?"
            )

    def take_series_uid(self) -> None:
        if self.series_uid:
            self.fail("has a second SeriesInstanceUid")
        self.series_uid = self._uid("SeriesInstanceUid")
        self.done = self.head_only

    def take_study_uid(self) -> None:
        self.study_uid = self._uid("StudyInstanceUID") if self.text.strip() else ""

    def _uid(self, what: str) -> str:
        uid = self.text.strip()
        if not _UID.fullmatch(uid):
            self.fail(f"{what} {uid[:80]!r} is no UID (digits and points, at most 64)")
        return uid

    def begin_session(self) -> None:
        if not self.series_uid:
            self.fail("a readingSession comes before any SeriesInstanceUid, so nobody knows what was marked")
        self.sessions, self.reader = self.sessions + 1, ""

    def take_reader(self) -> None:
        self.reader = self.text.strip()

    def _begin_mark(self) -> None:
        self.nodule_id = ""
        self.contours: list[Contour] = []
        self.ratings: list[Rating] = []
        self._begin_region()

    def _begin_region(self) -> None:
        self.sop_uid, self.inclusion = "", True
        self.z_mm: float | None = None
        self.points: list[tuple[int, int]] = []
        self.column = self.row = -1

    def take_nodule_id(self) -> None:
        self.nodule_id = self.text.strip()

    def take_z(self) -> None:
        text = self.text.strip()
        if not _NUMBER.fullmatch(text):
            self.fail(f"imageZposition {text[:80]!r} is no number")
        self.z_mm = float(text)

    def take_sop_uid(self) -> None:
        self.sop_uid = self._uid("imageSOP_UID") if self.text.strip() else ""

    def take_inclusion(self) -> None:
        word = self.text.strip().upper()
        if word not in ("TRUE", "FALSE"):
            self.fail(f"inclusion must be TRUE or FALSE, got {self.text[:80]!r}")
        self.inclusion = word == "TRUE"

    def take_column(self) -> None:
        self.column = self._pixel("xCoord")

    def take_row(self) -> None:
        self.row = self._pixel("yCoord")

    def _pixel(self, what: str) -> int:
        text = self.text
        if not (len(text) < 10 and text.isascii() and text.isdigit()):  # the fast way for nearly all
            text = text.strip()
            if not _WHOLE.fullmatch(text):
                self.fail(f"{what} {_short(text)} is no whole pixel")
        value = int(text)
        if value < 0:
            self.fail(f"{what} {value} lies outside the image")
        return value

    def take_point(self) -> None:
        if self.column < 0 or self.row < 0:
            self.fail("a point needs one xCoord and one yCoord")
        self.points.append((self.column, self.row))
        self.column = self.row = -1

    def take_region(self) -> None:
        if not self.points:
            self.notes.append(f"{self.place()}: region of {self.nodule_id!r} without points left out")
        else:
            if len(self.points) > self.limits.max_points:
                self.fail(f"an outline of {self.nodule_id!r} has more than {self.limits.max_points} points; {_RAISE}")
            if self.z_mm is None:
                self.fail(f"a region of {self.nodule_id!r} has no imageZposition")
            try:
                contour = Contour(self.sop_uid, self.z_mm, np.array(self.points), self.inclusion)
            except ValueError as error:
                self.fail(f"region of {self.nodule_id!r}: {error}")
            self._charge(contour)
            self.contours.append(contour)
        self._begin_region()

    def _charge(self, contour: Contour) -> None:
        """Refuse outlines that would take minutes to fill."""
        area = rectangle_px(contour.points)
        if excess := excess_of(contour.points, area, self.limits):
            self.fail(f"region of {self.nodule_id!r}: {excess}; {_RAISE}")
        self.spanned_px += area
        if self.spanned_px > self.limits.max_series_px:
            self.fail(
                f"region of {self.nodule_id!r}: the outlines up to here span {self.spanned_px} pixels together, more "
                f"than max_series_px = {self.limits.max_series_px}; {_RAISE}"
            )

    def take_nodule(self) -> None:
        outlined = any(contour.inclusion and len(contour.points) > 1 for contour in self.contours)
        if outlined and not self.ratings:
            self.notes.append(f"{self.place()}: nodule {self.nodule_id!r} has outlines but no ratings")
        if self.ratings and not outlined:
            self.notes.append(f"{self.place()}: nodule {self.nodule_id!r} has ratings but no outline, taken as < 3 mm")
        points = sum(contour.inclusion and len(contour.points) == 1 for contour in self.contours)
        if outlined and points:
            self.notes.append(f"{self.place()}: nodule {self.nodule_id!r} has {points} regions of a single point")
        self._take_mark("nodule" if outlined else "small_nodule")

    def take_non_nodule(self) -> None:
        self.take_region()
        self._take_mark("non_nodule")

    def _take_mark(self, kind: MarkKind) -> None:
        if not any(contour.inclusion for contour in self.contours):
            self.notes.append(f"{self.place()}: {kind} {self.nodule_id!r} without a region left out")
        elif self.sessions == 0:
            self.fail(f"{kind} {self.nodule_id!r} lies outside any readingSession")
        else:
            who = (self.series_uid, self.study_uid, self.sessions - 1, self.reader)
            try:
                self.marks.append(Mark(*who, self.nodule_id, kind, tuple(self.contours), tuple(self.ratings) or None))
            except ValueError as error:
                self.fail(str(error))
        if len(self.marks) > self.limits.max_marks:
            self.fail(f"holds more than {self.limits.max_marks} marks; {_RAISE}")
        self._begin_mark()

    def take_rating(self, name: str) -> None:
        text = self.text.strip()
        if any(rating.name == name for rating in self.ratings):
            self.fail(f"{name} of {self.nodule_id!r} is given twice")
        try:
            if not _WHOLE.fullmatch(text):
                raise ValueError("no whole number")
            self.ratings.append(Rating(name, int(text)))
        except ValueError as error:
            self.notes.append(f"{self.place()}: {name} {text[:20]!r} of {self.nodule_id!r} left out ({error})")


def _short(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}... of {len(text)} characters"


def _rating(name: str) -> Callable[[_Document], None]:
    return lambda document: document.take_rating(name)


def _named(actions: dict[str, Callable[[_Document], None]]) -> dict[str, Callable[[_Document], None]]:
    return {NAMESPACE + SEPARATOR + name: action for name, action in actions.items()}


_STARTS = _named(
    {
        "readingSession": _Document.begin_session,
        "unblindedReadNodule": _Document._begin_mark,
        "nonNodule": _Document._begin_mark,
        "roi": _Document._begin_region,
    }
)
_TEXT_ENDS = _named(
    {
        "SeriesInstanceUid": _Document.take_series_uid,
        "StudyInstanceUID": _Document.take_study_uid,
        "servicingRadiologistID": _Document.take_reader,
        "noduleID": _Document.take_nodule_id,
        "nonNoduleID": _Document.take_nodule_id,
        "imageZposition": _Document.take_z,
        "imageSOP_UID": _Document.take_sop_uid,
        "inclusion": _Document.take_inclusion,
        "xCoord": _Document.take_column,
        "yCoord": _Document.take_row,
    }
    | {name: _rating(name) for name in RATING_RANGES}
)
_ENDS = _TEXT_ENDS | _named(
    {
        "edgeMap": _Document.take_point,
        "locus": _Document.take_point,
        "roi": _Document.take_region,
        "unblindedReadNodule": _Document.take_nodule,
        "nonNodule": _Document.take_non_nodule,
    }
)
