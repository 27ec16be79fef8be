"""Measurements out of ``DL_info.csv``, or out of any training list of lungdet."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.readers.deeplesion_png import deeplesion_affine_lps
from lungdet.records.lesion import Lesion
from lungdet.records.measured_lesion import TYPE_NAMES, UNKNOWN_TYPE, MeasuredLesion

UNDATED = "undated"  # the order of a patient's studies in time is not known
PARTS = ("training", "validation", "test")
_SERIES_NAME = re.compile(r"(\d{6})_(\d{2})_(\d{2})")
_TYPE_OF_LABEL = {"nodule": "lung"}  # the lists of LIDC-IDRI and LUNA16 hold nodules of the lung


def measured_from_deeplesion(table: DeepLesionTable) -> tuple[MeasuredLesion, ...]:
    """Take the lesions of a ``DL_info.csv``, in its order.

    Diameters are the lengths of the axes between their ends, in mm; in rows where the "long" one is the shorter, they
    change places and the flag ``"swapped"`` tells.

    Args:
        table: from :func:`lungdet.readers.read_deeplesion`.
    """
    found = []
    for key, lesion in zip(table.keys, table.lesions, strict=True):
        short, long = sorted(lesion.diameters_mm)
        found.append(
            MeasuredLesion(
                key=key,
                patient=lesion.patient_id,
                study=lesion.study,
                series=lesion.series,
                lesion_type=lesion.type_name,
                long_mm=long,
                short_mm=short,
                location=lesion.normalized_location,
                center_mm=_center(lesion),
                image=lesion.png_path,
                flags=lesion.flags,
            )
        )
    return tuple(found)


def measured_from_datalist(content: Mapping[str, Any]) -> tuple[tuple[MeasuredLesion, ...], tuple[str, ...]]:
    """Take the lesions of a training list: all parts, without the regions to ignore.

    Sizes are the diameters that were measured, else the geometric mean of the sides of a box in mm. Lists made from
    DeepLesion tell patient, study and series by the name of the series. Other lists know no dates: each study UID, else
    series, else image, of a patient is a study of its own, numbered as the list has them, and the flag ``"undated"``
    says so.

    Args:
        content: from :func:`lungdet.datalists.read_datalist`.

    Returns:
        The lesions, and a line for every one that is left out, and why: it has no size in mm, it is no possible
        measurement, or its image was listed before.
    """
    found: dict[str, MeasuredLesion] = {}
    problems: list[str] = []
    studies: dict[str, list[str]] = defaultdict(list)
    for part in PARTS:
        for entry in content.get(part, ()):
            place = _study_of(entry, studies)
            for number, box, facts in _boxes(entry):
                key = f"{entry['image']}#{number}"
                try:
                    if key in found:
                        raise ValueError(f"{key}: the image is listed twice; its first entry is taken")
                    found[key] = _from_box(key, entry, place, box, facts, content.get("labels", {}), number)
                except (TypeError, ValueError) as error:
                    problems.append(str(error) if str(error).startswith(key) else f"{key}: {error}")
    return tuple(found.values()), tuple(problems)


def _center(lesion: Lesion) -> tuple[float, float, float]:
    """Middle of the four ends, LPS mm, in the frame that lungdet gives a series of DeepLesion."""
    xs, ys = lesion.recist_edge[0::2], lesion.recist_edge[1::2]
    affine = deeplesion_affine_lps(lesion.spacing_mm, lesion.key_slice)
    column, row = sum(xs) / 4 - 0.5, sum(ys) / 4 - 0.5  # edge frame to pixel centres
    return float(affine[0, 0] * column), float(affine[1, 1] * row), float(affine[2, 3])


def _study_of(entry: Mapping[str, Any], studies: dict[str, list[str]]) -> tuple[str, int, int, tuple[str, ...]]:
    """Patient, study, series and flags of an entry."""
    named = _SERIES_NAME.fullmatch(str(entry.get("series_uid") or ""))
    if named is not None:
        return named.group(1), int(named.group(2)), int(named.group(3)), ()
    patient = str(entry.get("patient_id") or entry["image"])
    provenance = entry.get("provenance") or {}
    study = str(provenance.get("study_uid") or entry.get("series_uid") or entry["image"])
    if study not in studies[patient]:
        studies[patient].append(study)
    return patient, 1 + studies[patient].index(study), 1, (UNDATED,)


def _boxes(entry: Mapping[str, Any]) -> Iterator[tuple[int, Sequence[float], Mapping[str, Any]]]:
    boxes = entry.get("box", [])
    facts = [*(entry.get("nodules") or ()), *[{}] * len(boxes)]  # boxes beyond have no facts
    yield from zip(range(len(boxes)), boxes, facts, strict=False)


def _size(box: Sequence[float], facts: Mapping[str, Any], frame: str) -> tuple[float, float | None] | None:
    """Long and short diameter in mm; None if there is none in mm."""
    if "diameter_mm" in facts:
        short = facts.get("short_diameter_mm")
        return float(facts["diameter_mm"]), None if short is None else float(short)
    if frame != "lps_mm":
        return None
    sides = [high - low for low, high in zip(box[:3], box[3:], strict=True)]
    return float((sides[0] * sides[1] * sides[2]) ** (1 / 3)), None


def _from_box(
    key: str,
    entry: Mapping[str, Any],
    place: tuple[str, int, int, tuple[str, ...]],
    box: Sequence[float],
    facts: Mapping[str, Any],
    labels: Mapping[str, str],
    number: int,
) -> MeasuredLesion:
    size = _size(box, facts, entry.get("box_frame", "lps_mm"))
    if size is None:
        raise ValueError(f"{key}: it has no size in mm; make the list with its images")
    patient, study, series, flags = place
    center = None
    if entry.get("box_frame", "lps_mm") == "lps_mm":
        center = ((box[0] + box[3]) / 2, (box[1] + box[4]) / 2, (box[2] + box[5]) / 2)
    label = labels.get(str(entry["label"][number]), "")
    return MeasuredLesion(
        key=key,
        patient=patient,
        study=study,
        series=series,
        lesion_type=_type(facts.get("lesion_type"), label),
        long_mm=size[0],
        short_mm=size[1],
        location=None if len(facts.get("location") or ()) != 3 else tuple(facts["location"]),
        center_mm=center,
        image=entry["image"],
        flags=(*facts.get("flags", ()), *flags),
    )


def _type(written: Any, label: str) -> str:
    """Lesion type by the facts of a box, else by its label."""
    for name in (written, label, _TYPE_OF_LABEL.get(label)):
        if name in TYPE_NAMES:
            return str(name)
    return UNKNOWN_TYPE
