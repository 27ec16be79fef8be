"""What speaks against a scan stands above its findings, in every file."""

import dataclasses
import json
from datetime import datetime

from lungdet.records import CTVolume, DetectionReport
from lungdet.reports import draw_pictures, report_from_json, report_to_html, report_to_json

WARNING = "no slice holds lung: they score as <pelvis>"


def test_warnings_are_kept_and_shown(report: DetectionReport, volume: CTVolume, created: datetime):
    warned = dataclasses.replace(report, warnings=(WARNING,))
    assert report_from_json(report_to_json(warned)) == warned
    page = report_to_html(warned, draw_pictures(warned, volume, 1), created).decode()
    assert "<strong>Warning:</strong> No slice holds lung: they score as &lt;pelvis&gt;." in page
    assert page.index("<strong>Warning:") < page.index("2 findings")
    plain = report_to_html(report, draw_pictures(report, volume, 1), created).decode()
    assert "<strong>Warning:" not in plain


def test_files_of_older_versions_are_read(report: DetectionReport):
    content = json.loads(report_to_json(report))
    assert content.pop("warnings") == []
    assert report_from_json(json.dumps(content)) == report
