"""What is to be read of the files and folders that a user names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lungdet.readers.plain_text import printable
from lungdet.readers.series_scan import SeriesScan, find_files, scan_files


@dataclass(frozen=True)
class StudyJob:
    """One study to read.

    Attributes:
        source: file or folder, as the user named it.
        series: key of the series in it; None leaves the choice to ``choose``.
        choose: rule for several series; None refuses them.
        problem: why this study cannot be read, known before it is tried; empty if nothing is known against it.
        files: what of ``source`` belongs to the study; all of it if empty.
        part: number of the study in its source, from 1, and how many there are.
    """

    source: str
    series: str | None
    choose: Literal["thinnest"] | None
    problem: str = ""
    files: tuple[Path, ...] = ()
    part: tuple[int, int] = (1, 1)


def find_studies(
    source: str | os.PathLike[str], series: str | None = None, choose: Literal["thinnest"] | None = "thinnest"
) -> list[StudyJob]:
    """Split a source that holds several studies.

    Args:
        source: a file, or a folder with the series of one study or of many.
        series: a key or series UID, which leaves nothing to split.
        choose: ``"thinnest"`` takes the thinnest axial series **of each study**; with None a source of several series
            is refused when it is read.

    Returns:
        One job per StudyInstanceUID, by UID, with the files of that study, so that nobody need look for them again; a
        single one, without files, for a source that is not split.

    Raises:
        SeriesError: the source does not exist or holds no file.
    """
    name = os.fspath(source)
    if series is not None or choose is None or Path(name).is_file():
        return [StudyJob(name, series, choose)]
    scan = scan_files(find_files(name), name)
    studies_of = _studies_by_series(scan)
    files = _files_by_study(scan, studies_of)
    if len(files) <= 1:
        return [StudyJob(name, None, choose)]
    problems = _problems_by_study(name, studies_of)
    return [
        StudyJob(name, None, choose, problems.get(study, ""), files[study], (number, len(files)))
        for number, study in enumerate(sorted(files), start=1)
    ]


def unique_sources(sources: Iterable[str | os.PathLike[str]]) -> list[str]:
    """Drop sources that were named before, by whatever path.

    Example:
        >>> unique_sources(["ct", "b/../ct/", "c"])
        ['ct', 'c']
    """
    first: dict[str, str] = {}
    for source in sources:
        first.setdefault(os.path.realpath(source), os.fspath(source))
    return list(first.values())


def _studies_by_series(scan: SeriesScan) -> dict[str, set[str]]:
    studies: dict[str, set[str]] = {}
    for fact in scan.slices:
        studies.setdefault(fact.series_uid, set()).add(fact.header.text("StudyInstanceUID"))
    return studies


def _files_by_study(scan: SeriesScan, studies_of: dict[str, set[str]]) -> dict[str, tuple[Path, ...]]:
    """Files by StudyInstanceUID: its slices, and the damaged files that no series of another study lays claim to.

    The reader must see the damaged ones: a slice that is missing at an end leaves no other trace.
    """
    files: dict[str, dict[Path, None]] = {}
    for fact in scan.slices:
        files.setdefault(fact.header.text("StudyInstanceUID"), {})[fact.path] = None
    for bad in scan.bad:
        for study in studies_of.get(bad.series_uid, files) if bad.series_uid else files:
            files[study][bad.path] = None
    return {study: tuple(paths) for study, paths in files.items()}


def _problems_by_study(source: str, studies_of: dict[str, set[str]]) -> dict[str, str]:
    """Say of studies that share a series, which none should, that they cannot be told apart.

    Each alone might be a part of a patient, and together they might be two patients.
    """
    problems: dict[str, str] = {}
    for series, studies in sorted(studies_of.items()):
        if series and len(studies) > 1:
            problem = f"series {series} is in {len(studies)} studies, so what belongs together cannot be told"
            remedy = "correct StudyInstanceUID, or name the series to read by its key"
            problems.update(dict.fromkeys(studies, printable(f"{source}: {problem}; {remedy}")))
    return problems
