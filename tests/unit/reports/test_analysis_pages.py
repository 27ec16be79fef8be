"""What an analysis found, in the page, the CSV, the text and the pictures; nothing of it where none was made."""

import csv
import dataclasses
import io
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from lungdet.records import CTVolume, DetectionReport, LungsFound, LungSideFacts
from lungdet.reports import draw_pictures, report_to_html, report_to_text, reports_to_csv, write_study
from lungdet.reports.measured_axes import axial_lines
from lungdet.reports.pictures import CLOSEUP_MM, CLOSEUP_PX, MARK_INDEX
from lungdet.reports.planes import PatientView


def page(report: DetectionReport, volume: CTVolume, created: datetime) -> str:
    return report_to_html(report, draw_pictures(report, volume, 2), created).decode()


def test_the_page_tells_all_and_escapes_it(analyzed: DetectionReport, volume: CTVolume, created: datetime):
    text = page(analyzed, volume, created)
    for said in (
        "9.0 x 7.0", "300", "part-solid", "0.88", "3.5 ± 0.5", "4.5", "left", "0.12", "5000 ml", "-850 HU", "2.2 %",
        "This is no diagnosis", "nothing stands out &lt;here&gt;", "slices are &lt;thick&gt;", "One &lt;note&gt;.",
        "detector &amp; classifier together", "nodule_classifier 0.1.0", "version 1", "solid 12%", "+50 % (grows)",
        "200 to 300 mm³ in 90 days, doubling time 154 days (95 % limits 100)",
    ):  # fmt: skip
        assert said in text, said
    assert "with its diameters" in text


def test_without_an_analysis_the_page_shows_none(report: DetectionReport, volume: CTVolume, created: datetime):
    text = page(report, volume, created)
    for said in ("Malignancy", "Lungs", "Other models", "Method of measuring", "What to know", "diagnosis.</strong>"):
        assert said not in text


def test_no_lungs_and_no_findings_have_a_page(analyzed: DetectionReport, volume: CTVolume, created: datetime):
    none = LungSideFacts(0.0)
    lungs = LungsFound(none, none, none, reason="there is no air in the body")
    text = page(dataclasses.replace(analyzed, findings=(), lungs=lungs, risk=None), volume, created)
    assert "No lungs were found: there is no air in the body." in text
    assert "marked nothing" in text
    assert "Malignancy" not in text
    assert "as a whole" not in text


def test_columns_that_nobody_knows_are_left_out(analyzed: DetectionReport, volume: CTVolume, created: datetime):
    findings = tuple(dataclasses.replace(item, answer=None) for item in analyzed.findings)
    text = page(dataclasses.replace(analyzed, findings=findings), volume, created)
    assert ">Malignancy" not in text
    assert ">Volume" in text


def test_csv_rows_by_hand(analyzed: DetectionReport, report: DetectionReport):
    rows = list(csv.DictReader(io.StringIO(reports_to_csv([analyzed]).decode())))
    assert list(rows[0])[:5] == ["seriesuid", "coordX", "coordY", "coordZ", "probability"]
    assert rows[0]["volume_mm3"] == "300.0000"
    assert (rows[0]["type"], rows[0]["type_probability"], rows[0]["density"]) == ("part_solid", "0.5000", "part_solid")
    assert (rows[0]["malignancy"], rows[0]["malignancy_sd"], rows[0]["margin"]) == ("3.5000", "0.5000", "")
    assert (rows[0]["change_percent"], rows[0]["growth"], rows[0]["doubling_days"]) == ("50.0000", "grows", "153.9000")
    assert (rows[0]["probability"], rows[0]["detector_score"]) == ("0.900000", "0.750000")
    assert set(list(rows[1].values())[5:]) == {""}
    both = list(csv.DictReader(io.StringIO(reports_to_csv([report, analyzed]).decode())))
    assert [row["side"] for row in both] == ["", "", "left", ""]


def test_the_text_tells_it_on_lines(analyzed: DetectionReport):
    lines = report_to_text(analyzed).splitlines()
    row = next(line for line in lines if line.strip().startswith("1  0.900"))
    assert row.split() == [
        "1",
        "0.900",
        "9.0",
        "x",
        "7.0",
        "300",
        "part-solid",
        "0.88",
        "3.5",
        "±",
        "0.5",
        "left",
        "4.5",
        "6",
    ]
    assert "        grows: 200 to 300 mm³ in 90 days, doubling time 154 days (95 % limits 100)" in lines
    assert "        not measured: nothing stands out <here>" in lines
    assert "  lungs: 5000 ml (right 2500 ml, left 2500 ml), -850 HU, 2.2 % below -950 HU" in lines
    assert any(line.startswith("  scan: probability 0.12") and "no diagnosis" in line for line in lines)


def test_diameters_are_drawn_where_they_were_measured(analyzed: DetectionReport, volume: CTVolume):
    picture = np.asarray(Image.open(io.BytesIO(draw_pictures(analyzed, volume, 1)["finding_01_axial_closeup.png"])))
    rows, columns = np.nonzero(picture == MARK_INDEX)
    px_per_mm = CLOSEUP_PX / CLOSEUP_MM
    assert abs((columns.max() - columns.min()) - 9.0 * px_per_mm) <= 3  # 49.5 to 58.5 at 1 mm
    assert abs((rows.max() - rows.min()) - 7.0 * px_per_mm) <= 3


def test_diameters_follow_a_turned_volume(analyzed: DetectionReport, volume: CTVolume):
    found = analyzed.findings[0].measurement
    assert found is not None
    index, lines = axial_lines(PatientView.of(volume), found)
    assert (index, lines[0]) == (5, ((50.0, 14.5), (59.0, 14.5)))
    turned = volume.affine_lps @ np.diag([-1.0, 1.0, -1.0, 1.0])  # columns and slices run the other way
    index, lines = axial_lines(PatientView.of(CTVolume(volume.array, turned, volume.info)), found)
    assert (index, lines[0]) == (20 - 1 - 5, ((30.0, 14.5), (21.0, 14.5)))
    sagittal = volume.affine_lps[:, [2, 0, 1, 3]]
    assert axial_lines(PatientView.of(CTVolume(volume.array, sagittal, volume.info)), found) is None


def test_the_picture_of_the_lungs_comes_and_goes(analyzed: DetectionReport, volume: CTVolume, tmp_path: Path):
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    labels[10:30, 10:40, 4:16] = 1
    page = write_study(tmp_path / "study", analyzed, volume, 0, lung_labels=labels).read_text()
    assert (tmp_path / "study" / "pictures" / "lungs.png").is_file()
    assert "The lungs as they were found" in page
    page = write_study(tmp_path / "study", analyzed, volume, 0).read_text()
    assert not (tmp_path / "study" / "pictures" / "lungs.png").exists()
    assert "The lungs as they were found" not in page
