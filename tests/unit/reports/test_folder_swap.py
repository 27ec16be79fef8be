"""A folder is there whole or not at all, wherever its writer is stopped."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lungdet.reports import prepare_output
from lungdet.reports.folder_swap import recover, write_folder
from lungdet.reports.output_folder import SAFE_AGE_S, sweep

OLD, NEW = {"a": b"old", "sub/b": b"old"}, {"a": b"new", "c": b"new"}


def keep_nothing(folder: str, names: list[str]) -> list[str]:
    return names


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with an old set, alone in its parent."""
    write_folder(tmp_path / "out" / "study", OLD, keep_nothing)
    return tmp_path / "out" / "study"


def before_each_rename(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Call ``act`` where a process could be stopped: before every change of a name, and before every deletion."""

    def wrapped(original: Callable) -> Callable:
        def step(*values: object, **options: object) -> object:
            act()
            return original(*values, **options)

        return step

    for module, name in ((os, "rename"), (os, "replace"), (os, "fsync"), (shutil, "rmtree")):
        monkeypatch.setattr(module, name, wrapped(getattr(module, name)))


def test_a_folder_is_made_and_replaced(study: Path):
    assert files(study) == OLD
    write_folder(study, NEW, keep_nothing)
    assert files(study.parent) == {f"study/{name}": content for name, content in NEW.items()}


def test_killed_anywhere_what_is_visible_is_one_set(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stops = 0

    def keep_the_state() -> None:
        nonlocal stops
        shutil.copytree(study.parent, tmp_path / "stops" / str(stops))
        stops += 1

    with monkeypatch.context() as patch:
        before_each_rename(patch, keep_the_state)
        write_folder(study, NEW, keep_nothing)
    assert stops > 5
    hidden = 0
    for stop in (tmp_path / "stops").iterdir():
        visible = files(stop / "study")
        assert visible in ({}, OLD, NEW)
        hidden += not visible
        prepare_output(stop)  # the next run starts
        assert files(stop / "study") == (visible or OLD)
        write_folder(stop / "study", NEW, keep_nothing)
        assert files(stop) == {f"study/{name}": content for name, content in NEW.items()}
    assert hidden == 1


def test_a_failure_anywhere_leaves_the_old_set_or_the_new(study: Path, monkeypatch: pytest.MonkeyPatch):
    failures = 0
    for number in range(100):
        left = [number]

        def fail(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError("the disk is full")

        with monkeypatch.context() as patch:
            before_each_rename(patch, fail)
            try:
                write_folder(study, NEW, keep_nothing)
            except OSError:
                failures += 1
        if left[0] >= 0:
            break
        recover(study)
        assert files(study.parent) in [{f"study/{name}": text for name, text in set_.items()} for set_ in (OLD, NEW)]
        write_folder(study, OLD, keep_nothing)
    assert failures > 5
    assert files(study) == NEW


def test_what_is_to_stay_is_copied(study: Path):
    (study / "notes").write_bytes(b"mine")
    (study / "sub" / "link").symlink_to("nowhere")
    write_folder(study, NEW, lambda folder, names: [name for name in names if name == "b"])
    assert files(study) == {**NEW, "notes": b"mine"}
    assert (study / "sub" / "link").is_symlink()


def test_a_link_to_a_folder_stays_one(study: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(study)
    write_folder(tmp_path / "link", NEW, keep_nothing)
    assert (tmp_path / "link").is_symlink()
    assert files(study) == NEW


def test_names_cannot_leave_the_folder(study: Path):
    with pytest.raises(ValueError, match="inside"):
        write_folder(study, {"../x": b""}, keep_nothing)
    assert files(study.parent) == {f"study/{name}": content for name, content in OLD.items()}


def test_the_sweep_takes_leftovers_only_and_no_fresh_ones(tmp_path: Path):
    names = [".a.lungdet-tmp", ".b.lungdet-new/x", ".mine.old", ".mine.tmp", "c.lungdet-new", ".d.lungdet-tmp"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    old = time.time() - SAFE_AGE_S - 1
    for name in (".a.lungdet-tmp", ".b.lungdet-new", ".mine.old", ".mine.tmp", "c.lungdet-new"):
        os.utime(tmp_path / name, (old, old))
    sweep(tmp_path)
    assert set(files(tmp_path)) == {".mine.old", ".mine.tmp", "c.lungdet-new", ".d.lungdet-tmp"}


def test_an_output_folder_is_made_and_tried(tmp_path: Path):
    assert prepare_output(tmp_path / "deep" / "out") == tmp_path / "deep" / "out"
    assert list((tmp_path / "deep" / "out").iterdir()) == []


def test_an_output_folder_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "afile").write_text("")
    with pytest.raises(OSError, match="afile: results cannot be written there: it is no folder; name another"):
        prepare_output(tmp_path / "afile")
    with pytest.raises(OSError, match="cannot be written there: Not a directory"):
        prepare_output(tmp_path / "afile" / "sub")

    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    with pytest.raises(OSError, match="cannot be written there: Permission denied"):
        prepare_output(tmp_path / "out")
