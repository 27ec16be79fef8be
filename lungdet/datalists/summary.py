"""What a training list holds, as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from lungdet.counted import counted
from lungdet.records import NODULE_TYPES

from .entry import ScanEntry, box_diameter, size_unit
from .split import SIZE_LIMITS_MM, stratum

_SHOWN = 10


def summarise(parts: Mapping[str, Sequence[ScanEntry]]) -> str:
    """Count images, patients, nodules and their sizes, readers and ignored regions in each part."""
    parts = {part: entries for part, entries in parts.items() if entries}
    units = {size_unit(item, entry.box_frame) for each in parts.values() for entry in each for item in entry.boxes}
    unit = " or ".join(sorted(units)) or "mm"
    limits = [f"{limit:g}" for limit in SIZE_LIMITS_MM]
    sizes = [
        f"< {limits[0]}",
        *(f"{low}-{high}" for low, high in pairwise(limits)),
        f">= {limits[-1]}",
    ]
    head = ["", "images", "patients", "no box", "boxes", *(f"{size} {unit}" for size in sizes), "ignored"]
    rows = [[part, *map(str, _counts(entries))] for part, entries in parts.items()]
    if len(rows) > 1:
        rows.append(["all", *map(str, _counts([entry for entries in parts.values() for entry in entries]))])
    lines = table_lines([head, *rows])
    everything = [entry for entries in parts.values() for entry in entries]
    lines += _listed("ignored", Counter(item.reason for entry in everything for item in entry.ignored))
    readers = Counter(item.facts["readers"] for entry in everything for item in entry.boxes if "readers" in item.facts)
    lines += _listed(
        "boxes by readers",
        Counter({counted(count, "reader"): readers[count] for count in sorted(readers)}),
    )
    types = Counter(item.facts["type"] for entry in everything for item in entry.boxes if "type" in item.facts)
    lines += _listed("boxes by type", Counter({name: types[name] for name in NODULE_TYPES if name in types}))
    folds = Counter(entry.fold for entry in everything if entry.fold is not None)
    lines += _listed("images by fold", Counter({f"fold {fold}": folds[fold] for fold in sorted(folds)}))
    return "\n".join(lines)


def list_reasons(title: str, reasons: Sequence[str]) -> str:
    """List what was skipped and why, the first ten, and how many more; empty without any."""
    lines = [f"{title}: {len(reasons)}"] + [f"  {reason}" for reason in reasons[:_SHOWN]]
    if len(reasons) > _SHOWN:
        lines.append(f"  ... and {len(reasons) - _SHOWN} more")
    return "\n".join(lines) if reasons else ""


def _counts(entries: Sequence[ScanEntry]) -> list[int]:
    nodules = [item for entry in entries for item in entry.boxes]
    by_size = Counter(stratum(box_diameter(item)) for item in nodules)
    return [
        len(entries),
        len({entry.patient_id for entry in entries}),
        sum(not entry.boxes for entry in entries),
        len(nodules),
        *(by_size[group] for group in range(1, len(SIZE_LIMITS_MM) + 2)),
        sum(len(entry.ignored) for entry in entries),
    ]


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the cells of a table to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _listed(title: str, counts: Counter[str]) -> list[str]:
    if not counts:
        return []
    return [f"{title}: " + ", ".join(f"{name}: {count}" for name, count in counts.items())]
