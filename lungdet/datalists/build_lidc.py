"""LIDC-IDRI to a training list."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lungdet.readers import LidcReport, read_ct
from lungdet.readers.errors import SeriesError
from lungdet.readers.luna16_tables import UNMEASURED_DIAMETER_MM
from lungdet.readers.read_options import ReadOptions
from lungdet.records import CTVolume, Nodule, SeriesMarks, nodule_type

from .built import BuiltList
from .consensus import find_nodules
from .entry import IgnoredBox, LabelledBox, ScanEntry
from .grouping import DEFAULT_GROUPING, GroupingRule
from .lidc_images import find_series
from .lidc_several import name_below, read_sources

Progress = Callable[[Iterable[Any]], Iterable[Any]]
UNKNOWN_DEPTH_MM = 1.0  # of a box on a single slice, where nothing tells the distance of slices
NO_IMAGES = "Without images boxes are in pixels and z mm (box_frame pixel_z_mm); give the images for boxes in LPS mm."
_PATIENT = re.compile(r"LIDC-IDRI-[0-9]{4}")
_READERS = 4
_SHOWN = 10


@dataclass(frozen=True)
class LidcChoice:
    """What to make of the marks.

    Attributes:
        min_readers: readers who must have outlined a nodule; one of fewer is an ignored region.
        level: share of them that must include a voxel of the consensus.
        rule: which marks are of one nodule.
    """

    min_readers: int = 3
    level: float = 0.5
    rule: GroupingRule = field(default_factory=lambda: DEFAULT_GROUPING)

    def __post_init__(self) -> None:
        if self.min_readers < 1:
            raise ValueError(f"min_readers must be 1 or more, got {self.min_readers}")
        if not 0 < self.level <= 1:
            raise ValueError(f"level must be above 0 and up to 1, got {self.level}")


def build_lidc(
    sources: Iterable[str | Path],
    base: str | Path | None = None,
    patients: Mapping[str, str] | None = None,
    choice: LidcChoice | None = None,
    progress: Progress = iter,
    reading: Mapping[str, Any] | None = None,
) -> BuiltList:
    """Make an entry for every series that was read, with or without nodules.

    Nodules that fewer than ``min_readers`` outlined, nodules < 3 mm and non-nodules are kept apart, as regions to
    ignore.

    Args:
        sources: XML files, folders or archives, as :func:`lungdet.readers.read_lidc` takes them. What several say of
            one series is joined.
        base: folder of the CT, see :func:`find_series`; boxes are then in LPS mm, and series without a CT are left out
            as problems. None leaves boxes in pixels and z mm.
        patients: patient by series UID; else the last part of the XML's path that is a patient's name as in
            ``LIDC-IDRI-0001``, else each study is a patient.
        choice: what to make of the marks.
        progress: wraps the loop over series, for a progress bar.
        reading: options of :func:`lungdet.readers.read_ct`. A CT that ``on_tilt="resample"`` had to straighten is left
            out all the same, for outlines are in pixels as acquired.

    Raises:
        TypeError: an option of reading is unknown.
        ValueError: an option of reading has a value that is not allowed, or there is no folder ``base``.
    """
    choice, sources, reading = choice or LidcChoice(), list(sources), reading or {}
    ReadOptions(**reading)  # refuse what is wrong once, not for every CT
    report = LidcReport()
    found = None if base is None else find_series(base)
    entries: list[ScanEntry] = []
    problems: list[str] = []
    for series in progress(read_sources(sources, report, problems)):
        try:
            image, volume = _ct_of(series.series_uid, found, base, reading)
            entries.append(_entry(series, image, volume, _patient(series, patients or {}), choice, sources))
        except Exception as error:  # whatever ails one CT, hundreds of others wait
            kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
            problems.append(
                f"{kind}{error}" if series.series_uid in str(error) else f"{series.series_uid}: {kind}{error}"
            )
    problems += map(str, report.problems)
    return BuiltList("lidc", tuple(entries), tuple(problems), _notes(report, entries, base is None))


def _ct_of(
    uid: str, found: Mapping[str, Path] | None, base: str | Path | None, reading: Mapping[str, Any]
) -> tuple[str, CTVolume | None]:
    """Path below ``base`` and volume of a series; its UID and None where no images are given."""
    if found is None or base is None:
        return uid, None
    if uid not in found:
        raise SeriesError(f"{base}: no CT of series {uid}; fetch it, or give another folder")
    path = found[uid]
    return path.relative_to(base).as_posix(), read_ct(path, series=None if path.is_file() else uid, **reading)


def _entry(
    series: SeriesMarks,
    image: str,
    volume: CTVolume | None,
    patient: str,
    choice: LidcChoice,
    sources: Sequence[str | Path],
) -> ScanEntry:
    boxes, ignored = [], []
    for nodule in find_nodules(series, level=choice.level, rule=choice.rule, image=volume):
        reason = _reason(nodule, choice.min_readers)
        if reason:
            ignored.append(IgnoredBox(_box(nodule), reason, {"kind": nodule.kind, **_facts(nodule)}))
        else:
            weight = nodule.agreement / nodule.sessions
            boxes.append(LabelledBox(_box(nodule), weight=weight, facts=_facts(nodule)))
    return ScanEntry(
        image=image,
        patient_id=patient,
        box_frame="pixel_z_mm" if volume is None else "lps_mm",
        boxes=tuple(boxes),
        ignored=tuple(ignored),
        series_uid=series.series_uid,
        sources=tuple(name_below(name, sources) for name in series.sources),
        facts={"study_uid": series.study_uid, "sessions": series.sessions, **_steps(volume)},
    )


def _reason(nodule: Nodule, min_readers: int) -> str:
    """Why a nodule is not trained on; empty if it is."""
    if nodule.kind == "small_nodule":
        return "nodule < 3 mm"
    if nodule.kind == "non_nodule":
        return "non-nodule"
    few = nodule.agreement < min_readers
    return f"outlined by {nodule.agreement}, fewer than {min_readers} readers" if few else ""


def _box(nodule: Nodule) -> tuple[float, ...]:
    """Box of the consensus; where there are only points, and millimetres, a cube of 10 mm as in LUNA16."""
    if nodule.placement is None:
        x0, y0, z0, x1, y1, z1 = nodule.consensus.box
        lacks = UNKNOWN_DEPTH_MM / 2 if z1 <= z0 else 0.0
        return x0, y0, z0 - lacks, x1, y1, z1 + lacks
    if nodule.kind == "nodule":
        return nodule.placement.box_lps_mm
    half = UNMEASURED_DIAMETER_MM / 2
    center = nodule.placement.center_lps_mm
    return (*(at - half for at in center), *(at + half for at in center))


def _facts(nodule: Nodule) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "readers": nodule.agreement,
        "seen_by": nodule.seen_by,
        "votes": nodule.votes,
        "ratings": {
            rating.name: {"median": rating.median, "spread": rating.spread, "values": list(rating.values)}
            for rating in nodule.ratings
        },
        "nodule_ids": [mark.nodule_id for mark in nodule.marks],
    }
    texture, calcification = nodule.rating("texture"), nodule.rating("calcification")
    kind = nodule_type(texture.values if texture else (), calcification.values if calcification else ())
    if kind is not None:
        facts["type"] = kind
    if nodule.placement is not None:
        facts["center_lps_mm"] = [round(value, 4) for value in nodule.placement.center_lps_mm]
    if nodule.median_volume_mm3 is not None and nodule.median_diameter_mm is not None:
        facts["volume_mm3"] = round(nodule.median_volume_mm3, 3)
        facts["diameter_mm"] = round(nodule.median_diameter_mm, 4)
    return {**facts, "notes": list(nodule.notes)} if nodule.notes else facts


def _patient(series: SeriesMarks, patients: Mapping[str, str]) -> str:
    """Patient by the table, else by the last ``LIDC-IDRI-dddd`` of the XML's path, else the study."""
    if series.series_uid in patients:
        return patients[series.series_uid]
    named = {named for source in series.sources if (named := _patient_in(source))}
    if len(named) > 1:
        raise ValueError(f"{series.series_uid}: its XML files lie with several patients: {', '.join(sorted(named))}")
    return named.pop() if named else series.study_uid or series.series_uid


def _patient_in(source: str) -> str:
    """Return the last part of a path that is a patient's name; parts such as ``LIDC-IDRI-0001-0150`` are none."""
    parts = re.split(r"[/\\]", source.removesuffix(".xml"))
    return next((part for part in reversed(parts) if _PATIENT.fullmatch(part)), "")


def _steps(volume: CTVolume | None) -> dict[str, Any]:
    return {"ct_steps": list(volume.info.steps)} if volume is not None and volume.info.steps else {}


def _notes(report: LidcReport, entries: Iterable[ScanEntry], pixels: bool) -> tuple[str, ...]:
    notes = [NO_IMAGES] if pixels else []
    if report.radiographs:
        notes.append(f"{len(report.radiographs)} XML files about chest radiographs skipped")
    if report.notes:
        notes.append(f"{len(report.notes)} oddities in the XML files were taken as documented; the first are:")
        notes += report.notes[:_SHOWN]
    counts = {entry.series_uid: entry.facts["sessions"] for entry in entries}
    if odd := [f"{uid} has {count}" for uid, count in counts.items() if count != _READERS]:
        more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        notes.append(f"not {_READERS} reading sessions, as LIDC-IDRI has, in: {', '.join(odd[:_SHOWN])}{more}")
    if any(not _PATIENT.fullmatch(entry.patient_id) for entry in entries):
        notes.append("LIDC's XML names no patients: give a CSV of patients, or each study is taken for one.")
    return tuple(notes)
