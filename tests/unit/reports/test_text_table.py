"""The table for the terminal."""

import dataclasses

from lungdet.records import DetectionReport
from lungdet.reports import report_to_text


def test_a_report_by_hand(report: DetectionReport):
    lines = report_to_text(report).splitlines()
    assert lines[0] == "/data/chest: series 1.2.3 'Thorax', 20 slices"
    assert lines[1] == "  2 duplicate slices dropped"
    assert lines[3].split() == ["1", "0.900", "13.5", "-16.5", "112.5", "7.8", "6"]
    assert lines[-1] == "  2 findings"
    assert report_to_text(dataclasses.replace(report, findings=())).endswith("\n  no findings")


def test_a_study_of_several_says_which_it_is(report: DetectionReport):
    first = report_to_text(report, (1, 2)).splitlines()[0]
    assert first == "/data/chest, study 1 of 2: series 1.2.3 'Thorax', 20 slices"


def test_a_file_cannot_steer_the_terminal(report: DetectionReport):
    evil = "a\x1b[2J\r\x9b1m\u202e\udce4\nb"
    series = dataclasses.replace(report.series, source=evil, series_uid=evil, description=evil, steps=(evil,))
    text = report_to_text(dataclasses.replace(report, series=series))
    assert text.replace("\n", "").isprintable()
    assert len(text.splitlines()) == 6
