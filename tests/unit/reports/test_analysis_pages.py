"""What an analysis found, in the page, the CSV, the text and the pictures; nothing of it where none was made."""

import csv
import dataclasses
import io
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from lungdet.records import CTVolume, DetectionReport, LungsFound, LungSideFacts, RatingAnswer
from lungdet.reports import draw_pictures, report_to_html, report_to_text, reports_to_csv, write_study
from lungdet.reports.analysis_words import volume_words
from lungdet.reports.measured_axes import measured_index, measured_lines
from lungdet.reports.pictures import CLOSEUP_MM, CLOSEUP_PX, MARK_INDEX
from lungdet.reports.planes import AXIAL, CORONAL, SAGITTAL, PatientView


def page(report: DetectionReport, volume: CTVolume, created: datetime) -> str:
    return report_to_html(report, draw_pictures(report, volume, 2), created).decode()


def test_the_page_tells_all_and_escapes_it(analyzed: DetectionReport, volume: CTVolume, created: datetime):
    text = page(analyzed, volume, created)
    for said in (
        "9.0 × 7.0", "300", "part-solid", "0.88", "3.5 ± 0.5", "4.5", "left", "0.12", "5000", "−850", "2.2",
        "This is no diagnosis", "nothing stands out &lt;here&gt;", "Slices are &lt;thick&gt;", "One &lt;note&gt;.",
        "detector &amp; classifier together", "nodule_classifier 0.1.0", "version 1", "solid 12%", "+50 % (grows)",
        "200 to 300 mm³ in 90 days, doubling time 154 days (95 % limits 100)",
    ):  # fmt: skip
        assert said in text, said
    assert "with its diameters" in text


def test_without_an_analysis_the_page_shows_none(report: DetectionReport, volume: CTVolume, created: datetime):
    text = page(report, volume, created)
    for said in ("Malignancy", ">Lungs<", "Other models", "Method of measuring", "What to know", "diagnosis.</strong>"):
        assert said not in text


def test_no_lungs_and_no_findings_have_a_page(analyzed: DetectionReport, volume: CTVolume, created: datetime):
    none = LungSideFacts(0.0)
    lungs = LungsFound(none, none, none, reason="there is no air in the body")
    text = page(dataclasses.replace(analyzed, findings=(), lungs=lungs, risk=None), volume, created)
    assert "No lungs were found: there is no air in the body." in text
    assert "marked nothing" in text
    assert "Malignancy" not in text
    assert "as a whole" not in text


def test_a_probability_beside_no_findings_says_what_it_is_made_of(
    analyzed: DetectionReport, volume: CTVolume, created: datetime
):
    said = "pooled from the detector's 6 best candidates, none of which reaches the threshold of a finding"
    none = dataclasses.replace(analyzed, findings=())
    assert f"trained on, {said}." in page(none, volume, created)
    assert f"trained label (scan_risk), {said}; no diagnosis" in report_to_text(none)
    assert "6 best candidates, also those below the threshold" in page(analyzed, volume, created)
    assert analyzed.risk is not None
    empty = dataclasses.replace(none, risk=dataclasses.replace(analyzed.risk, candidates=0))
    assert "trained on, from no candidate." in page(empty, volume, created)


def test_what_the_lungs_say_is_not_said_again_of_the_scan(
    analyzed: DetectionReport, volume: CTVolume, created: datetime
):
    assert analyzed.risk is not None
    risk = dataclasses.replace(analyzed.risk, notes=("of itself", "one <note>"))
    report = dataclasses.replace(analyzed, risk=risk)
    assert page(report, volume, created).count("One &lt;note&gt;.") == 1
    assert report_to_text(report).count("one <note>") == 1
    assert "  of itself" in report_to_text(report).splitlines()
    assert "one <note>" in report_to_text(dataclasses.replace(report, lungs=None))


def test_volumes_of_a_column_have_the_same_decimals(analyzed: DetectionReport):
    first = analyzed.findings[0]
    assert first.measurement is not None
    sizes = {47.0: "47", 47.34: "47", 127.6: "128", 1168.0: "1170", 12345.6: "12300"}
    for volume_mm3, words in sizes.items():
        measurement = dataclasses.replace(first.measurement, volume_mm3=volume_mm3)
        assert volume_words(dataclasses.replace(first, measurement=measurement)) == words


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
    assert (rows[0]["malignancy"], rows[0]["malignancy_sd"]) == ("3.5000", "0.5000")
    assert (rows[0]["change_percent"], rows[0]["growth"], rows[0]["doubling_days"]) == ("50.0000", "grows", "153.9000")
    assert (rows[0]["probability"], rows[0]["detector_score"]) == ("0.900000", "0.750000")
    assert {name for name, value in list(rows[1].items())[5:] if value} == {"slice", "slice_mm"}
    both = list(csv.DictReader(io.StringIO(reports_to_csv([report, analyzed]).decode())))
    assert [row["side"] for row in both] == ["", "", "left", ""]


def test_the_text_tells_it_on_lines(analyzed: DetectionReport):
    lines = report_to_text(analyzed).splitlines()
    row = next(line for line in lines if line.strip().startswith("1  0.900"))
    assert row.split() == [
        "1",
        "0.900",
        "9.0",
        "×",
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
    view = PatientView.of(volume)
    assert (measured_index(view, AXIAL, found), measured_index(view, CORONAL, found)) == (5, None)
    assert measured_lines(view, AXIAL, found)[0] == ((50.0, 14.5), (59.0, 14.5))
    turned = volume.affine_lps @ np.diag([-1.0, 1.0, -1.0, 1.0])  # columns and slices run the other way
    view = PatientView.of(CTVolume(volume.array, turned, volume.info))
    assert measured_index(view, AXIAL, found) == 20 - 1 - 5
    assert measured_lines(view, AXIAL, found)[0] == ((30.0, 14.5), (21.0, 14.5))


def test_diameters_of_sagittal_slices_lie_in_the_sagittal_picture(analyzed: DetectionReport, volume: CTVolume):
    found = analyzed.findings[0].measurement
    assert found is not None
    sagittal = volume.affine_lps[:, [2, 0, 1, 3]]  # columns towards the head, rows to the left, slices to the back
    view = PatientView.of(CTVolume(volume.array, sagittal, volume.info))
    assert [measured_index(view, plane, found) for plane in (AXIAL, CORONAL, SAGITTAL)] == [None, 5, None]
    assert measured_lines(view, CORONAL, found)[0] == ((14.5, 80 - 50.0), (14.5, 80 - 59.0))


def other_slice(report: DetectionReport) -> DetectionReport:
    """The axes of the first finding in the slice after the one of the mark's centre."""
    first, second = report.findings
    assert first.measurement is not None
    moved = dataclasses.replace(first, measurement=dataclasses.replace(first.measurement, slice_index=6))
    return dataclasses.replace(report, findings=(moved, second))


def test_every_slice_named_is_that_of_the_axes(analyzed: DetectionReport, volume: CTVolume, created: datetime):
    assert analyzed.findings[0].center_slice == 5
    moved = other_slice(analyzed)
    text = page(moved, volume, created)
    assert "9.0 × 7.0 mm, left lung, slice 7 of 20 (z 115.0 mm)" in text  # 100 + 6 * 2.5
    assert "mm (LPS), in slice 6" in text  # of the mark's centre
    assert "9.0 × 7.0 mm in slice 7" in text
    assert "Close-up, axial, slice 7, with its diameters" in text
    assert "Whole section, axial, slice 7" in text
    assert "<dt>Slice UID</dt><dd>1.2.3.6</dd>" in text  # UIDs are numbered from 0
    assert "slices count from 1, feet to head" in text
    rows = list(csv.DictReader(io.StringIO(reports_to_csv([moved]).decode())))
    assert [(row["slice"], row["slice_mm"]) for row in rows] == [("7", "115.00"), ("14", "132.50")]
    assert report_to_text(moved).splitlines()[3].split()[-1] == "7"
    whole = draw_pictures(moved, volume, 1)["finding_01_axial.png"]
    assert whole != draw_pictures(analyzed, volume, 1)["finding_01_axial.png"]


def test_ratings_that_are_there_are_shown_malignancy_first(
    analyzed: DetectionReport, volume: CTVolume, created: datetime
):
    first, second = analyzed.findings
    assert first.answer is not None
    margin, malignancy = (RatingAnswer.of_levels(name, (0, 1, 0, 0, 0)) for name in ("margin", "malignancy"))
    both, one, none = (margin, malignancy), (margin,), ()

    def with_ratings(ratings: tuple[RatingAnswer, ...]) -> DetectionReport:
        answer = dataclasses.replace(first.answer, ratings=ratings)
        return dataclasses.replace(analyzed, findings=(dataclasses.replace(first, answer=answer), second))

    def columns(report: DetectionReport) -> list[str]:
        return reports_to_csv([report]).decode().splitlines()[0].split(",")

    text = page(with_ratings(both), volume, created).replace("\u00a0", " ")
    assert "malignancy 2.0 ± 0.0 (not a diagnosis); margin 2.0 ± 0.0" in text
    assert {"malignancy", "margin_sd"} < set(columns(with_ratings(both)))
    text = page(with_ratings(one), volume, created).replace("\u00a0", " ")
    assert "margin 2.0 ± 0.0" in text
    assert "alignancy" not in text
    assert [name for name in columns(with_ratings(one)) if name.endswith("_sd")] == ["margin_sd"]
    assert "malignancy" not in report_to_text(with_ratings(one))
    text = page(with_ratings(none), volume, created)
    assert "Ratings" not in text
    assert not [name for name in columns(with_ratings(none)) if name.endswith("_sd")]


def test_findings_without_pictures_keep_their_facts(analyzed: DetectionReport, volume: CTVolume, created: datetime):
    text = report_to_html(analyzed, draw_pictures(analyzed, volume, 1), created).decode()
    assert "The other 1, without pictures" in text
    assert "Not measured: nothing stands out &lt;here&gt;" in text
    assert "Findings in numbers" in report_to_html(analyzed, draw_pictures(analyzed, volume, 0), created).decode()


def test_the_picture_of_the_lungs_comes_and_goes(analyzed: DetectionReport, volume: CTVolume, tmp_path: Path):
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    labels[10:30, 10:40, 4:16] = 1
    page = write_study(tmp_path / "study", analyzed, volume, 0, lung_labels=labels).read_text()
    assert (tmp_path / "study" / "pictures" / "lungs.png").is_file()
    assert "The lungs as they were found" in page
    page = write_study(tmp_path / "study", analyzed, volume, 0).read_text()
    assert not (tmp_path / "study" / "pictures" / "lungs.png").exists()
    assert "The lungs as they were found" not in page
