"""From a training list to nodules and look-alikes with what their readers said, as targets."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from lungdet.datalists import DatalistError, IgnoredBox, LabelledBox, ScanEntry
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS, RATING_LEVELS, RatingTarget
from lungdet.records.mark import MarkKind

from .list_items import list_entries

logger = logging.getLogger(__name__)
FewReaders = Literal["leave_out", "unknown", "nodule"]
APART_MM = 3.0  # a look-alike nearer to the rim of a nodule is what another reader took for that nodule
SMALL_RADIUS_MM = 1.5  # of what a reader called a nodule < 3 mm, and marked by a point
UNKNOWN = -1


def list_nodules(
    datalist: str | Path,
    part: str = "training",
    dataset_dir: str | Path = "",
    fold: int | None = None,
    few_readers: FewReaders = "leave_out",
    lookalikes: bool = True,
) -> list[dict[str, Any]]:
    """List the nodules of one part of a list, and what only looked like one.

    Nodules < 3 mm are left out, and so are look-alikes at what another reader took for a nodule, < 3 mm or not. Which
    patient is in which part is the list's own.

    Args:
        datalist: the JSON that ``lungdet datalist lidc`` wrote (of other data sets nodules have no type and no
            ratings); the answer is empty where it is an empty string.
        part: ``"training"``, ``"validation"`` or ``"test"``.
        dataset_dir: folder that the list's images are relative to; that of the list if empty.
        fold: see :func:`~lungdet.engines.list_items`.
        few_readers: what a nodule is that fewer readers outlined than the list wants: ``"leave_out"``; ``"unknown"``,
            it has a type and ratings, but is neither nodule nor look-alike; or ``"nodule"``.
        lookalikes: list the non-nodules.

    Returns:
        Items with ``image``, the path of the CT, and ``series_uid``; ``center_lps_mm``, ``(3,)`` float64; the targets
        ``nodule``, float32, 1, 0 or -1 if unknown; ``kind``, int64 index into ``NODULE_TYPES`` or -1; ``ratings``,
        ``(7, 4)`` float32, share of the readers above 1 to 4 in each of ``ORDINAL_RATINGS``, NaN where nobody rated;
        ``diameter_mm``, float32, NaN if unknown; and ``patient``, ``place``, ``"nodule"`` or ``"non_nodule"``, and
        ``lookalike``, empty for a nodule: what synthetic cubes have, too.

    Raises:
        DatalistError: the list is none, the part or the fold is empty, boxes are not in LPS mm, or ratings are out of
            their range.
        ValueError: ``few_readers`` is unknown.
    """
    if few_readers not in get_args(FewReaders):
        raise ValueError(f"few_readers must be one of {', '.join(get_args(FewReaders))}, got {few_readers!r}")
    items: list[dict[str, Any]] = []
    for number, known in enumerate(list_entries(datalist, part, dataset_dir, fold)):
        entry = ScanEntry.from_json(known)
        if entry.box_frame != "lps_mm":
            what = f"{entry.image} has boxes in {entry.box_frame}; cubes need scans in LPS mm"
            raise DatalistError(f"{datalist}: {what}: make the list with --images")
        try:
            items += _items(entry, few_readers, lookalikes)
        except (ValueError, KeyError, TypeError) as error:
            raise DatalistError(f"{datalist}, {part} {number}: {entry.image}: {error}") from error
    counts = Counter(item["place"] for item in items)
    logger.info("%s, part %s: %s", datalist, part, ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "nothing")
    return items


def rating_shares(ratings: Mapping[str, Mapping[str, Any]]) -> torch.Tensor:
    """Targets of the ordinal ratings from what a list holds of them.

    Args:
        ratings: of a nodule; ``values`` of each rating are those of its readers.

    Returns:
        ``(7, 4)`` float32: share of the readers above 1, 2, 3 and 4; NaN where nobody rated.

    Raises:
        ValueError: a value is not in 1..5, or a rating has none.

    Example:
        >>> rating_shares({"malignancy": {"values": [2, 4]}})[:2]
        tensor([[1.0000, 0.5000, 0.5000, 0.0000],
                [   nan,    nan,    nan,    nan]])
    """
    shares = torch.full((len(ORDINAL_RATINGS), RATING_LEVELS - 1), math.nan)
    for row, name in enumerate(ORDINAL_RATINGS):
        if name in ratings and "values" not in ratings[name]:
            raise ValueError(f"{name} without the readers' values, as older lists have it: make the list again")
        if name in ratings:
            shares[row] = torch.tensor(RatingTarget.of_values(name, ratings[name]["values"]).above)
    return shares


def _items(entry: ScanEntry, few_readers: FewReaders, lookalikes: bool) -> list[dict[str, Any]]:
    few = [item for item in entry.ignored if item.facts.get("kind") == "nodule"]
    found = [_item(entry, item, "nodule", 1.0) for item in entry.boxes]
    if few_readers != "leave_out":
        found += [_item(entry, item, "nodule", 1.0 if few_readers == "nodule" else UNKNOWN) for item in few]
    if lookalikes:
        small = [item for item in entry.ignored if item.facts.get("kind") == "small_nodule"]
        nodules: list[LabelledBox | IgnoredBox] = [*entry.boxes, *few, *small]
        others = [item for item in entry.ignored if item.facts.get("kind") == "non_nodule"]
        found += [_item(entry, item, "non_nodule", 0.0) for item in others if _is_apart(item, nodules)]
    return found


def _item(entry: ScanEntry, item: LabelledBox | IgnoredBox, place: MarkKind, nodule: float) -> dict[str, Any]:
    facts = item.facts if place == "nodule" else {}
    kind = facts.get("type")
    if kind is not None and kind not in NODULE_TYPES:
        raise ValueError(f"{kind!r} is no type of nodule; there are {', '.join(NODULE_TYPES)}")
    return {
        "image": entry.image,
        "series_uid": entry.series_uid,
        "patient": entry.patient_id,
        "center_lps_mm": torch.tensor(_center(item), dtype=torch.float64),
        "nodule": torch.tensor(nodule, dtype=torch.float32),
        "kind": torch.tensor(UNKNOWN if kind is None else NODULE_TYPES.index(kind), dtype=torch.int64),
        "ratings": rating_shares(facts.get("ratings", {})),
        "diameter_mm": torch.tensor(_diameter(item) if place == "nodule" else math.nan, dtype=torch.float32),
        "place": place,
        "lookalike": "" if place == "nodule" else place,
    }


def _center(item: LabelledBox | IgnoredBox) -> Sequence[float]:
    """Centroid of the consensus, else the middle of the box, LPS mm."""
    middle = [(low + high) / 2 for low, high in zip(item.box[:3], item.box[3:], strict=True)]
    center: Sequence[float] = item.facts.get("center_lps_mm", middle)
    return center


def _diameter(item: LabelledBox | IgnoredBox) -> float:
    """As measured, else the geometric mean of the sides of the box."""
    sides = [high - low for low, high in zip(item.box[:3], item.box[3:], strict=True)]
    return float(item.facts.get("diameter_mm", math.prod(sides) ** (1 / 3)))


def _is_apart(lookalike: IgnoredBox, nodules: Sequence[LabelledBox | IgnoredBox]) -> bool:
    """Whether no nodule lies at the place of a look-alike: what one reader ruled out another may have marked."""
    center = np.array(_center(lookalike))
    return all(np.linalg.norm(center - _center(item)) > _radius(item) + APART_MM for item in nodules)


def _radius(nodule: LabelledBox | IgnoredBox) -> float:
    """Half of the diameter; a nodule < 3 mm is a point in a box that tells nothing about its size."""
    return SMALL_RADIUS_MM if nodule.facts.get("kind") == "small_nodule" else _diameter(nodule) / 2
