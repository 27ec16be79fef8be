"""A file is put in its place whole or not at all, and nothing that is there is ever touched."""

import errno
import os
from pathlib import Path

import pytest

from lungdet.workflows import place_file as room
from lungdet.workflows.place_file import file_sha256, place_file, placed_name, sweep_unfinished

CONTENT = b"pixels" * 300_000  # more than one chunk


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "knee.dcm"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    os.utime(path, ns=(10**18, 10**18))
    return path


@pytest.mark.parametrize("link", [False, True])
def test_a_copy_holds_the_same_and_a_second_call_leaves_it(source: Path, tmp_path: Path, link: bool):
    target, digest = tmp_path / "out" / "a" / "knee.dcm", file_sha256(source)
    assert place_file(source, target, digest, link) == ("linked" if link else "copied")
    before = target.stat()
    assert target.read_bytes() == CONTENT
    assert target.samefile(source) is link
    assert before.st_mtime_ns == 10**18
    assert place_file(source, target, digest, link) == "there"
    assert target.stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in target.parent.iterdir()] == ["knee.dcm"]
    assert source.read_bytes() == CONTENT


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_what_is_there_is_never_replaced(source: Path, tmp_path: Path, link: bool, kind: str):
    target = tmp_path / "knee.dcm"
    if kind == "file":
        target.write_bytes(b"another")
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match=r"is kept.*knee\.dcm"):
        place_file(source, target, file_sha256(source), link)
    assert kind != "file" or target.read_bytes() == b"another"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("links", [True, False])
def test_who_comes_between_is_not_replaced(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool):
    target = tmp_path / "out" / "knee.dcm"
    compare = room._compare

    def slow(*args: object) -> None:
        target.write_bytes(b"first")
        compare(*args)

    monkeypatch.setattr(room, "_compare", slow)
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    with pytest.raises(FileExistsError):
        place_file(source, target, file_sha256(source))
    assert target.read_bytes() == b"first"
    assert len(list(target.parent.iterdir())) == 1


def _no_links(*args: object, **kwargs: object) -> None:
    raise OSError(errno.EPERM, "no links here")


@pytest.mark.parametrize("link", [False, True])
def test_a_disk_without_links_gets_a_copy(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: bool):
    monkeypatch.setattr(os, "link", _no_links)
    target = tmp_path / "out" / "knee.dcm"
    assert place_file(source, target, file_sha256(source), link) == "copied"
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("link", [False, True])
def test_a_file_that_changed_is_refused(source: Path, tmp_path: Path, link: bool):
    digest = file_sha256(source)
    source.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"knee\.dcm: has changed"):
        place_file(source, tmp_path / "out" / "knee.dcm", digest, link)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        place_file(source, tmp_path / "out" / "knee.dcm", file_sha256(source))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_link_is_followed(source: Path, tmp_path: Path):
    (tmp_path / "alias.dcm").symlink_to(source)
    target = tmp_path / "out" / "a.dcm"
    place_file(tmp_path / "alias.dcm", target, file_sha256(source), link=True)
    assert not target.is_symlink()
    assert target.samefile(source)


def test_only_our_own_leftovers_are_swept(tmp_path: Path):
    other = ".knee.dcm.cd-0a1b2c3d.lungdet-tmp"
    for name in (".knee.dcm.ab-0a1b2c3d.lungdet-tmp", "knee.dcm", ".hidden", "x.lungdet-tmp", other):
        (tmp_path / name).write_bytes(b"")
    assert sweep_unfinished(tmp_path, "ab") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", other, "knee.dcm", "x.lungdet-tmp"]
    assert sweep_unfinished(tmp_path / "none", "ab") == 0


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a b/../x\n\u202ey.PNG", "x_y-" + "0" * 12 + ".png"),
        ("1.2.840.113", "1.2.840.113-" + "0" * 12),
        ("..", "image-" + "0" * 12),
        ("-rf.dcm", "rf-" + "0" * 12 + ".dcm"),
        ("q" * 300 + ".dcm", "q" * 60 + "-" + "0" * 12 + ".dcm"),
    ],
)
def test_names_are_safe(name: str, safe: str):
    assert placed_name(name, "0" * 64) == safe
