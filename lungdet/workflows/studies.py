"""What is to be read of the files and folders that a user names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from lungdet.readers import SeriesCandidate, SeriesError, list_series
from lungdet.readers.series_groups import choose_series, facts_of
from lungdet.readers.series_scan import SeriesScan


@dataclass(frozen=True)
class StudyJob:
    """One series to read.

    Attributes:
        source: file or folder.
        series: key of the series in it; None leaves the choice to ``choose``.
        choose: rule for several series; None refuses them.
        problem: why this study cannot be read, known before it is tried; empty if nothing is known against it.
    """

    source: str
    series: str | None
    choose: Literal["thinnest"] | None
    problem: str = ""


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
        One job per StudyInstanceUID, by UID; a single one for a source that is not split.

    Raises:
        SeriesError: the source cannot be listed.
    """
    name = os.fspath(source)
    if series is not None or choose is None:
        return [StudyJob(name, series, choose)]
    by_study: dict[str, list[SeriesCandidate]] = {}
    for candidate in list_series(name):
        by_study.setdefault(_study_uid(candidate), []).append(candidate)
    if len(by_study) <= 1:
        return [StudyJob(name, None, choose)]
    return [_job(name, candidates, choose) for _, candidates in sorted(by_study.items())]


def _job(source: str, candidates: list[SeriesCandidate], choose: Literal["thinnest"]) -> StudyJob:
    try:
        return StudyJob(source, choose_series(candidates, SeriesScan(source), None, choose).key, None)
    except SeriesError as error:
        return StudyJob(source, None, None, str(error))


def _study_uid(candidate: SeriesCandidate) -> str:
    facts = facts_of(candidate)
    return facts[0].header.text("StudyInstanceUID") if facts else ""
