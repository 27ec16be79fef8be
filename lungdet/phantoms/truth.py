"""Write what is known about a phantom's nodules: a datalist entry in JSON, and LUNA16's CSV."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .nodule import PhantomNodule

CSV_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
DECIMALS_MM = 4


def truth_entry(nodules: Sequence[PhantomNodule], series_uid: str, image: str) -> dict[str, Any]:
    """One entry of a Decathlon-style datalist, boxes in LPS mm.

    Args:
        nodules: the truth; may be empty, a scan without nodules is a normal case.
        series_uid: SeriesInstanceUID, or any name of the scan.
        image: path of the image as the datalist shall name it.

    Returns:
        ``image``, ``box`` (list of six numbers), ``box_frame``, ``label`` (0 for every nodule), ``series_uid``, and
        ``nodules`` with all that is known.
    """
    return {
        "image": image,
        "series_uid": series_uid,
        "box": [_rounded(nodule.box_lps_mm) for nodule in nodules],
        "box_frame": "lps_mm",
        "label": [0] * len(nodules),
        "nodules": [_facts(nodule) for nodule in nodules],
    }


def write_truth(
    nodules: Sequence[PhantomNodule],
    series_uid: str,
    json_path: str | Path | None = None,
    csv_path: str | Path | None = None,
    *,
    image: str = "",
) -> None:
    """Write the truth as JSON (see :func:`truth_entry`, under ``validation``) and as LUNA16's annotations CSV.

    Args:
        nodules: the truth; may be empty.
        series_uid: SeriesInstanceUID, or any name of the scan.
        json_path: where the datalist goes; None writes none.
        csv_path: where the CSV goes, ``seriesuid,coordX,coordY,coordZ,diameter_mm`` in LPS mm; None writes none.
        image: path of the image as the datalist shall name it.
    """
    if json_path is not None:
        datalist = {"validation": [truth_entry(nodules, series_uid, image)]}
        _replace(Path(json_path), json.dumps(datalist, indent=1) + "\n")
    if csv_path is not None:
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for nodule in nodules:
            writer.writerow([series_uid, *_rounded((*nodule.center_lps_mm, nodule.diameter_mm))])
        _replace(Path(csv_path), table.getvalue())


def _facts(nodule: PhantomNodule) -> dict[str, Any]:
    return {
        "center_lps_mm": _rounded(nodule.center_lps_mm),
        "diameter_mm": round(nodule.diameter_mm, DECIMALS_MM),
        "kind": nodule.kind,
        "location": nodule.location,
        "contrast_hu": round(nodule.contrast_hu, 1),
        "visible_fraction": round(nodule.visible_fraction, 3),
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), DECIMALS_MM) for value in values]


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
