"""``lungdet lesions describe`` from file to files, with what is odd about both."""

import csv
import json
from pathlib import Path

import pytest

from lungdet import cli
from lungdet.datalists import DatalistError
from lungdet.readers import AnnotationError
from lungdet.workflows.datalist import make_datalist
from lungdet.workflows.describe import describe_lesions

HEAD = (
    "File_name,Patient_index,Study_index,Series_ID,Key_slice_index,Measurement_coordinates,Bounding_boxes,"
    "Lesion_diameters_Pixel_,Normalized_lesion_location,Coarse_lesion_type,Possibly_noisy,Slice_range,"
    "Spacing_mm_px_,Image_size,DICOM_windows,Patient_gender,Patient_age,Train_Val_Test\n"
)
WRITTEN = ["growth.csv", "index.html", "lesions.csv", "lesions.json", "studies.csv", "types.csv"]


def line(patient: int, study: int, long_px: float, kind: int = 5, part: int = 3) -> str:
    """A row with its middle at (101, 101); pixels of 1 mm."""
    half, short = long_px / 2, long_px / 4
    ends = f"{101 - half}, 101, {101 + half}, 101, 101, {101 - short}, 101, {101 + short}"
    box = f"{96 - half}, {96 - short}, {106 + half}, {106 + short}"
    return (
        f'{patient:06d}_{study:02d}_01_005.png,{patient},{study},1,5,"{ends}","{box}","{long_px}, {long_px / 2}",'
        f'"0.4, 0.3, 0.5",{kind},0,"1, 9","1, 1, 5","512, 512","-175, 275",F,62.0,{part}\n'
    )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "DL_info.csv"
    path.write_text(HEAD + line(1, 1, 20) + line(1, 2, 32) + line(2, 1, 12, -1, 1))
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_table_to_tables_figures_and_page(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    assert cli.main(["lesions", "describe", str(table), "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "3 measurements of 2 patients in 3 studies" in printed
    assert "types: lung 2, unknown 1" in printed
    assert "1 patient with one study, and so without growth" in printed
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == WRITTEN
    assert sorted(path.name for path in (out / "figures").iterdir()) == [
        "diameters.png", "growth.png", "places.png", "types.png"
    ]  # fmt: skip
    (growth,) = rows(out / "growth.csv")
    assert (growth["patient"], growth["change_mm"], growth["growth"]) == ("000001", "12.0", "grows")


def test_a_greater_error_makes_growth_uncertain(table: Path, tmp_path: Path):
    assert cli.main(["lesions", "describe", str(table), "-o", str(tmp_path / "out"), "--relative-error", "40"]) == 0
    assert rows(tmp_path / "out" / "growth.csv")[0]["growth"] == "within error"
    content = json.loads((tmp_path / "out" / "lesions.json").read_text())
    assert content["measurement_error"]["relative"] == 0.4


def test_bad_rows_are_told_and_the_rest_is_described(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    table.write_text(table.read_text() + line(3, 1, 20, kind=9) + line(4, 1, 20))
    assert cli.main(["lesions", "describe", str(table), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "line 5: Coarse_lesion_type is 9" in said.err
    assert "4 measurements" in said.out
    assert "1 row left out" in said.out
    content = json.loads((tmp_path / "out" / "lesions.json").read_text())
    assert len(content["problems"]) == 1


def test_a_training_list_is_described_like_its_table(table: Path, tmp_path: Path):
    make_datalist("deeplesion", [table], tmp_path / "list.json")
    of_table = describe_lesions(table, tmp_path / "a").description
    of_list = describe_lesions(tmp_path / "list.json", tmp_path / "b").description
    by_patient = sorted(of_list.types, key=lambda item: item.lesion_type)
    assert by_patient == sorted(of_table.types, key=lambda item: item.lesion_type)
    assert of_list.growths == of_table.growths
    assert of_list.studies == of_table.studies


def test_pictures_of_an_earlier_list_do_not_stay(table: Path, tmp_path: Path):
    out = tmp_path / "out"
    describe_lesions(table, out)
    (out / "figures" / "mine.png").write_bytes(b"mine")
    table.write_text(HEAD + line(2, 1, 12))  # one study: no growth
    describe_lesions(table, out)
    left = sorted(path.name for path in (out / "figures").iterdir())
    assert left == ["diameters.png", "mine.png", "places.png", "types.png"]


def test_nothing_to_describe_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    empty = tmp_path / "DL_info.csv"
    empty.write_text(HEAD)
    assert cli.main(["lesions", "describe", str(empty), "-o", str(tmp_path / "out")]) == 1
    assert "holds no lesion that could be described" in capsys.readouterr().err
    assert not (tmp_path / "out" / "index.html").exists()


def test_what_is_no_list_is_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(AnnotationError, match=r"a\.csv"):
        describe_lesions(tmp_path / "a.csv", tmp_path / "out")
    with pytest.raises(DatalistError, match=r"a\.json"):
        describe_lesions(tmp_path / "a.json", tmp_path / "out")


def test_a_result_never_replaces_its_source(table: Path):
    source = table.rename(table.with_name("lesions.csv"))
    with pytest.raises(ValueError, match="would be overwritten"):
        describe_lesions(source, source.parent)


@pytest.mark.parametrize("words", [["--debug", "describe"], ["describe", "--debug"], ["describe"]])
def test_debug_goes_before_and_after_the_subcommand(words: list[str]):
    options = cli.build_parser().parse_args(["lesions", *words, "list.csv", "-o", "out"])
    assert options.debug == ("--debug" in words)
