"""LIDC-IDRI: every mark of every reader, from the XML files as downloaded."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lungdet.records.mark import SeriesMarks

from .label_errors import AnnotationError, LabelProblem
from .lidc_cost import check_series
from .lidc_join import join_files
from .lidc_limits import DEFAULT_LIDC_LIMITS, LidcLimits
from .lidc_parse import parse_lidc, peek_series_uid
from .lidc_sources import open_documents, path_order

logger = logging.getLogger(__name__)


@dataclass
class LidcReport:
    """What became of the files of a run; :func:`read_lidc` fills it in as it goes.

    Attributes:
        files: XML files found. It is known before the first series comes, for a progress bar.
        read: files read as CT marks.
        radiographs: ``IdriReadMessage`` files: chest radiographs, skipped.
        series: series that came out.
        problems: files that could not be read, and why.
        notes: what was odd in those that could, and how it was taken.
    """

    files: int = 0
    read: int = 0
    radiographs: list[str] = field(default_factory=list)
    series: int = 0
    problems: list[LabelProblem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_lidc(
    source: str | Path, *, report: LidcReport | None = None, limits: LidcLimits = DEFAULT_LIDC_LIMITS
) -> Iterator[SeriesMarks]:
    """Read the marks of LIDC-IDRI, series by series.

    The source is gone through twice: first for the series' UIDs alone, so that files about one series, wherever they
    lie, come out joined, then for the marks. Only series that wait for a further file are held, so memory stays flat.

    Args:
        source: an XML file, a folder tree, a zip, tar or tar.gz (nothing is unpacked to disk).
        report: filled in on the way. With it, files that cannot be read are listed there and logged, and the run goes
            on; without it the first one raises.
        limits: budgets against hostile files.

    Yields:
        One record for each series, when its last file is read.

    Raises:
        FileNotFoundError: there is no such source.
        AnnotationError: a file cannot be trusted and there is no ``report``, or the source holds no XML at all, or an
            archive is damaged as a whole.
    """
    run = _Run(LidcReport() if report is None else report, limits, raising=report is None)
    run.count(source)
    if run.files == 0:
        raise AnnotationError([LabelProblem(str(source), None, "holds no XML file; give the folder that does")])
    try:
        for name, stream in open_documents(source, limits, run.complain):
            try:
                marks = parse_lidc(stream, name, limits)
            except AnnotationError as error:
                run.complain(error)
                yield from run.give_up(name)
            else:
                yield from run.take(name, marks)
    except AnnotationError as error:  # the archive breaks off
        run.complain(error)
    yield from run.rest()


class _Run:
    """One walk through a source: which series still wait for files, and what is to be told of it."""

    def __init__(self, report: LidcReport, limits: LidcLimits, raising: bool) -> None:
        self.report, self.limits, self.raising = report, limits, raising
        self.files = 0
        self._uids: dict[str, str] = {}  # by name of file; empty for a radiograph
        self._missing: Counter[str] = Counter()
        self._parts: dict[str, list[SeriesMarks]] = {}

    def count(self, source: str | Path) -> None:
        """Go through the heads of all files. What is wrong with one is told when it is read."""
        refused: list[AnnotationError] = []
        try:
            for name, stream in open_documents(source, self.limits, refused.append):
                self.files += 1
                with contextlib.suppress(AnnotationError):
                    self._uids[name] = uid = peek_series_uid(stream, name, self.limits)
                    self._missing[uid] += 1
        except AnnotationError as error:
            refused.append(error)
        self.files += len(refused)
        self.report.files += self.files

    def complain(self, error: AnnotationError) -> None:
        """List what is wrong with a file, or raise it if nobody keeps a list."""
        if self.raising:
            raise error
        logger.warning("left out: %s", error)
        self.report.problems += error.problems

    def take(self, name: str, marks: SeriesMarks | None) -> Iterator[SeriesMarks]:
        """Keep what a file says; give the series out if that was its last one."""
        if marks is None:
            self.report.radiographs.append(name)
            return
        self.report.read += 1
        self._parts.setdefault(marks.series_uid, []).append(marks)
        yield from self._settle(marks.series_uid)

    def give_up(self, name: str) -> Iterator[SeriesMarks]:
        """A file could not be read: its series waits for it no longer."""
        if uid := self._uids.get(name, ""):
            yield from self._settle(uid)

    def rest(self) -> Iterator[SeriesMarks]:
        """Give out the series whose last file never came."""
        for uid in list(self._parts):
            yield from self._finish(uid)

    def _settle(self, uid: str) -> Iterator[SeriesMarks]:
        self._missing[uid] -= 1
        if self._missing[uid] <= 0 and uid in self._parts:
            yield from self._finish(uid)

    def _finish(self, uid: str) -> Iterator[SeriesMarks]:
        parts = sorted(self._parts.pop(uid), key=lambda part: path_order(part.sources[0]))
        series = join_files(parts)
        try:
            check_series(series, self.limits)
        except AnnotationError as error:
            self.complain(error)
            return
        self.report.series += 1
        self.report.notes += series.notes
        yield series
