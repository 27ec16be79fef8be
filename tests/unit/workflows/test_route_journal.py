"""What was done is remembered, whatever happens in between."""

import errno
import os
from pathlib import Path

import pytest

from lungdet.records import RoutedFile
from lungdet.workflows.place_file import file_sha256
from lungdet.workflows.route_journal import RouteJournal

SETTINGS = {"rules": "1", "weights": "2"}
NOW = {"size": 3, "mtime_ns": 5, "ctime_ns": 7, "inode": 11}


def routed(file: Path, **facts: object) -> RoutedFile:
    return RoutedFile(str(file), **{**NOW, "target": "a/x.dcm", "decision": "answer", **facts})


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    copy = tmp_path / "out" / "a" / "x.dcm"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"abc")
    return tmp_path / "out"


def test_a_second_run_knows_what_the_first_did(destination: Path, tmp_path: Path):
    one, two = tmp_path / "1.dcm", tmp_path / "2.dcm"
    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(two), routed(one)])
    with RouteJournal(destination, SETTINGS) as journal:
        assert journal.known(one, NOW) == routed(one)
        assert [entry.file for entry in journal.files] == [str(one), str(two)]
        assert journal.known(tmp_path / "3.dcm", NOW) is None


def test_what_changed_failed_or_lost_its_copy_is_not_known(destination: Path, tmp_path: Path):
    file = tmp_path / "1.dcm"
    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(file)])
        assert journal.known(file, {**NOW, "size": 4}) is None
        assert journal.known(file, {**NOW, "mtime_ns": 6}) is None
        assert journal.known(file, NOW) is not None
        (destination / "a" / "x.dcm").unlink()
        assert journal.known(file, NOW) is None
        journal.add([routed(file, error="no")])
        assert journal.files == ()  # failed, and not there any more
        file.write_bytes(b"")
        assert journal.files == (routed(file, error="no"),)


@pytest.mark.parametrize("change", ["ctime_ns", "inode"])
def test_where_the_system_saw_a_change_the_content_decides(destination: Path, tmp_path: Path, change: str):
    file = tmp_path / "1.dcm"
    file.write_bytes(b"abc")
    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(file, sha256=file_sha256(file))])
        assert journal.known(file, {**NOW, change: 99}) is not None
        file.write_bytes(b"xyz")
        assert journal.known(file, {**NOW, change: 99}) is None


def test_a_name_means_the_same_file_in_every_folder(destination: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(Path("1.dcm"))])
    monkeypatch.chdir(destination)
    with RouteJournal(destination, SETTINGS) as journal:
        assert journal.known("1.dcm", NOW) is None
        assert journal.known(tmp_path / "1.dcm", NOW) == routed(tmp_path / "1.dcm")


def test_a_full_disk_leaves_whole_lines(destination: Path, tmp_path: Path, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(tmp_path / "1.dcm")])
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"no space.*journal\.jsonl"):
            journal.add([routed(tmp_path / "2.dcm")])
        assert len(journal.files) == 2
    monkeypatch.undo()
    with RouteJournal(destination, SETTINGS) as journal:
        assert [entry.file for entry in journal.files] == [str(tmp_path / "1.dcm")]


def test_a_destination_keeps_its_mark(destination: Path, tmp_path: Path):
    with RouteJournal(destination, SETTINGS) as first, RouteJournal(tmp_path / "other", SETTINGS) as other:
        marks = first.mark, other.mark
    assert marks[0] != marks[1]
    with RouteJournal(destination, SETTINGS) as again:
        assert again.mark == marks[0]


def test_a_line_that_a_kill_cut_off_costs_only_itself(destination: Path, tmp_path: Path, caplog):
    names = [tmp_path / f"{number}.dcm" for number in range(3)]
    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(names[0]), routed(names[1])])
    path = destination / ".lungdet-route" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(names[2])])
    with RouteJournal(destination, SETTINGS) as journal:
        assert [entry.file for entry in journal.files] == [str(names[0]), str(names[2])]
    assert "line 2: cut off" in caplog.text


def test_other_settings_need_another_destination(destination: Path):
    RouteJournal(destination, SETTINGS).__exit__(None, None, None)
    with pytest.raises(ValueError, match=r"other settings \(rules\).*another destination"):
        RouteJournal(destination, {**SETTINGS, "rules": "x"})
    RouteJournal(destination, SETTINGS).__exit__(None, None, None)  # the refusal has given the lock back
    (destination / ".lungdet-route" / "settings.json").write_text("{")
    with pytest.raises(ValueError, match="damaged"):
        RouteJournal(destination, SETTINGS)


@pytest.mark.skipif(os.name != "posix", reason="locks of this kind are POSIX's")
def test_one_run_at_a_time(destination: Path):
    with RouteJournal(destination, SETTINGS), pytest.raises(ValueError, match="another run"):
        RouteJournal(destination, SETTINGS)
    RouteJournal(destination, SETTINGS).__exit__(None, None, None)


def test_a_name_that_is_no_text_survives(destination: Path, tmp_path: Path):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.dcm"))
    with RouteJournal(destination, SETTINGS) as journal:
        journal.add([routed(file)])
    with RouteJournal(destination, SETTINGS) as journal:
        assert journal.known(file, NOW) == routed(file)
