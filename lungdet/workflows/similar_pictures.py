"""Pictures of lesions that look alike, from the slices that they are on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lungdet.lesions import EmbeddedLesions
from lungdet.readers.deeplesion_png import HU_OFFSET
from lungdet.readers.png_file import read_png16
from lungdet.records.similar_lesion import SimilarLesion
from lungdet.reports.similar_sheet import LesionTile, draw_similar, lesion_picture


@dataclass(frozen=True)
class LesionView:
    """Where a lesion is to be seen.

    Attributes:
        image: 16-bit PNG of its slice.
        box_edge: ``(x0, y0, x1, y1)`` in pixels, edge frame.
        spacing_mm: pixel size x, y.
        window_hu: low end and high end.
    """

    image: Path
    box_edge: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    window_hu: tuple[float, ...]

    @classmethod
    def of_row(cls, lesions: EmbeddedLesions, row: int, images_dir: Path) -> LesionView:
        """Take the view of a lesion of a collection."""
        columns = (lesions.columns()[name][row].tolist() for name in ("box_edge", "spacing_mm", "window_hu"))
        box, spacing, window = map(tuple, columns)
        return cls(_inside(images_dir, str(lesions.image[row])), box, spacing, window)


def similar_sheet(
    query: tuple[SimilarLesion, LesionView],
    answers: Sequence[tuple[SimilarLesion, LesionView]],
    searched: int,
) -> tuple[bytes, list[str]]:
    """Draw a sheet; a picture that cannot be read leaves its place empty.

    Args:
        query: what was asked for.
        answers: what was found.
        searched: number of lesions that may answer, those of other patients.

    Returns:
        PNG bytes, and what is wrong with the pictures that are missing.
    """
    problems: list[str] = []
    asked, *found = [_tile(lesion, view, problems) for lesion, view in (query, *answers)]
    count = f"{len(found)} of {searched} lesions of other patients"
    title = f"{count}, most like the one at the left first; blue: same type, orange: other"
    return draw_similar(asked, found, title), problems


def _tile(lesion: SimilarLesion, view: LesionView, problems: list[str]) -> LesionTile:
    x, y, z = ("?" if value is None else f"{value:.2f}" for value in lesion.location)
    head = "query" if lesion.place == 0 else f"{lesion.place}   {lesion.distance:.3f}"
    lines = f"{head}   {lesion.lesion_type}", lesion.size_text, f"x {x}  y {y}  z {z}", lesion.key
    try:
        hu = read_png16(view.image).astype(np.int32) - HU_OFFSET
        picture = lesion_picture(hu, view.box_edge, view.spacing_mm, view.window_hu)
    except ValueError as error:  # SeriesError is one
        problems.append(str(error))
        picture = None
    return LesionTile(picture, lines, lesion.same_type if lesion.place else None)


def leads_inside(name: str) -> bool:
    """Tell whether a path is one inside the folder that it is relative to.

    Example:
        >>> [leads_inside(name) for name in ("000001_01_01/109.png", "", "../109.png", "/109.png")]
        [True, False, False, False]
    """
    path = Path(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def _inside(folder: Path, name: str) -> Path:
    """Join a name of a file from outside to a folder that it must not lead out of.

    Raises:
        ValueError: it does.
    """
    if not leads_inside(name):
        raise ValueError(f"{name!r}: is no image inside {folder}; embed the lesions again")
    return folder / name
