"""Where a radiograph shows nothing: behind the shutter of its display (PS3.3 C.7.6.11)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .dicom_header import DicomHeader

Mask = NDArray[np.bool_]
MAX_CORNERS = 1024  # of a polygon


def shutter_mask(header: DicomHeader, rows: int, columns: int) -> tuple[Mask | None, str]:
    """Tell the pixels that a shutter leaves open.

    Args:
        header: header of the file.
        rows: pixels down.
        columns: pixels along.

    Returns:
        ``(rows, columns)``, True where the picture is to be seen, and the shapes in words; None and "" where there is
        no shutter, or none that can be used.

    Raises:
        DicomFileError: an element of the shutter holds no numbers.
    """
    shapes = [shape for shape in header.texts("ShutterShape") if shape in ("RECTANGULAR", "CIRCULAR", "POLYGONAL")]
    if not shapes:
        return None, ""
    mask = np.ones((rows, columns), dtype=bool)
    y, x = np.arange(1, rows + 1)[:, None], np.arange(1, columns + 1)[None]  # rows and columns count from 1
    used = []
    for shape in shapes:
        inside = {"RECTANGULAR": _rectangle, "CIRCULAR": _circle, "POLYGONAL": _polygon}[shape](header, y, x)
        if inside is not None:
            mask &= inside
            used.append(shape.lower() + (_corner_words(header) if shape == "POLYGONAL" else ""))
    return (mask, " and ".join(used)) if used and mask.any() else (None, "")


def _rectangle(header: DicomHeader, y: NDArray[np.int_], x: NDArray[np.int_]) -> Mask | None:
    edges = [header.number(f"Shutter{edge}Edge") for edge in ("UpperHorizontal", "LowerHorizontal", "LeftVertical")]
    upper, lower, left, right = (*edges, header.number("ShutterRightVerticalEdge"))
    if upper is None or lower is None or left is None or right is None:
        return None
    return (y > upper) & (y < lower) & (x > left) & (x < right)


def _circle(header: DicomHeader, y: NDArray[np.int_], x: NDArray[np.int_]) -> Mask | None:
    center, radius = header.numbers("CenterOfCircularShutter"), header.number("RadiusOfCircularShutter")
    if len(center) != 2 or radius is None or radius <= 0:
        return None
    mask: Mask = (y - center[0]) ** 2 + (x - center[1]) ** 2 <= radius**2
    return mask


def _polygon(header: DicomHeader, y: NDArray[np.int_], x: NDArray[np.int_]) -> Mask | None:
    """Fill a polygon, row by row: inside is where the number of edges to the left is odd."""
    corners = np.array(header.numbers("VerticesOfThePolygonalShutter")[: 2 * MAX_CORNERS])
    if len(corners) < 6 or len(corners) % 2:
        return None
    y0, x0 = corners[0::2], corners[1::2]
    y1, x1 = np.roll(y0, -1), np.roll(x0, -1)
    inside = np.zeros((y.size, x.size), dtype=bool)
    for number, row in enumerate(y[:, 0]):
        crosses = (y0 <= row) != (y1 <= row)
        at = x0[crosses] + (row - y0[crosses]) * (x1 - x0)[crosses] / (y1 - y0)[crosses]
        inside[number] = np.searchsorted(np.sort(at), x[0]) % 2 == 1
    return inside


def _corner_words(header: DicomHeader) -> str:
    """Say which corners were left out of a polygon of more than anybody draws."""
    corners = len(header.numbers("VerticesOfThePolygonalShutter")) // 2
    return f" ({MAX_CORNERS} of {corners} corners)" if corners > MAX_CORNERS else ""
