"""Study after study: a bad one does not stop the rest, and no series is processed twice."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import Generic, Literal, TypeVar

from lungdet.records import SeriesInfo
from lungdet.reports import series_digest

from .explain import explain
from .studies import StudyJob, find_studies, unique_sources

logger = logging.getLogger(__name__)

Source = str | os.PathLike[str]
Result = TypeVar("Result")


class SeenTwiceError(Exception):
    """Tells the loop that the series of a job has been processed."""


class StudyLoop(Generic[Result]):
    """Process studies one after another.

    Args:
        work: processes a job; it calls :meth:`first_of` as soon as it knows the series, and :meth:`done` at its end.
        failed: makes a result of a job's source and of what went wrong.

    Attributes:
        results: so far, in the order of the jobs; also after an interruption.
    """

    def __init__(self, work: Callable[[StudyJob], Result], failed: Callable[[str, str], Result]) -> None:
        self._work, self._failed = work, failed
        self.results: list[Result] = []
        self._sources: dict[str, str] = {}  # by digest of the series

    def __call__(
        self, jobs: Iterable[StudyJob], progress: bool = True, on_result: Callable[[Result], None] | None = None
    ) -> None:
        """Process all jobs.

        Args:
            jobs: as :func:`jobs_of_all` gives them.
            progress: show a bar, if the error stream is a terminal.
            on_result: called with each result as soon as it is there; what it raises is logged.
        """
        from tqdm import tqdm

        for job in tqdm(jobs, unit="study", disable=None if progress else True):
            try:
                result = self._failed(job.source, job.problem) if job.problem else self._work(job)
            except SeenTwiceError as seen:
                logger.warning("%s", seen)
                continue
            except Exception as error:  # one bad study does not stop the rest
                logger.debug("%s: failed", job.source, exc_info=True)
                result = self._failed(job.source, explain(error))
            self.results.append(result)
            if on_result is not None:
                _tell(on_result, result, job.source)

    def first_of(self, series: SeriesInfo, source: str) -> None:
        """Go on only with a series that has not been processed.

        Raises:
            SeenTwiceError: it has, from another source or from a part of this one.
        """
        before = self._sources.get(series_digest(series))
        if before is not None:
            raise SeenTwiceError(f"{source}: the same series as in {before}, left out")

    def done(self, series: SeriesInfo, source: str) -> None:
        """Tell that a series has its result; one that failed may be tried again from another source."""
        self._sources[series_digest(series)] = source


def jobs_of_all(
    sources: Source | Iterable[Source], series: str | None, choose: Literal["thinnest"] | None
) -> list[StudyJob]:
    """Split sources into studies, each source once; one in which nothing can be found is a job with a problem.

    Args:
        sources: files or folders.
        series: which series to read; see :func:`find_studies`.
        choose: rule for several series.
    """
    named = unique_sources([sources] if isinstance(sources, (str, os.PathLike)) else sources)
    return [job for source in named for job in _jobs_of(source, series, choose)]


def _jobs_of(source: str, series: str | None, choose: Literal["thinnest"] | None) -> list[StudyJob]:
    try:
        return find_studies(source, series, choose)
    except Exception as error:  # one bad source does not stop the rest
        return [StudyJob(source, series, choose, explain(error))]


def _tell(on_result: Callable[[Result], None], result: Result, source: str) -> None:
    try:
        on_result(result)
    except Exception as error:  # no reason to lose the studies that are still to come
        logger.error("%s: on_result failed: %s", source, explain(error), exc_info=logger.isEnabledFor(logging.DEBUG))
