from pathlib import Path

import pytest

from lungdet.readers.errors import DicomFileError, NotDicomError, SeriesError
from lungdet.readers.series_scan import describe_source, find_files, name_files, scan_files


def test_files_are_found_once_and_in_order(tmp_path: Path):
    for name in ("b/2", "a/1", "3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    expected = [tmp_path / name for name in ("3", "a/1", "b/2")]
    assert find_files(tmp_path) == expected
    assert find_files(str(tmp_path)) == expected
    assert find_files([tmp_path / "b", tmp_path / "b/2", str(tmp_path / "3")]) == [expected[0], expected[2]]


def test_nothing_found_is_an_error(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for source, message in ((tmp_path, "holds no file"), ([], "an empty list"), (tmp_path / "x", "no such file")):
        with pytest.raises(SeriesError, match=message):
            find_files(source)


def test_a_scan_keeps_on_after_files_that_fail():
    """One that is no DICOM is left out, one that is damaged or may not be opened is bad; none stops the scan."""
    errors = {
        "notes.txt": NotDicomError("notes.txt", "no prefix", "leave it out"),
        "damaged": DicomFileError("damaged", "it ends at byte 12", "copy it again"),
        "locked": PermissionError(13, "Permission denied"),
        "odd": OSError("odd"),
    }

    def read(path: Path):
        raise errors[path.name]

    scan = scan_files(map(Path, errors), "here", read)
    assert scan.left_out == [(Path("notes.txt"), "not DICOM")]
    assert [(bad.path.name, bad.problem, bad.series_uid) for bad in scan.bad] == [
        ("damaged", "it ends at byte 12", ""),
        ("locked", "Permission denied", ""),
        ("odd", "odd", ""),
    ]
    assert scan.steps() == (
        "left out 1 file: not DICOM",
        "could not read damaged, locked, odd: it ends at byte 12 (of which series cannot be told: it is incomplete if "
        "they are slices of it)",
    )


def test_few_files_are_named_and_many_counted():
    paths = [Path(f"{number}.dcm") for number in range(5)]
    assert name_files(paths[:3]) == "0.dcm, 1.dcm, 2.dcm"
    assert name_files(paths) == "0.dcm, 1.dcm, 2.dcm and 2 more"


def test_sources_in_words():
    assert describe_source(Path("a")) == "a"
    assert describe_source(["a"]) == "a"
    assert describe_source(["a", "b"]) == "2 files (first a)"
