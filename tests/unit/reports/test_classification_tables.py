import csv
import io

from lungdet.reports.classification_tables import rows_to_csv


def test_rows_come_back_as_they_were():
    rows = [{"file": 'a,"b".png', "p": 0.1 + 0.2, "right": 1}, {"file": "röntgen\n.png", "p": None, "right": 0}]
    read = list(csv.DictReader(io.StringIO(rows_to_csv(["file", "p", "right"], rows).decode("utf-8"), newline="")))
    assert [row["file"] for row in read] == [row["file"] for row in rows]
    assert float(read[0]["p"]) == 0.1 + 0.2
    assert read[1]["p"] == ""


def test_names_of_files_become_no_formulas():
    for name in ("=1+1", "+1", "-1", "@x", "\tx"):
        assert rows_to_csv(["file"], [{"file": name}]).decode().splitlines()[1].strip('"').startswith("'")
    assert rows_to_csv(["p"], [{"p": -0.5}]).decode().splitlines()[1] == "-0.5"


def test_no_row_gives_the_names_alone_and_broken_names_are_written():
    assert rows_to_csv(["a", "b"], []) == b"a,b\n"
    assert rows_to_csv(["a"], [{"a": "\udcff.png"}]) == b"a\n\\udcff.png\n"
