"""TensorBox lists: images of slices with rectangles, as the detectors of 2016 and 2017 trained on them.

A list of ``{"image_path": ..., "rects": [{"x1", "y1", "x2", "y2"}]}``; no rectangles make a negative. Corners are taken
as they are for edges of pixels: a rectangle spans ``x2 - x1`` columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lungdet.records.lesion import Box2D

from .label_errors import AnnotationError, LabelProblem
from .label_json import is_number, load_label_json

CORNERS = ("x1", "y1", "x2", "y2")
# Names that tell their patient: LIDC's, but not its folders of many; those of the lists of 2017; DeepLesion's slices.
_PATIENT = re.compile(
    r"(LIDC-IDRI-\d{4})(?!-?\d)|([^/.]+)\.dat_\d+_?\.[a-z]+$|(\d{6})_\d{2}_\d{2}/\d{3,}\.png$", re.IGNORECASE
)


@dataclass(frozen=True)
class TensorBoxImage:
    """One image of a list.

    Attributes:
        image_path: as written, usually relative to the list.
        boxes_edge: ``(x0, y0, x1, y1)`` in the edge frame of the image, min corner then max corner; may be none.
    """

    image_path: str
    boxes_edge: tuple[Box2D, ...] = ()

    def __post_init__(self) -> None:
        for x0, y0, x1, y1 in self.boxes_edge:
            if not (x0 < x1 and y0 < y1):
                raise ValueError(f"{self.image_path}: box {(x0, y0, x1, y1)} has no size, wanted x1 < x2 and y1 < y2")

    @property
    def patient_id(self) -> str:
        """Patient, as names of LIDC-IDRI, of the lists of 2017 and of DeepLesion tell it; empty for any other name.

        Example:
            >>> TensorBoxImage("./lung_data/LIDC-IDRI-0275.dat_28_.bmp").patient_id
            'LIDC-IDRI-0275'
            >>> TensorBoxImage("p0_slice00.png").patient_id
            ''
        """
        match = _PATIENT.search(self.image_path.replace("\\", "/"))
        return "" if match is None else next(group for group in match.groups() if group)


@dataclass(frozen=True)
class TensorBoxList:
    """The images of a list, and the faults of those that were left out."""

    path: str
    images: tuple[TensorBoxImage, ...]
    problems: tuple[LabelProblem, ...]

    def __len__(self) -> int:
        return len(self.images)


def read_tensorbox(path: str | Path, *, strict: bool = True) -> TensorBoxList:
    """Read a TensorBox list.

    Args:
        path: the JSON.
        strict: raise if an entry is faulty; else leave it out and tell it in ``problems``.

    Raises:
        AnnotationError: the file is no list of this kind, or, if strict, an entry lacks its image or a corner, holds a
            rectangle that is no rectangle, or names an image again.
    """
    content = load_label_json(path)
    if not isinstance(content, list):
        what = f"a {type(content).__name__}, wanted a list of images with rects; this is no TensorBox list"
        raise AnnotationError([LabelProblem(str(path), None, what)])
    images: dict[str, TensorBoxImage] = {}
    problems = []
    for number, entry in enumerate(content, start=1):
        try:
            image = _image(entry)
            if image.image_path in images:
                raise ValueError(f"{image.image_path} is there again; join its rects")
            images[image.image_path] = image
        except ValueError as error:
            problems.append(LabelProblem(str(path), None, f"entry {number}: {error}"))
    if strict and problems:
        raise AnnotationError(problems)
    return TensorBoxList(str(path), tuple(images.values()), tuple(problems))


def tensorbox_content(images: Iterable[TensorBoxImage]) -> list[dict[str, Any]]:
    """Turn images into what the JSON of a list holds; whole numbers stay whole.

    Example:
        >>> tensorbox_content([TensorBoxImage("a.png", ((1.0, 2.0, 3.5, 4.0),))])
        [{'image_path': 'a.png', 'rects': [{'x1': 1, 'y1': 2, 'x2': 3.5, 'y2': 4}]}]
    """
    return [
        {
            "image_path": image.image_path,
            "rects": [dict(zip(CORNERS, map(_plain, box), strict=True)) for box in image.boxes_edge],
        }
        for image in images
    ]


def _image(entry: Any) -> TensorBoxImage:
    if not isinstance(entry, dict) or not isinstance(entry.get("image_path"), str) or not entry["image_path"]:
        raise ValueError(f"no image_path in {str(entry)[:80]}")
    rects = entry.get("rects")
    if not isinstance(rects, list):
        raise ValueError(f"{entry['image_path']}: no list of rects; a negative has an empty one")
    return TensorBoxImage(entry["image_path"], tuple(_box(entry["image_path"], rect) for rect in rects))


def _box(image_path: str, rect: Any) -> Box2D:
    if not isinstance(rect, dict) or not all(is_number(rect.get(corner)) for corner in CORNERS):
        raise ValueError(f"{image_path}: rect {str(rect)[:80]} needs numbers {', '.join(CORNERS)}")
    return float(rect["x1"]), float(rect["y1"]), float(rect["x2"]), float(rect["y2"])


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value
