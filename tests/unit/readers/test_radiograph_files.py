"""Which files are found, and in which order."""

import logging
import os

import pytest

from lungdet.readers import RadiographError, list_radiographs

FOUND = ["1.2.840.10008", "IM0001", "a.PNG", "b.jpeg", "c.dcm", "sub/x.tif", "sub/y"]
LEFT_OUT = ["DICOMDIR", ".hidden.dcm", ".git/x.dcm", "notes.txt", "labels.csv", "sub/page.html"]


@pytest.fixture
def folder(tmp_path):
    for name in FOUND + LEFT_OUT:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def names(folder, paths):
    return [str(path.relative_to(folder)) for path in paths]


def test_a_folder_gives_its_files_in_order(folder):
    assert names(folder, list_radiographs(folder)) == FOUND
    assert names(folder, list_radiographs([str(folder)])) == FOUND


def test_patterns(folder):
    assert names(folder, list_radiographs(f"{folder}/**/*.tif")) == ["sub/x.tif"]
    assert names(folder, list_radiographs(f"{folder}/**/su[a-c]")) == ["sub/x.tif", "sub/y"]
    assert names(folder, list_radiographs(f"{folder}/*")) == FOUND[:5] + FOUND[5:]


def test_a_named_file_is_given_whatever_its_name(folder):
    assert names(folder, list_radiographs([folder / "notes.txt", folder / ".hidden.dcm"])) == [
        "notes.txt",
        ".hidden.dcm",
    ]


def test_each_file_comes_once_in_the_order_of_the_sources(folder):
    sources = [folder / "c.dcm", folder, folder / "sub" / "y"]
    assert names(folder, list_radiographs(sources)) == ["c.dcm", *(name for name in FOUND if name != "c.dcm")]


def test_what_is_not_there_is_an_error(folder):
    with pytest.raises(RadiographError, match="absent"):
        list(list_radiographs([folder / "absent"]))
    with pytest.raises(RadiographError, match="nothing"):
        list(list_radiographs(f"{folder}/nothing*.dcm"))


def test_an_empty_folder_gives_nothing(tmp_path):
    assert list(list_radiographs(tmp_path)) == []


def test_links_to_folders_are_not_followed(folder):
    os.symlink(folder, folder / "sub" / "loop")
    assert names(folder, list_radiographs(folder)) == FOUND


def test_pipes_are_left_out(folder):
    os.mkfifo(folder / "pipe")
    assert names(folder, list_radiographs(folder)) == FOUND


def test_a_name_with_pattern_letters_is_a_file_first(tmp_path):
    (tmp_path / "scan[1].dcm").write_bytes(b"")
    assert names(tmp_path, list_radiographs(tmp_path / "scan[1].dcm")) == ["scan[1].dcm"]


ODD_NAMES = ["1.2.840.113619.abc", "IM1.bak", "Smith.John", "scan.DIC", "x.dcm_1"]


def test_dicom_of_any_ending_is_known_by_its_beginning(folder):
    for name in ODD_NAMES:
        (folder / "sub" / name).write_bytes(bytes(128) + b"DICM")
    (folder / "sub" / "other.bak").write_bytes(bytes(200))
    assert {path.name for path in list_radiographs(folder / "sub")} == {*ODD_NAMES, "x.tif", "y"}
    assert {path.name for path in list_radiographs(f"{folder}/sub/*")} == {*ODD_NAMES, "x.tif", "y"}


def test_files_of_other_programs_are_not_opened(folder, monkeypatch):
    opened = []
    monkeypatch.setattr("builtins.open", lambda path, *_: opened.append(path))
    assert names(folder, list_radiographs(folder)) == FOUND
    assert opened == []


@pytest.fixture
def locked(folder, monkeypatch):
    """A folder that has a sub-folder which nobody may read; not even root, who may read all others."""
    (folder / "locked").mkdir()
    scan = os.scandir

    def refuse(path):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return folder


@pytest.mark.parametrize("source", ["", "**/*", "**/*.dcm"])
def test_a_folder_that_cannot_be_read_is_told(locked, source):
    problems: list[RadiographError] = []
    found = list(list_radiographs(f"{locked}/{source}", on_error=problems.append))
    assert locked / "c.dcm" in found
    assert len(problems) == 1
    assert f"{locked / 'locked'}: it cannot be listed (Permission denied); " in str(problems[0])


def test_a_folder_that_cannot_be_read_is_logged_if_nobody_asks(locked, caplog):
    with caplog.at_level(logging.WARNING, logger="lungdet"):
        assert names(locked, list_radiographs(locked)) == FOUND
    assert [str(locked / "locked") in record.getMessage() for record in caplog.records] == [True]


def test_patterns_do_not_follow_links_to_folders(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.dcm").write_bytes(b"")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    os.symlink(tmp_path, tmp_path / "a" / "again")
    for pattern in ("**/*.dcm", "**", "**/*", "**/**/x.dcm", "a/**", "**/a/*"):
        assert names(tmp_path, list_radiographs(f"{tmp_path}/{pattern}")) == ["a/x.dcm"], pattern
    monkeypatch.chdir(tmp_path)
    assert [str(path) for path in list_radiographs("**/*.dcm")] == ["a/x.dcm"]
