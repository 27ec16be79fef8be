import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lungdet.cli import main
from lungdet.lesions import EmbeddedLesions, save_embedded
from lungdet.readers import AnnotationError, read_deeplesion
from lungdet.readers.deeplesion import COLUMNS
from lungdet.readers.png_file import write_png16
from lungdet.reports.timeline_tables import PARTS
from lungdet.workflows.history import HistoryOptions, find_lesion_histories


def row(patient: int, study: int, slice_number: int, place: str, kind: int = 4, size: float = 10.0) -> list[str]:
    ends = f"20, 30, {20 + size}, 30, {20 + size / 2}, 27, {20 + size / 2}, 33"
    box = f"15, 22, {25 + size}, 38"
    name = f"{patient:06d}_{study:02d}_01_{slice_number:03d}.png"
    part = "3"
    return [
        name, str(patient), str(study), "1", str(slice_number), ends, box, f"{size}, 6", place, str(kind), "0",
        f"{slice_number}, {slice_number}", "1, 1, 5", "64, 64", "-175, 275", "F", "62.0", part,
    ]  # fmt: skip


ROWS = [
    row(1, 1, 10, "0.3, 0.5, 0.5"), row(1, 2, 12, "0.31, 0.5, 0.5", size=14.0),
    row(1, 3, 12, "0.3, 0.51, 0.5", size=30.0),
    row(1, 1, 40, "0.7, 0.5, 0.6", 6), row(1, 3, 41, "0.7, 0.5, 0.6", 6), row(1, 2, 30, "0.9, 0.9, 0.9"),
    row(2, 1, 5, "0.5, 0.5, 0.5"),
]  # fmt: skip


def write(folder: Path, rows: list[list[str]]) -> Path:
    path = folder / "DL_info.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return path


def sequences(folder: Path) -> list[tuple[str, str]]:
    return [(one["sequence"], one["key"]) for one in csv.DictReader((folder / "sequences.csv").open())]


def test_sequences_of_a_table(tmp_path: Path):
    summary = find_lesion_histories(write(tmp_path, ROWS), tmp_path / "out", HistoryOptions(plots=1))
    assert sequences(tmp_path / "out") == [
        ("000001-01", "000001_01_01_010.png#0"), ("000001-01", "000001_02_01_012.png#0"),
        ("000001-01", "000001_03_01_012.png#0"),
        ("000001-02", "000001_01_01_040.png#0"), ("000001-02", "000001_03_01_041.png#0"),
    ]  # fmt: skip
    assert summary.counts == {
        "marks": 7, "marks_in_sequences": 5, "lesions_marked_once": 1, "lesions_of_one_study": 1, "repeats": 0,
        "sequences": 2, "patients": 2, "patients_with_one_study": 1,
    }  # fmt: skip
    assert "1 of patients with one study, where nothing can be followed" in str(summary)
    assert str(summary).endswith(f"page: {tmp_path / 'out' / 'index.html'}")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == [
        "000001.png", "history.json", "index.html", "sequences.csv",
    ]  # fmt: skip
    content = json.loads((tmp_path / "out" / "history.json").read_text())
    assert (content["counts"], content["patients_with_one_study"]) == (summary.counts, ["000002"])
    assert content["patients"][0]["sequences"][0]["marks"][2]["growth"] == "grows"


def test_parts_sum_to_all_marks(tmp_path: Path):
    again = [row(1, 1, 11, "0.3, 0.5, 0.5"), row(2, 1, 6, "0.5, 0.5, 0.5"), row(1, 2, 31, "0.9, 0.9, 0.9")]
    summary = find_lesion_histories(write(tmp_path, [*ROWS, *again]), tmp_path / "out", HistoryOptions(plots=0))
    counts = summary.counts
    assert [counts[name] for name in ("marks", *PARTS)] == [10, 5, 1, 1, 3]  # a repeat of each sort of lesion
    content = json.loads((tmp_path / "out" / "history.json").read_text())
    assert content["legend"]["marks"] == f"the sum of {', '.join(PARTS)}"
    assert "10 marks = 5 of followed lesions, one a study + 1 of" in (tmp_path / "out" / "index.html").read_text()


def test_pages_of_describe_and_history_do_not_replace_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write(tmp_path, ROWS)
    for first, second in (("describe", "history"), ("history", "describe")):
        out = tmp_path / first
        assert main(["lesions", first, str(tmp_path), "-o", str(out)]) == 0
        before = (out / "index.html").read_bytes()
        assert main(["lesions", second, str(tmp_path), "-o", str(out)]) == 1
        assert f"index.html: is the page of `lungdet lesions {first}`" in capsys.readouterr().err
        assert (out / "index.html").read_bytes() == before
        assert main(["lesions", first, str(tmp_path), "-o", str(out)]) == 0


def test_many_missing_pictures_are_warnings_and_then_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rows = [row(1, study, 10, "0.3, 0.5, 0.5") for study in range(1, 14)]
    table, images = write(tmp_path, rows), tmp_path / "Images_png"
    (images / "000001_01_01").mkdir(parents=True)
    write_png16(images / "000001_01_01" / "010.png", np.full((64, 64), 32768, dtype=np.uint16))
    arguments = ["lesions", "history", str(table), "-o", str(tmp_path / "out"), "--images"]
    assert main([*arguments, str(images)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("lungdet: warning: ") for line in lines)
    assert (len(lines), lines[-1]) == (11, "lungdet: warning: and 2 more; history.json has them all")
    assert main([*arguments, str(tmp_path)]) == 1
    assert f"they are in {images}; name that folder" in capsys.readouterr().err


def test_pictures_of_lesions_and_those_that_are_missing(tmp_path: Path):
    table = write(tmp_path, ROWS)
    for lesion in read_deeplesion(table).lesions[:4]:
        path = tmp_path / "Images_png" / lesion.png_path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png16(path, np.full((64, 64), 32768, dtype=np.uint16))
    Image.new("L", (64, 64)).save(tmp_path / "Images_png" / "000001_01_01" / "010.png")  # of 8 bits
    options = HistoryOptions(images=tmp_path / "Images_png", patients=["1"])
    summary = find_lesion_histories(table, tmp_path / "out", options)
    assert (tmp_path / "out" / "patients" / "000001_lesions.png").is_file()
    shallow, missing = summary.notes
    assert "000001_01_01/010.png" in shallow
    assert "16" in shallow
    assert "000001_03_01/041.png" in missing


def test_pictures_of_an_earlier_run_go_and_other_files_stay(tmp_path: Path):
    table, folder = write(tmp_path, ROWS), tmp_path / "out" / "patients"
    find_lesion_histories(table, tmp_path / "out")
    for name in ("notes.txt", "000007.png"):
        (folder / name).write_text("mine")
    find_lesion_histories(table, tmp_path / "out", HistoryOptions(patients=["2"]))
    assert sorted(path.name for path in folder.iterdir()) == ["000002.png", "000007.png", "notes.txt"]
    find_lesion_histories(table, tmp_path / "out", HistoryOptions(plots=0))
    assert sorted(path.name for path in folder.iterdir()) == ["000007.png", "notes.txt"]
    (tmp_path / "out" / "history.json").write_text('{"format": "another", "pictures": ["000007.png"]}')
    find_lesion_histories(table, tmp_path / "out", HistoryOptions(plots=0))
    assert (folder / "000007.png").read_text() == "mine"


def test_embeddings_tell_lesions_apart(tmp_path: Path):
    table = write(
        tmp_path, [row(1, 1, 10, "0.3, 0.5, 0.5"), row(1, 1, 30, "0.33, 0.5, 0.5"), row(1, 2, 12, "0.31, 0.5, 0.5")]
    )
    lesions = read_deeplesion(table).lesions
    vectors = np.array([[0, 1], [1, 0], [1, 0]], dtype=np.float32)
    embedded = EmbeddedLesions.of_lesions(lesions, vectors)
    save_embedded(embedded, tmp_path / "lesions.npz")
    options = HistoryOptions(embeddings=tmp_path / "lesions.npz", plots=0)
    find_lesion_histories(table, tmp_path / "out", replace(options, threshold=0.5))
    assert [key for _, key in sequences(tmp_path / "out")] == ["000001_01_01_030.png#0", "000001_02_01_012.png#0"]
    save_embedded(embedded.take([0, 1]), tmp_path / "lesions.npz")
    assert find_lesion_histories(table, tmp_path / "out", options).notes[0].startswith("1 mark without an embedding")


def test_embeddings_of_another_version_of_the_table_are_told(tmp_path: Path):
    table = write(tmp_path, ROWS[:3])
    vectors = np.ones((3, 2), dtype=np.float32)
    save_embedded(EmbeddedLesions.of_lesions(read_deeplesion(table).lesions, vectors), tmp_path / "lesions.npz")
    changed = write(tmp_path, [*ROWS[:2], row(1, 3, 12, "0.3, 0.51, 0.5", size=31.0)])
    summary = find_lesion_histories(changed, tmp_path / "out", HistoryOptions(embeddings=tmp_path / "lesions.npz"))
    assert "1 embeddings are of other lesions than the rows of the same name" in summary.notes[0]
    assert "1 mark without an embedding" in summary.notes[1]


def test_embeddings_of_other_lesions_are_refused(tmp_path: Path):
    table = write(tmp_path, ROWS[:2])
    lesions = read_deeplesion(table).lesions
    embedded = EmbeddedLesions.of_lesions(lesions, np.eye(2, dtype=np.float32))
    save_embedded(embedded, tmp_path / "lesions.npz")
    other = write(tmp_path, [ROWS[-1]])
    with pytest.raises(ValueError, match="none of which is in"):
        find_lesion_histories(other, tmp_path / "out", HistoryOptions(embeddings=tmp_path / "lesions.npz"))


def test_bad_rows_are_reported_and_the_rest_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bad = [*ROWS[0]]
    bad[0], bad[4], bad[9], bad[11] = "000001_01_01_011.png", "11", "12", "11, 11"
    table = write(tmp_path, [*ROWS, bad])
    assert main(["lesions", "history", str(table), "-o", str(tmp_path / "out"), "--plots", "0"]) == 1
    said = capsys.readouterr()
    assert "2 lesions followed over studies" in said.out
    assert "Coarse_lesion_type is 12" in said.err
    assert len(sequences(tmp_path / "out")) == 5


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    table = write(tmp_path, ROWS)
    arguments = ["lesions", "history", str(table), "-o", str(tmp_path / "out"), "--rule", "greedy", "--patient", "1"]
    assert main(arguments) == 0
    assert "7 marks of 2 patients, 1 of them with two studies or more" in capsys.readouterr().out
    assert main([*arguments, "--patient", "77"]) == 1
    assert "no patient 000077 in the table; names look like 000001" in capsys.readouterr().err
    assert main([*arguments, "--threshold", "0"]) == 1
    assert "threshold must be above 0" in capsys.readouterr().err


def test_nothing_to_follow(tmp_path: Path):
    summary = find_lesion_histories(write(tmp_path, ROWS[-1:]), tmp_path / "out")
    assert summary.counts["sequences"] == 0
    assert sequences(tmp_path / "out") == []
    with pytest.raises(AnnotationError):
        find_lesion_histories(tmp_path / "out" / "sequences.csv", tmp_path / "again")
    with pytest.raises(ValueError, match="holds no lesion that could be followed"):
        find_lesion_histories(write(tmp_path, []), tmp_path / "again")
    bad = [*ROWS[0]]
    bad[9] = "12"
    with pytest.raises(ValueError, match=r"could be followed; the first: .*Coarse_lesion_type is 12"):
        find_lesion_histories(write(tmp_path, [bad]), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_without_matplotlib_there_are_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    summary = find_lesion_histories(write(tmp_path, ROWS), tmp_path / "out")
    assert summary.notes[0].startswith("no plots: drawing figures needs matplotlib")
    assert len(sequences(tmp_path / "out")) == 5


def test_a_result_never_replaces_its_source(tmp_path: Path):
    table = write(tmp_path, ROWS)
    table.rename(tmp_path / "sequences.csv")
    with pytest.raises(ValueError, match="would be overwritten"):
        find_lesion_histories(tmp_path / "sequences.csv", tmp_path)
