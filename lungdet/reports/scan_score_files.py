"""``score.json`` and ``slices.csv``: where in the body the slices of a scan lie."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from lungdet import __version__
from lungdet.counted import counted
from lungdet.records import ScanScore, ScoreFlag, ScoreLine

from .csv_rows import Digits, table_to_csv
from .json_file import time_stamp

FORMAT = "lungdet-score/1"
COLUMNS = ("slice_index", "slice_uid", "z_mm", "score", "line", "off_mm", "region", "flags")
MEANINGS = {
    "slice_index": "counted from 0 along the axis of the image as read that runs along the body",
    "z_mm": "height of the slice's middle in mm towards the patient's head (DICOM patient coordinates)",
    "score": "0 at the top of the trunk to 1 at its bottom, by a network; null where a slice shows no body",
    "line": "score of the scan's robust line at that height",
    "off_mm": "how far the score lies off the line, in mm along the body; positive towards the feet",
    "region": "chest above the dome of the diaphragm, pelvis below the crest of the hip bone, abdomen between; empty"
    " where a slice shows no body, or no part from the neck to the thighs",
    "rate_per_mm": "rise of the score per mm towards the feet; negative if the scan is upside down",
    "rows": "rows of 'slices', counted from 0; none for what concerns all",
}


def score_to_json(scan: ScanScore, created: datetime | None = None) -> bytes:
    """Turn a scan's scores into the bytes of a ``score.json``: ASCII, sorted keys.

    Args:
        scan: the answer.
        created: time stamp; now if None. Everything else depends on ``scan`` alone.
    """
    content = {
        "format": FORMAT,
        "created": time_stamp(created),
        "software": {"name": "lungdet", "version": __version__},
        "model": asdict(scan.model),
        "series": {name: value for name, value in asdict(scan.series).items() if name != "slice_uids"},
        "meanings": MEANINGS,
        "line": None if scan.line is None else asdict(scan.line),
        "covered": [{**asdict(part), "extent_mm": part.extent_mm} for part in scan.covered],
        "holds_lungs": scan.holds_lungs,
        "lungs_mm": scan.lungs_mm,
        "flags": [asdict(flag) for flag in scan.flags],
        "slices": [dict(zip(COLUMNS, row, strict=True)) for row in _rows(scan)],
    }
    return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("ascii")


def score_to_csv(scan: ScanScore) -> bytes:
    """Turn a scan's scores into a table, one row a slice, from the head to the feet."""
    rows = [
        [index, uid, *(None if value is None else Digits(f"{value:.6g}") for value in numbers), region, " ".join(flags)]
        for index, uid, *numbers, region, flags in _rows(scan)
    ]
    return table_to_csv(COLUMNS, rows)


def score_line(scan: ScanScore) -> str:
    """Say in one line what a scan covers, and what is wrong with it.

    Control characters of a file's name are left out.
    """
    nothing = "no extents" if scan.has("no_order") else "no known part of the body"
    parts = [f"{part.region} {part.extent_mm:.0f} mm" for part in scan.covered] or [nothing]
    if scan.lungs_mm is not None:
        parts.append(f"lungs over {scan.lungs_mm[0] - scan.lungs_mm[1]:.0f} mm")
    if scan.line is not None:
        parts.append(f"tau {scan.line.tau:.3f}, R2 {scan.line.r2:.3f}")
    kinds = list(dict.fromkeys(flag.kind for flag in scan.flags))
    count = len(scan.z_mm)
    text = f"{scan.series.source}: {counted(count, 'slice')}: {', '.join(parts)}; "
    text += f"flags: {', '.join(kinds)}" if kinds else "no flags"
    return "".join(letter for letter in text if letter.isprintable())


def flag_line(scan: ScanScore, flag: ScoreFlag) -> str:
    """Say what a flag means, and of which slices: their indices in the image as read, and their heights."""
    if not flag.rows:
        return flag.message
    first, last = flag.rows[0], flag.rows[-1]
    places = [f"slice {scan.slice_index[row]} at z {scan.z_mm[row]:.1f} mm" for row in dict.fromkeys((first, last))]
    return f"{flag.message} ({' to '.join(places)})"


def _rows(scan: ScanScore) -> list[list[Any]]:
    """Rows of the table, by :data:`COLUMNS`; flags as a list of kinds."""
    kinds: dict[int, list[str]] = {}
    for flag in scan.flags:
        for row in flag.rows:
            kinds.setdefault(row, []).append(flag.kind)
    uids = scan.series.slice_uids
    rows = []
    for row, (index, z_mm, score) in enumerate(zip(scan.slice_index, scan.z_mm, scan.score, strict=True)):
        fitted, off_mm = _beside_the_line(scan.line, z_mm, score)
        uid = uids[index] if index < len(uids) else ""
        rows.append([index, uid, z_mm, score, fitted, off_mm, scan.region[row], sorted(set(kinds.get(row, [])))])
    return rows


def _beside_the_line(line: ScoreLine | None, z_mm: float, score: float | None) -> tuple[float | None, float | None]:
    """Return the line's score at a height, and how far a score lies off it in mm; None where there is none."""
    if line is None:
        return None, None
    fitted = line.at(z_mm)
    return fitted, None if score is None or line.rate_per_mm == 0 else (score - fitted) / line.rate_per_mm
