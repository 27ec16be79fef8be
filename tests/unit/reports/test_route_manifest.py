"""The manifest of a routing run."""

import csv
import io

import pytest

from lungdet.records import RoutedFile
from lungdet.reports import manifest_files, manifest_to_csv, manifest_to_parquet
from lungdet.reports.route_manifest import COLUMNS

FILES = [
    RoutedFile("a,\nb.dcm", label="chest", probability=0.75, decision="answer", sha256="ab", target="chest/a.dcm"),
    RoutedFile("\udcff.dcm", error="cut off"),
]


def test_csv_reads_back():
    rows = list(csv.DictReader(io.StringIO(manifest_to_csv(FILES).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["file"] == "a,\nb.dcm"
    assert (rows[0]["probability"], rows[0]["out_of_domain"], rows[0]["decision"]) == ("0.750000", "", "answer")
    assert (rows[1]["file"], rows[1]["error"], rows[1]["probability"]) == ("\\udcff.dcm", "cut off", "")
    assert manifest_to_csv([]).decode().splitlines() == [",".join(COLUMNS)]


def test_there_is_parquet_where_pyarrow_is():
    parquet = pytest.importorskip("pyarrow.parquet")
    assert set(manifest_files(FILES)) == {"manifest.csv", "manifest.parquet"}
    rows = parquet.read_table(io.BytesIO(manifest_to_parquet(FILES))).to_pylist()
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["probability"], rows[0]["out_of_domain"]) == (0.75, None)
    assert rows[1]["file"] == "\\udcff.dcm"


def test_without_pyarrow_there_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"lungdet\[parquet\]"):
        manifest_to_parquet(FILES)


def test_a_record_reads_back_and_refuses_nonsense():
    routed = RoutedFile("a", decision="review", top=(("x", 0.5),), out_of_domain=2.0)
    assert RoutedFile.from_json(routed.to_json()) == routed
    with pytest.raises(ValueError, match="decision"):
        RoutedFile("a", decision="maybe")
    with pytest.raises(ValueError, match="agreement"):
        RoutedFile("a", agreement="so so")
    for text in ("{}", '{"file": "a", "top": [], "more": 1}', "nonsense", "[]"):
        with pytest.raises(ValueError):
            RoutedFile.from_json(text)
