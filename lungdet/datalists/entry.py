"""One image of a training list, with everything that is known about its boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

BoxFrame = Literal["lps_mm", "edge_px", "pixel_z_mm"]
FRAME_MEANINGS = {
    "lps_mm": "(x0, y0, z0, x1, y1, z1) in mm towards the patient's Left, Posterior and Superior",
    "edge_px": "(x0, y0, x1, y1) on a 2D image; integers are edges of pixels: pixel n spans [n, n + 1)",
    "pixel_z_mm": "(x0, y0, z0, x1, y1, z1), x and y as in edge_px, z in mm: for labels without their images",
}
MODES = {"lps_mm": "xyzxyz", "edge_px": "xyxy", "pixel_z_mm": "xyzxyz"}
DECIMALS = 4  # of a mm or a pixel


@dataclass(frozen=True)
class LabelledBox:
    """One box to train on.

    Attributes:
        box: min corner, then max corner, in the frame of its image.
        label: class, from 0.
        weight: how much it counts, above 0 and up to 1.
        facts: what else is known, as JSON values: ``diameter_mm``, ``readers``, ``ratings`` and the like.
    """

    box: tuple[float, ...]
    label: int = 0
    weight: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IgnoredBox:
    """A region that is neither nodule nor background, and why.

    Attributes:
        box: as in :class:`LabelledBox`.
        reason: in words.
        facts: what else is known, as JSON values: ``kind``, ``center_lps_mm``, ``ratings`` and the like.
    """

    box: tuple[float, ...]
    reason: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ScanEntry:
    """One image with its boxes; without boxes it is a scan without nodules, which is as good a thing to train on.

    Attributes:
        image: path of the image, relative to the base folder of the list, with ``/``.
        patient_id: images of one patient never get into different parts.
        box_frame: the frame of all its boxes; a key of ``FRAME_MEANINGS``.
        boxes: to train on.
        ignored: kept apart.
        series_uid: series, or whatever names the scan in its data set; empty if nothing does.
        sources: files that the labels come from.
        facts: what else is known about the scan.
        part: part of an official split, if there is one: ``training``, ``validation`` or ``test``.
        fold: number of an official fold, if there is one.

    Raises:
        ValueError: a box is no box, or a name is empty.
    """

    image: str
    patient_id: str
    box_frame: BoxFrame
    boxes: tuple[LabelledBox, ...] = ()
    ignored: tuple[IgnoredBox, ...] = ()
    series_uid: str = ""
    sources: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    part: str | None = None
    fold: int | None = None

    def __post_init__(self) -> None:
        if not self.image or not self.patient_id:
            raise ValueError(f"an entry needs an image and a patient, got {self.image!r} and {self.patient_id!r}")
        for box in [item.box for item in self.boxes] + [item.box for item in self.ignored]:
            _check_box(self.image, box, len(MODES[self.box_frame]))

    @property
    def largest_mm(self) -> float | None:
        """Diameter of the largest nodule, in the unit that :func:`size_unit` tells; None without one."""
        return max((box_diameter(item) for item in self.boxes), default=None)

    def in_fold(self, fold: int | None) -> ScanEntry:
        """Return the same entry in another fold."""
        return replace(self, fold=fold)

    def to_json(self) -> dict[str, Any]:
        """Return the entry as the JSON of a list has it; see ``datalist.schema.json``."""
        entry: dict[str, Any] = {
            "image": self.image,
            "patient_id": self.patient_id,
            "series_uid": self.series_uid,
            "box": [_rounded(item.box) for item in self.boxes],
            "label": [item.label for item in self.boxes],
            "weight": [round(item.weight, DECIMALS) for item in self.boxes],
            "box_frame": self.box_frame,
            "box_mode": MODES[self.box_frame],
            "ignore_box": [_rounded(item.box) for item in self.ignored],
            "ignore_reason": [item.reason for item in self.ignored],
            "nodules": [dict(item.facts) for item in self.boxes],
            "provenance": {"sources": list(self.sources), **self.facts},
        }
        if any(item.facts for item in self.ignored):
            entry["ignored"] = [dict(item.facts) for item in self.ignored]
        return entry if self.fold is None else {**entry, "fold": self.fold}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> ScanEntry:
        """Read back what :meth:`to_json` wrote, or an entry that has no more than an image and boxes.

        Raises:
            ValueError: lists that belong together have different lengths, or a box is no box.
        """
        boxes, labels = entry.get("box", []), entry.get("label", [])
        weights = entry.get("weight") or [1.0] * len(boxes)
        facts = entry.get("nodules") or [{}] * len(boxes)
        provenance = dict(entry.get("provenance", {}))
        ignored, reasons = entry.get("ignore_box", []), entry.get("ignore_reason", [])
        known_of = entry.get("ignored") or [{}] * len(ignored)
        same = len(boxes) == len(labels) == len(weights) == len(facts)
        if not same or not len(ignored) == len(reasons) == len(known_of):
            raise ValueError(
                f"{entry['image']}: {len(boxes)} boxes with {len(labels)} labels, {len(weights)} weights and "
                f"{len(facts)} nodules; {len(ignored)} ignored boxes with {len(reasons)} reasons and facts of "
                f"{len(known_of)}"
            )
        return cls(
            image=entry["image"],
            patient_id=entry.get("patient_id") or entry["image"],
            box_frame=entry.get("box_frame", "lps_mm"),
            boxes=tuple(
                LabelledBox(tuple(box), label, weight, known)
                for box, label, weight, known in zip(boxes, labels, weights, facts, strict=True)
            ),
            ignored=tuple(
                IgnoredBox(tuple(box), reason, known)
                for box, reason, known in zip(ignored, reasons, known_of, strict=True)
            ),
            series_uid=entry.get("series_uid", ""),
            sources=tuple(provenance.pop("sources", ())),
            facts=provenance,
            fold=entry.get("fold"),
        )


def box_diameter(item: LabelledBox) -> float:
    """Diameter of a nodule as it was measured, else the geometric mean of the sides of its box.

    Example:
        >>> box_diameter(LabelledBox((0, 0, 0, 2, 4, 8)))
        4.0
        >>> box_diameter(LabelledBox((0, 0, 9, 9), facts={"diameter_mm": 5}))
        5.0
    """
    if "diameter_mm" in item.facts:
        return float(item.facts["diameter_mm"])
    half = len(item.box) // 2
    sides = [high - low for low, high in zip(item.box[:half], item.box[half:], strict=True)]
    return round(math.prod(sides) ** (1 / half), 6)


def size_unit(item: LabelledBox, box_frame: BoxFrame) -> str:
    """Unit of :func:`box_diameter`: ``mm`` if it was measured, or the box is in mm along all axes; else ``px``.

    Example:
        >>> size_unit(LabelledBox((0, 0, 9, 9)), "edge_px")
        'px'
        >>> size_unit(LabelledBox((0, 0, 9, 9), facts={"diameter_mm": 5}), "edge_px")
        'mm'
    """
    return "mm" if "diameter_mm" in item.facts or box_frame == "lps_mm" else "px"


def _check_box(image: str, box: tuple[float, ...], width: int) -> None:
    # "xyzxyz" and "xyxy" have a letter for each number of a box
    if len(box) != width or not all(map(math.isfinite, box)):
        raise ValueError(f"{image}: a box needs {width} finite numbers, got {box}")
    if any(high <= low for low, high in zip(box[: width // 2], box[width // 2 :], strict=True)):
        raise ValueError(f"{image}: a box is min corner, then max corner, with a size; got {box}")


def _rounded(box: tuple[float, ...]) -> list[float]:
    return [round(float(value), DECIMALS) for value in box]
