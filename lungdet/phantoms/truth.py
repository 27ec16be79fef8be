"""Write what is known about a phantom's nodules: a datalist entry in JSON, and LUNA16's CSV."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .lookalike import PhantomLookalike
from .nodule import PhantomNodule

CSV_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
DECIMALS_MM = 4
FORM = ("solid_fraction", "spiculation", "lobulation", "sphericity", "margin")


def truth_entry(
    nodules: Sequence[PhantomNodule],
    series_uid: str,
    image: str,
    *,
    ignored: Sequence[PhantomNodule] = (),
    lookalikes: Sequence[PhantomLookalike] = (),
) -> dict[str, Any]:
    """One entry of a Decathlon-style datalist, boxes in LPS mm.

    Args:
        nodules: the truth; may be empty, a scan without nodules is a normal case.
        series_uid: SeriesInstanceUID, or any name of the scan.
        image: path of the image as the datalist shall name it.
        ignored: nodules that are neither to be found nor to be counted as false.
        lookalikes: what is there and is no nodule; a mark on one is false.

    Returns:
        ``image``, ``box`` (list of six numbers), ``box_frame``, ``label`` (0 for every nodule), ``ignore_box`` (as
        ``box``), ``series_uid``; and all that is known in ``nodules``, ``ignored`` and ``lookalikes``.
    """
    return {
        "image": image,
        "series_uid": series_uid,
        "box": [_rounded(nodule.box_lps_mm) for nodule in nodules],
        "box_frame": "lps_mm",
        "label": [0] * len(nodules),
        "ignore_box": [_rounded(nodule.box_lps_mm) for nodule in ignored],
        "nodules": [_facts(nodule) for nodule in nodules],
        "ignored": [{"box_lps_mm": _rounded(nodule.box_lps_mm), **_facts(nodule)} for nodule in ignored],
        "lookalikes": [
            {
                "kind": look.kind,
                "center_lps_mm": _rounded(look.center_lps_mm),
                "box_lps_mm": _rounded(look.box_lps_mm),
            }
            for look in lookalikes
        ],
    }


def write_truth(
    nodules: Sequence[PhantomNodule],
    series_uid: str,
    json_path: str | Path | None = None,
    csv_path: str | Path | None = None,
    *,
    image: str = "",
    ignored: Sequence[PhantomNodule] = (),
    lookalikes: Sequence[PhantomLookalike] = (),
    excluded_csv_path: str | Path | None = None,
) -> None:
    """Write the truth as JSON (see :func:`truth_entry`, under ``validation``) and as LUNA16's annotations CSV.

    Args:
        nodules: the truth; may be empty.
        series_uid: SeriesInstanceUID, or any name of the scan.
        json_path: where the datalist goes; None writes none.
        csv_path: where the CSV goes, ``seriesuid,coordX,coordY,coordZ,diameter_mm`` in LPS mm; None writes none.
        image: path of the image as the datalist shall name it.
        ignored: nodules that are neither to be found nor to be counted as false.
        lookalikes: what is there and is no nodule.
        excluded_csv_path: where the ignored ones go, in the same columns, as in LUNA16's annotations_excluded.csv; None
            writes none.
    """
    if json_path is not None:
        datalist = {"validation": [truth_entry(nodules, series_uid, image, ignored=ignored, lookalikes=lookalikes)]}
        _replace(Path(json_path), json.dumps(datalist, indent=1) + "\n")
    for path, listed in ((csv_path, nodules), (excluded_csv_path, ignored)):
        if path is not None:
            _replace(Path(path), _table(listed, series_uid))


def _table(nodules: Sequence[PhantomNodule], series_uid: str) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for nodule in nodules:
        writer.writerow([series_uid, *_rounded((*nodule.center_lps_mm, nodule.diameter_mm))])
    return table.getvalue()


def _facts(nodule: PhantomNodule) -> dict[str, Any]:
    return {
        "center_lps_mm": _rounded(nodule.center_lps_mm),
        "diameter_mm": round(nodule.diameter_mm, DECIMALS_MM),
        "kind": nodule.kind,
        "location": nodule.location,
        "contrast_hu": round(nodule.contrast_hu, 1),
        "visible_fraction": round(nodule.visible_fraction, 3),
        "peak_hu": round(nodule.peak_hu, 1),
        "type": nodule.type,
        **{name: round(getattr(nodule, name), 3) for name in FORM},
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), DECIMALS_MM) for value in values]


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
