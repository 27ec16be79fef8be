"""findings.csv is what the LUNA16 evaluation reads."""

import csv
import dataclasses
from pathlib import Path

from lungdet.records import DetectionReport, SeriesInfo
from lungdet.reports import reports_to_csv, write_csv
from lungdet.reports.csv_file import scan_name


def test_rows_by_hand(report: DetectionReport):
    assert reports_to_csv([report]).decode().splitlines() == [
        "seriesuid,coordX,coordY,coordZ,probability",
        "1.2.3,13.5000,-16.5000,112.5000,0.900000",
        "1.2.3,-27.2500,12.6250,131.2500,0.250000",
    ]


def test_files_of_luna16_are_named_after_the_series(report: DetectionReport):
    assert scan_name(SeriesInfo("subset0/1.3.6.1.4.mhd")) == "1.3.6.1.4"
    assert scan_name(SeriesInfo("subset0/1.3.6.1.4.mhd", series_uid="9.9")) == "9.9"


def test_many_reports_and_a_name_with_a_comma(report: DetectionReport, tmp_path: Path):
    other = dataclasses.replace(report, series=SeriesInfo('a,"b.nii'))
    write_csv(tmp_path / "all.csv", [report, other])
    with (tmp_path / "all.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["seriesuid"] for row in rows] == ["1.2.3", "1.2.3", 'a,"b', 'a,"b']
    assert float(rows[3]["probability"]) == 0.25


def test_no_findings_leave_the_head(report: DetectionReport, tmp_path: Path):
    write_csv(tmp_path / "one.csv", dataclasses.replace(report, findings=()))
    assert (tmp_path / "one.csv").read_text() == "seriesuid,coordX,coordY,coordZ,probability\n"
