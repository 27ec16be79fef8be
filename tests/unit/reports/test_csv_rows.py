"""Tables that read back whatever a file is called, and that no spreadsheet takes for formulas."""

import csv
import io
import pathlib

import pytest

from lungdet.records import LabelledFile, RoutedFile
from lungdet.reports import labels_to_csv, manifest_to_csv
from lungdet.reports.classification_tables import rows_to_csv
from lungdet.reports.csv_rows import Digits, table_to_csv

NAMES = ["a\rb.dcm", "a\nb.dcm", "a\r\nb.dcm", 'a"b,c.dcm', " a", "a;b"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("write", ["table", "labels", "manifest", "rows"])
def test_names_read_back(name: str, write: str, tmp_path: pathlib.Path):
    content = {
        "table": lambda: table_to_csv(["file", "x"], [[name, 1]]),
        "labels": lambda: labels_to_csv([LabelledFile(name, 0.0, error="x")]),
        "manifest": lambda: manifest_to_csv([RoutedFile(name, error="x")]),
        "rows": lambda: rows_to_csv(["file"], [{"file": name}]),
    }[write]()
    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
    assert row["file"] == name
    (tmp_path / "a.csv").write_bytes(content)
    with (tmp_path / "a.csv").open() as stream:  # without newline="", as most programs open it
        assert len(list(csv.reader(stream))) == 2


@pytest.mark.parametrize("name", ["=1+1", "+1", "-rf", "@x", "\t=1", "\r=1"])
def test_no_text_is_a_formula(name: str):
    for content in (
        labels_to_csv([LabelledFile(name, 0.0, error="x")]),
        manifest_to_csv([RoutedFile(name, error="x")]),
    ):
        (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
        assert row["file"] == f"'{name}"


def test_numbers_stay_numbers():
    assert table_to_csv(["a", "b"], [[-1.5, None], [-2, "-2"]]) == b"a,b\n-1.5,\n-2,'-2\n"
    assert table_to_csv(["a"], [[Digits("-2.0")]]) == b"a\n-2.0\n"
    content = manifest_to_csv([RoutedFile("a", out_of_domain=-0.5)]).decode()
    assert ",-0.500000," in content


def test_lines_end_alike():
    assert table_to_csv(["a"], [["b"]]) == b"a\nb\n"
    assert table_to_csv(["a"], [["\udcff"]]) == b"a\n\\udcff\n"
