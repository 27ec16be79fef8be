"""Write marks as LIDC-IDRI does, for examples and tests without patient data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent  # writes only

from lungdet.records import Contour, Mark, SeriesMarks

_NAMESPACE = "http://www.nih.gov"


def write_lidc_xml(series: SeriesMarks, path: str | os.PathLike[str]) -> Path:
    """Write the marks of a series as one ``LidcReadMessage``.

    :func:`lungdet.readers.read_lidc` reads back the same marks.

    Args:
        series: marks of all readers.
        path: file to write; its folder must exist.

    Returns:
        The file.
    """
    root = Element("LidcReadMessage", {"xmlns": _NAMESPACE})
    header = SubElement(root, "ResponseHeader")
    _add(header, "SeriesInstanceUid", series.series_uid)
    _add(header, "StudyInstanceUID", series.study_uid)
    for session in range(series.sessions):
        marks = [mark for mark in series.marks if mark.session == session]
        element = SubElement(root, "readingSession")
        _add(element, "servicingRadiologistID", marks[0].reader if marks else "anonymous")
        element.extend(_mark(mark) for mark in marks)
    indent(root)
    ElementTree(root).write(path, encoding="UTF-8", xml_declaration=True)
    return Path(path)


def _mark(mark: Mark) -> Element:
    if mark.kind == "non_nodule":
        element = Element("nonNodule")
        _add(element, "nonNoduleID", mark.nodule_id)
        element.extend(_place(mark.contours[0]))
        element.append(_point("locus", *mark.contours[0].points[0].tolist()))
        return element
    element = Element("unblindedReadNodule")
    _add(element, "noduleID", mark.nodule_id)
    if mark.ratings is not None:
        characteristics = SubElement(element, "characteristics")
        for rating in mark.ratings:
            _add(characteristics, rating.name, str(rating.value))
    for contour in mark.contours:
        region = SubElement(element, "roi")
        region.extend(_place(contour))
        _add(region, "inclusion", "TRUE" if contour.inclusion else "FALSE")
        region.extend(_point("edgeMap", *point.tolist()) for point in contour.points)
    return element


def _place(contour: Contour) -> Iterator[Element]:
    for name, text in (("imageZposition", repr(float(contour.z_mm))), ("imageSOP_UID", contour.sop_uid)):
        element = Element(name)
        element.text = text
        yield element


def _point(name: str, column: int, row: int) -> Element:
    element = Element(name)
    _add(element, "xCoord", str(column))
    _add(element, "yCoord", str(row))
    return element


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
