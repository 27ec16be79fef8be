"""Several XML files about one series: join their reading sessions, and drop those that are there twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lungdet.records.mark import Mark, SeriesMarks


def join_files(parts: Sequence[SeriesMarks]) -> SeriesMarks:
    """Join what several files say about one series.

    A session is a repetition if an earlier file has one with exactly the same marks, by the same reader. LIDC-IDRI has
    such copies: files of one series that differ in their own UID alone. A session without marks is dropped only if its
    file has no new one with marks, for two readers may both have seen nothing.

    Args:
        parts: marks of one series, file by file, at least one.

    Returns:
        All sessions that are no repetition, counted through; ``notes`` tell what was dropped.

    Raises:
        ValueError: the files are of different series.
    """
    first = parts[0]
    if any(part.series_uid != first.series_uid for part in parts):
        raise ValueError(f"cannot join different series: {sorted({part.series_uid for part in parts})}")
    if len(parts) == 1:
        return first
    sessions = _by_session(first)
    notes = list(first.notes)
    for part in parts[1:]:
        notes += part.notes
        fresh = _fresh(_by_session(part), sessions)
        if dropped := part.sessions - len(fresh):
            notes.append(f"{part.sources[0]}: {dropped} of {part.sessions} sessions repeat {first.sources[0]}, dropped")
        sessions = sessions + fresh
    marks = tuple(replace(mark, session=index) for index, session in enumerate(sessions) for mark in session)
    sources = tuple(source for part in parts for source in part.sources)
    return SeriesMarks(first.series_uid, first.study_uid, len(sessions), marks, sources, tuple(notes))


def _by_session(part: SeriesMarks) -> list[list[Mark]]:
    sessions: list[list[Mark]] = [[] for _ in range(part.sessions)]
    for mark in part.marks:
        sessions[mark.session].append(mark)
    return sessions


def _fresh(new: list[list[Mark]], known: list[list[Mark]]) -> list[list[Mark]]:
    seen = {_content(session) for session in known}
    fresh = [session for session in new if session and _content(session) not in seen]
    empty = [session for session in new if not session]
    return fresh + empty if fresh else []


def _content(session: list[Mark]) -> tuple[Any, ...]:
    return tuple((mark.reader, mark.nodule_id, mark.kind, mark.contours, mark.ratings) for mark in session)
