"""Which files are found, and in which order."""

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
