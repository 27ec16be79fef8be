"""Detection lists of other tools: ``{"training": [{"image", "box", "label"}]}`` with any box mode, in and out.

MONAI's own detection bundles keep boxes of LUNA16 as ``cccwhd`` in LPS mm; lungdet's default is ``xyzxyz`` in LPS mm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lungdet.geometry.box_modes import convert_box_mode
from lungdet.geometry.frames import boxes_to_world
from lungdet.readers.label_errors import AnnotationError, LabelProblem
from lungdet.readers.label_json import is_number, load_label_json

from .built import BuiltList
from .entry import MODES, IgnoredBox, LabelledBox, ScanEntry
from .split import PARTS

World = Literal["lps", "ras"]
_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])  # LPS to RAS and back


def read_detection_list(path: str | Path, *, box_mode: str = "xyzxyz", world: World = "lps") -> BuiltList:
    """Read a detection list.

    Args:
        path: the JSON. ``box_mode`` and ``box_frame`` in an entry, or at its top, win over the arguments.
        box_mode: how boxes are written, by MONAI's names: see :func:`lungdet.geometry.box_modes.convert_box_mode`.
            Modes of four numbers make 2D entries in pixels.
        world: frame of 3D boxes, mm.

    Returns:
        Entries with their part. Those without labels, as in MONAI's ``test``, and faulty ones are problems. Boxes of
        ``ignore_box`` are kept apart.

    Raises:
        AnnotationError: the file is no such list.
    """
    content = load_label_json(path)
    if not isinstance(content, dict) or not any(isinstance(content.get(part), list) for part in PARTS):
        what = f"no list of {', '.join(PARTS)}; this is no detection list"
        raise AnnotationError([LabelProblem(str(path), None, what)])
    defaults = {"box_mode": box_mode, "box_frame": f"{world}_mm"}
    defaults.update({key: content[key] for key in defaults if isinstance(content.get(key), str)})
    entries, problems = [], []
    for part in PARTS:
        listed = content.get(part, [])
        for number, item in enumerate(listed if isinstance(listed, list) else [], start=1):
            try:
                entries.append(_entry(item, defaults, part, Path(path).name))
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                reason = f"no {error}" if isinstance(error, KeyError) else str(error)
                problems.append(str(LabelProblem(str(path), None, f"{part} {number}: {reason}")))
    official = "parts" if any(entry.part != "training" for entry in entries) else ""
    if not official and entries and all(entry.fold is not None for entry in entries):
        official = "folds"
    return BuiltList(Path(path).stem, tuple(entries), tuple(problems), official=official)


def detection_list_content(
    parts: Mapping[str, Sequence[ScanEntry]], *, box_mode: str = "xyzxyz", world: World = "lps"
) -> dict[str, Any]:
    """Build the JSON of a detection list with nothing but what other tools know.

    Args:
        parts: entries by part; an empty part is kept.
        box_mode: how to write boxes; of as many numbers as the boxes have.
        world: frame of 3D boxes, mm.

    Raises:
        ValueError: a mode does not fit the boxes, or boxes are in pixels and mm.
    """
    return {
        "box_mode": box_mode,
        **{part: [_item(entry, box_mode, world) for entry in entries] for part, entries in parts.items()},
    }


def _entry(item: Any, defaults: Mapping[str, str], part: str, source: str) -> ScanEntry:
    if not isinstance(item, dict):
        raise ValueError(f"{str(item)[:80]!r} has no labels")
    image, rows, labels = item["image"], item["box"], item["label"]
    if not isinstance(image, str):
        raise ValueError(f"image is {str(image)[:80]!r}, wanted a path")
    mode, frame = item.get("box_mode", defaults["box_mode"]), item.get("box_frame", defaults["box_frame"])
    if len(rows) != len(labels):
        raise ValueError(f"{image}: {len(rows)} boxes and {len(labels)} labels")
    boxes, standard_frame = _standard(rows, mode, frame)
    if standard_frame not in MODES:
        raise ValueError(f"{image}: unknown box_frame {frame!r}; there are ras_mm, {', '.join(MODES)}")
    ignored, reasons = _standard(item.get("ignore_box", []), mode, frame)[0], item.get("ignore_reason")
    if reasons is None:
        reasons = ["ignored in the list"] * len(ignored)
    if len(reasons) != len(ignored):
        raise ValueError(f"{image}: {len(ignored)} ignored boxes and {len(reasons)} reasons")
    return ScanEntry(
        image=image,
        patient_id=str(item.get("patient_id") or image),
        box_frame=standard_frame,
        boxes=tuple(
            LabelledBox(box, _whole(label, f"{image}: a label")) for box, label in zip(boxes, labels, strict=True)
        ),
        ignored=tuple(IgnoredBox(box, str(reason)) for box, reason in zip(ignored, reasons, strict=True)),
        series_uid=str(item.get("series_uid") or ""),
        sources=(source,),
        part=part,
        fold=None if item.get("fold") is None else _whole(item["fold"], f"{image}: fold"),
    )


def _standard(rows: Any, mode: str, frame: str) -> tuple[list[tuple[float, ...]], Any]:
    """Return boxes, min corner then max corner, in LPS or in pixels, and their frame."""
    standard = convert_box_mode(rows, mode, "xyxy" if len(mode) == 4 else "xyzxyz")
    if frame == "ras_mm" and standard.shape[1] == 6:
        standard = boxes_to_world(standard, _FLIP, origin="voxel")
        frame = "lps_mm"
    if standard.shape[1] == 4:
        frame = "edge_px"
    return [tuple(box) for box in standard.tolist()], frame


def _whole(value: Any, what: str) -> int:
    """Return a class or the number of a fold; tools that write 1.0 mean 1.

    Raises:
        ValueError: it is no whole number, or negative.
    """
    if not is_number(value) or value != int(value) or value < 0:
        raise ValueError(f"{what} is {value!r}, wanted a whole number from 0")
    return int(value)


def _item(entry: ScanEntry, box_mode: str, world: World) -> dict[str, Any]:
    boxes = np.array([item.box for item in entry.boxes], dtype=np.float64).reshape(-1, len(MODES[entry.box_frame]))
    if world == "ras":
        if entry.box_frame != "lps_mm":
            raise ValueError(f"{entry.image}: boxes in {entry.box_frame} have no place in RAS")
        boxes = boxes_to_world(boxes, _FLIP, origin="voxel")
    written = convert_box_mode(boxes, MODES[entry.box_frame], box_mode)
    item = {
        "image": entry.image,
        "box": np.round(written, 6).tolist(),
        "label": [box.label for box in entry.boxes],
        "box_frame": f"{world}_mm" if entry.box_frame == "lps_mm" else entry.box_frame,
    }
    return item if entry.fold is None else {**item, "fold": entry.fold}
