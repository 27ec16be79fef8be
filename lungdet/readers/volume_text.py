"""The text headers of MetaImage and NRRD, read for what ITK takes silently.

ITK puts a volume without spacing, origin or axes at voxels of 1 mm, takes a frame it does not know for LPS, drops the
sign of a spacing, and ignores units and a scale to intensities. None of this may become a place in a patient.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from .errors import SeriesError

MAX_HEADER_BYTES = 1 << 20
MILLIMETRES = frozenset({"mm", "millimeter", "millimeters", "millimetre", "millimetres", "", "?"})
META_NEEDED = {
    "ElementSpacing": ("ElementSpacing",),
    "Offset": ("Offset", "Position", "Origin"),
    "TransformMatrix": ("TransformMatrix", "Rotation", "Orientation"),
}
META_NEUTRAL = {"ElementToIntensityFunctionSlope": 1.0, "ElementToIntensityFunctionOffset": 0.0}
META_LINE = re.compile(r"\s*(\w+)\s*[=:]\s*(.*?)\s*$")
NRRD_FRAMES = frozenset(
    {"left-posterior-superior", "lps", "right-anterior-superior", "ras", "left-anterior-superior", "las"}
)
NRRD_VECTOR = re.compile(r"\(([^)]*)\)|none")


def check_metaimage(path: Path) -> dict[str, str]:
    """Refuse a MetaImage header that does not say where its voxels are.

    Returns:
        The fields of the header by name.

    Raises:
        SeriesError: spacing, offset or axes are missing, a spacing is not positive, lengths are not in mm, or the
            values carry a scale, which ITK ignores.
    """
    fields: dict[str, str] = {}
    for line in _header_text(path).splitlines():
        match = META_LINE.match(line)
        if match is None:
            continue
        _add(fields, path, match.group(1), match.group(2))
        if match.group(1) == "ElementDataFile":
            break
    for name, aliases in META_NEEDED.items():
        if not any(alias in fields for alias in aliases):
            raise _no_place(path, f"its header has no {name}", f"write it again, or add the line {name} = ...")
    spacing = _numbers(fields["ElementSpacing"])
    if not spacing or not all(np.isfinite(spacing)) or min(spacing) <= 0:
        raise _no_place(path, f"ElementSpacing is {fields['ElementSpacing']!r}", "all must be positive: write it again")
    if fields.get("DistanceUnits", "mm").lower() not in MILLIMETRES:
        raise SeriesError(f"{path}: its lengths are in {fields['DistanceUnits']}; convert it to mm")
    for name, neutral in META_NEUTRAL.items():
        if name in fields and _numbers(fields[name]) != [neutral]:
            raise SeriesError(f"{path}: {name} is {fields[name]}, which is not applied; write the values in HU")
    return fields


def check_nrrd(path: Path) -> dict[str, str]:
    """Refuse an NRRD header that does not say where its voxels are in the patient.

    Returns:
        The fields of the header by name, in lower case.

    Raises:
        SeriesError: the space is missing or none of the patient, an axis has no direction, there is no origin, or
            lengths are not in mm.
    """
    text = _header_text(path)
    if not text.startswith("NRRD"):
        raise SeriesError(f"{path}: it does not begin as NRRD; write it again")
    fields: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and not name.startswith("#") and not value.startswith("="):  # "key:=value" is anybody's own
            _add(fields, path, name.strip().lower(), value.strip())
    space = fields.get("space", "")
    if space.lower() not in NRRD_FRAMES:
        problem = f"its space is {space}" if space else "its header has no space"
        raise _no_place(path, problem, "write it in left-posterior-superior or right-anterior-superior")
    vectors = [match.group(1) for match in NRRD_VECTOR.finditer(fields.get("space directions", ""))]
    if sum(vector is not None for vector in vectors) != 3:
        raise _no_place(path, "its header has no space directions of three axes", "write it again with them")
    if "space origin" not in fields:
        raise _no_place(path, "its header has no space origin", "write it again with one")
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", "")))
    foreign = sorted(unit for unit in units if unit.strip().lower() not in MILLIMETRES)
    if foreign:
        raise SeriesError(f"{path}: its lengths are in {', '.join(foreign)}; convert it to mm")
    return fields


def data_file(path: Path, fields: dict[str, str]) -> Path | None:
    """The file that holds the voxels, for a header read here; None if there are several, or it is not there."""
    name = fields.get("ElementDataFile") or fields.get("data file") or fields.get("datafile") or "LOCAL"
    if name == "LOCAL":
        return path
    data = path.parent / name
    return data if data.is_file() else None


def _header_text(path: Path) -> str:
    with open(path, "rb") as file:
        return file.read(MAX_HEADER_BYTES).decode("latin-1")


def _add(fields: dict[str, str], path: Path, name: str, value: str) -> None:
    if fields.setdefault(name, value) != value:
        raise SeriesError(f"{path}: its header gives {name} twice, and not the same; keep only the right one")


def _numbers(text: str) -> list[float]:
    """Numbers of a field; none at all if one is no number."""
    try:
        return [float(word) for word in text.split()]
    except ValueError:
        return []


def _no_place(path: Path, problem: str, remedy: str) -> SeriesError:
    return SeriesError(f"{path}: {problem}, so the place and size of its voxels are not known; {remedy}")
