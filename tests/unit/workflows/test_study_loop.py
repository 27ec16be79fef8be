"""Study after study: results in order, bad ones told, a series once."""

import logging

import pytest

from lungdet.records import SeriesInfo
from lungdet.workflows.studies import StudyJob
from lungdet.workflows.study_loop import StudyLoop, jobs_of_all

JOBS = [StudyJob(name, None, None) for name in ("a", "b", "again", "c")]
SERIES = {"a": "1", "b": "2", "again": "1", "c": "3"}


def make_loop(bad: str = "") -> StudyLoop[str]:
    def work(job: StudyJob) -> str:
        info = SeriesInfo(job.source, SERIES[job.source])
        loop.first_of(info, job.source)
        if job.source == bad:
            raise ValueError(f"{job.source} is bad")
        loop.done(info, job.source)
        return f"{job.source} done"

    loop = StudyLoop(work, lambda source, error: f"{source} failed: {error}")
    return loop


def test_a_series_counts_once(caplog: pytest.LogCaptureFixture):
    loop = make_loop()
    loop(JOBS, progress=False)
    assert loop.results == ["a done", "b done", "c done"]
    assert "again: the same series as in a, left out" in caplog.text


def test_a_bad_study_is_told_and_its_series_is_tried_again():
    loop = make_loop(bad="a")
    loop([*JOBS, StudyJob("d", None, None, problem="no such folder")], progress=False)
    assert loop.results == ["a failed: a is bad", "b done", "again done", "c done", "d failed: no such folder"]


def test_nothing_to_do():
    loop = make_loop()
    loop([])
    assert loop.results == []


def test_what_the_caller_raises_costs_no_study(caplog: pytest.LogCaptureFixture):
    def shout(result: str) -> None:
        raise RuntimeError(result)

    loop = make_loop()
    with caplog.at_level(logging.ERROR):
        loop(JOBS, False, shout)
    assert len(loop.results) == 3
    assert "b: on_result failed: RuntimeError: b done" in caplog.text


def test_an_interruption_keeps_what_was_done():
    def stop(result: str) -> None:
        raise KeyboardInterrupt

    loop = make_loop()
    with pytest.raises(KeyboardInterrupt):
        loop(JOBS, False, stop)
    assert loop.results == ["a done"]


def test_a_source_that_is_not_there_is_a_job_with_a_problem(tmp_path):
    (job,) = jobs_of_all(tmp_path / "nowhere", None, "thinnest")
    assert "nowhere" in job.problem
