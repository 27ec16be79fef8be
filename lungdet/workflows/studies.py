"""What is to be read of the files and folders that a user names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
    """

    source: str
    series: str | None
    choose: Literal["thinnest"] | None
    problem: str = ""
    files: tuple[Path, ...] = ()


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
    studies = _files_by_study(scan_files(find_files(name), name))
    if len(studies) <= 1:
        return [StudyJob(name, None, choose)]
    return [StudyJob(name, None, choose, files=files) for _, files in sorted(studies.items())]


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


def _files_by_study(scan: SeriesScan) -> dict[str, tuple[Path, ...]]:
    """Files by StudyInstanceUID: its slices, and the damaged files that no series of another study lays claim to.

    The reader must see the damaged ones: a slice that is missing at an end leaves no other trace.
    """
    slices: dict[str, dict[Path, None]] = {}
    claims: dict[str, set[str]] = {}  # studies by series
    for fact in scan.slices:
        study = fact.header.text("StudyInstanceUID")
        slices.setdefault(study, {})[fact.path] = None
        claims.setdefault(fact.series_uid, set()).add(study)
    everyone = set(slices)
    for bad in scan.bad:
        for study in claims.get(bad.series_uid, everyone) if bad.series_uid else everyone:
            slices[study][bad.path] = None
    return {study: tuple(paths) for study, paths in slices.items()}
