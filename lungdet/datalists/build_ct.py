"""CT without labels to a training list: folders of DICOM, and volumes as files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lungdet.readers import RadiographError, SeriesError, list_series
from lungdet.readers.picture_identity import identify_picture
from lungdet.readers.series_candidate import SeriesCandidate
from lungdet.readers.volume_formats import is_volume_file

from .built import BuiltList
from .entry import ScanEntry

Progress = Callable[[Iterable[Any]], Iterable[Any]]
LEAST_SLICES = 8


def build_ct(
    sources: Sequence[str | Path],
    base: str | Path | None = None,
    patient_pattern: str = "",
    least_slices: int = LEAST_SLICES,
    progress: Progress = iter,
) -> BuiltList:
    """Make an entry without boxes for every CT that could be trained on without labels.

    A CT is a volume file (NIfTI, MetaImage, NRRD), or a folder of DICOM with an axial series of at least
    ``least_slices`` slices; where there are several series, the thinnest is taken when it is read. Only headers are
    read here. A patient is what the pattern finds in the path, else a hash of the ID in DICOM, else the study.

    Args:
        sources: files and folders; folders are searched through.
        base: folder that image paths are relative to; all CT must lie in it. That of the only source if None.
        patient_pattern: a regular expression that finds the patient in a path, in its first group if it has one.
        least_slices: of a DICOM series.
        progress: wraps the loop, for a progress bar.

    Raises:
        ValueError: the pattern is no regular expression, or there are several sources and no ``base``.
        OSError: a source is not there.
    """
    try:
        wanted = re.compile(patient_pattern) if patient_pattern else None
    except re.error as error:
        raise ValueError(f"the pattern of patients {patient_pattern!r} is no regular expression: {error}") from error
    root = _root(sources, base)
    entries, problems, unknown = [], [], 0
    for path in progress(list(_found(sources))):
        try:
            image = path.resolve().relative_to(root).as_posix()
            uid, known = _read(path, least_slices)
        except (SeriesError, RadiographError, ValueError, OSError) as error:
            problems.append(str(error) if str(path) in str(error) else f"{path}: {error}")
            continue
        match = wanted.search(image) if wanted is not None else None
        patient = known if match is None else match.group(1 if match.re.groups else 0)
        unknown += not patient
        entries.append(ScanEntry(image, patient or image, "lps_mm", series_uid=uid))
    notes = () if not unknown else (f"{unknown} of {len(entries)} CT tell no patient: each is taken for one",)
    return BuiltList("ct", tuple(entries), tuple(problems), notes, unknown_patients=unknown)


def _root(sources: Sequence[str | Path], base: str | Path | None) -> Path:
    if base is not None:
        return Path(base).resolve()
    if len(sources) != 1:
        raise ValueError(f"{len(sources)} sources need a folder that holds them all: give the folder of the images")
    only = Path(sources[0]).resolve()
    return only.parent if only.is_file() else only


def _found(sources: Sequence[str | Path]) -> Iterator[Path]:
    """Volume files, and folders that hold other files, in order."""
    for source in sources:
        path = Path(source)
        if path.is_file():
            yield path
            continue
        if not path.is_dir():
            raise FileNotFoundError(f"{path}: no such file or folder")
        for folder in [path, *sorted(each for each in path.rglob("*") if each.is_dir())]:
            files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
            yield from (file for file in files if is_volume_file(file))
            if any(not is_volume_file(file) for file in files):
                yield folder


def _read(path: Path, least_slices: int) -> tuple[str, str]:
    """Series UID and patient of a CT, as far as headers tell; both empty for a volume file."""
    if path.is_file():
        return "", ""
    files = sorted(file for file in path.iterdir() if file.is_file() and not is_volume_file(file))
    usable = [each for each in list_series(files) if _is_usable(each, least_slices)]
    if not usable:
        raise ValueError(f"{path}: no axial series of {least_slices} slices or more in it")
    thinnest = min(usable, key=lambda each: (each.slice_width_mm, each.key))
    person = identify_picture(thinnest.files[0], with_content=False)
    patient = f"id-{person.patient}" if person.patient else f"study-{person.study}" if person.study else ""
    return thinnest.series_uid, patient


def _is_usable(series: SeriesCandidate, least_slices: int) -> bool:
    return series.plane == "axial" and series.slices >= least_slices and series.step_mm is not None
