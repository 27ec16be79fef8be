"""LUNA16 to a training list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lungdet.readers.luna16 import Luna16, Luna16Scan
from lungdet.readers.luna16_tables import Luna16Nodules

from .built import BuiltList
from .entry import IgnoredBox, LabelledBox, ScanEntry
from .patients import uncovered_note

Progress = Callable[[Iterable[Any]], Iterable[Any]]
NO_PATIENTS = (
    "LUNA16 names no patients: each scan is taken for one. Give the patients of the series to keep the few patients"
    " with two scans together."
)


def build_luna16(
    data: Luna16,
    base: str | Path | None = None,
    patients: Mapping[str, str] | None = None,
    progress: Progress = iter,
) -> BuiltList:
    """Make an entry for every scan, with or without nodules.

    A nodule is the cube around its centre, its diameter wide. Excluded findings are kept apart, as regions to ignore.
    The ten subsets are the official folds, if every scan is in one.

    Args:
        data: from :func:`lungdet.readers.read_luna16`.
        base: folder that image paths are relative to; with it, scans without a file are left out as problems. None
            names scans ``<series UID>.mhd``.
        patients: patient by series UID.
        progress: wraps the loop, for a progress bar.
    """
    nodules, excluded = _nodules(data.annotations), _excluded(data.excluded)
    sources = tuple(Path(table.path).name for table in (data.annotations, data.excluded) if table is not None)
    entries, problems = [], [str(problem) for problem in data.problems]
    for uid in progress(data.series_uids):
        scan = data.scans.get(uid)
        if base is not None and scan is None:
            problems.append(f"{base}: no scan {uid}.mhd; fetch its subset")
            continue
        entries.append(
            ScanEntry(
                image=_image(uid, scan, base),
                patient_id=(patients or {}).get(uid, uid),
                box_frame="lps_mm",
                boxes=tuple(nodules.get(uid, ())),
                ignored=tuple(excluded.get(uid, ())),
                series_uid=uid,
                sources=sources,
                fold=None if scan is None else scan.fold,
            )
        )
    has_folds = bool(entries) and all(entry.fold is not None for entry in entries)
    if not has_folds:
        entries = [entry.in_fold(None) for entry in entries]
    notes = uncovered_note((entry.series_uid for entry in entries), patients) if patients else (NO_PATIENTS,)
    return BuiltList("luna16", tuple(entries), tuple(problems), notes, "folds" if has_folds else "")


def _image(uid: str, scan: Luna16Scan | None, base: str | Path | None) -> str:
    if scan is None or base is None:
        return f"{uid}.mhd"
    return scan.path.relative_to(base).as_posix()


def _nodules(table: Luna16Nodules) -> dict[str, list[LabelledBox]]:
    """Nodules by series UID."""
    found: dict[str, list[LabelledBox]] = defaultdict(list)
    rows = zip(table.series_uids, table.boxes_lps_mm.tolist(), table.diameters_mm, table.lines, strict=True)
    for uid, box, diameter, line in rows:
        found[str(uid)].append(LabelledBox(tuple(box), facts={"diameter_mm": float(diameter), "line": int(line)}))
    return found


def _excluded(table: Luna16Nodules | None) -> dict[str, list[IgnoredBox]]:
    """Excluded findings by series UID."""
    found: dict[str, list[IgnoredBox]] = defaultdict(list)
    if table is not None:
        for uid, box, measured in zip(table.series_uids, table.boxes_lps_mm.tolist(), table.measured, strict=True):
            reason = "excluded finding" if measured else "excluded finding without a size, taken as 10 mm"
            found[str(uid)].append(IgnoredBox(tuple(box), reason))
    return found
