"""The marks of LIDC-IDRI from several places at once, each series one record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lungdet.readers import LidcReport, read_lidc
from lungdet.readers.label_errors import AnnotationError
from lungdet.readers.lidc_cost import check_series
from lungdet.readers.lidc_join import join_files
from lungdet.readers.lidc_limits import DEFAULT_LIDC_LIMITS
from lungdet.records import SeriesMarks


def read_sources(sources: Sequence[str | Path], report: LidcReport, problems: list[str]) -> Iterator[SeriesMarks]:
    """Read the marks of several sources; what they say of one series is joined, sessions that repeat are dropped.

    One source is read series by series. Several are read to their end first, for the last may speak of any series.

    Args:
        sources: as :func:`lungdet.readers.read_lidc` takes them.
        report: filled in on the way.
        problems: a source that cannot be read as a whole is told here, and left out.

    Yields:
        One record for each series.
    """
    if len(sources) == 1:
        yield from _read(sources[0], report, problems)
        return
    parts: dict[str, list[SeriesMarks]] = {}
    for source in sources:
        for series in _read(source, report, problems):
            parts.setdefault(series.series_uid, []).append(series)
    for uid in list(parts):
        several = parts.pop(uid)
        joined = join_files(several)
        try:
            check_series(joined, DEFAULT_LIDC_LIMITS)
        except AnnotationError as error:
            problems.append(str(error))
            continue
        known = {note for series in several for note in series.notes}
        report.notes += [note for note in joined.notes if note not in known]
        yield joined


def name_below(name: str, sources: Sequence[str | Path]) -> str:
    """Return the path of a file below the source that it came from; of a source that is a file, its name.

    Example:
        >>> name_below("a/xml/157/158.xml", ["b", "a/xml"])
        '157/158.xml'
        >>> name_below("all.zip/157/158.xml", ["all.zip"]), name_below("a/158.xml", ["a/158.xml"])
        ('157/158.xml', '158.xml')
    """
    path = Path(name)
    for source in map(Path, sources):
        if path != source and path.is_relative_to(source):
            return path.relative_to(source).as_posix()
    return path.name


def _read(source: str | Path, report: LidcReport, problems: list[str]) -> Iterator[SeriesMarks]:
    try:
        yield from read_lidc(source, report=report)
    except (AnnotationError, OSError) as error:
        problems.append(str(error))
