"""Files appear whole, together, or not at all."""

import os
from pathlib import Path

import pytest

from lungdet.reports import write_files


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files_and_sub_folders_are_made_and_replaced(tmp_path: Path):
    for content in (b"old", b"new"):
        write_files(tmp_path / "deep" / "study", {"a.txt": content, "sub/b.bin": content})
    assert names(tmp_path) == {"deep/study/a.txt", "deep/study/sub/b.bin"}
    assert (tmp_path / "deep/study/sub/b.bin").read_bytes() == b"new"


def test_a_failure_while_writing_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_files(tmp_path, {"a": b"old", "b": b"old"})
    flushed = []

    def full_disk(handle: int) -> None:
        flushed.append(handle)
        if len(flushed) == 2:
            raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_files(tmp_path, {"a": b"new", "b": b"new"})
    assert names(tmp_path) == {"a", "b"}
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"old"


def test_content_is_on_disk_before_any_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    events: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (events.append("flush"), fsync(handle))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append("rename"), replace(a, b))[1])
    write_files(tmp_path, {"a": b"1", "b": b"2"})
    assert events == ["flush", "flush", "rename", "rename", "flush"]  # the last one is the folder


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", ""])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="inside"):
        write_files(tmp_path / "study", {name: b""})
    assert names(tmp_path) == set()


def test_nothing_to_write(tmp_path: Path):
    write_files(tmp_path / "study", {})
    assert not (tmp_path / "study").exists()
