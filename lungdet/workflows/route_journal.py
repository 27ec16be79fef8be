"""What a run of routing has done so far, on disk, so that the next run goes on."""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from lungdet.records import RoutedFile
from lungdet.reports import write_files

from .place_file import file_sha256

logger = logging.getLogger(__name__)

FOLDER = ".lungdet-route"
SETTINGS_NAME, JOURNAL_NAME, LOCK_NAME = "settings.json", "journal.jsonl", "lock"


class RouteJournal:
    """One line for each file that was dealt with, in ``DEST/.lungdet-route/journal.jsonl``; a file's last line counts.

    Files are known by their absolute paths.

    Lines are only ever appended, so that a kill costs at most the last one, which is then left out. One process at a
    time: the second is refused where the system has locks.

    Args:
        destination: the folder that is routed into.
        settings: what the decisions depend on: rules, weights. A destination belongs to one set of them, for nothing
            is moved or deleted when they change.

    Attributes:
        mark: tells the unfinished copies of this destination's runs from those of others.

    Raises:
        ValueError: the destination was begun with other settings, or is in use.
        OSError: nothing can be written there.
    """

    def __init__(self, destination: str | Path, settings: Mapping[str, str]) -> None:
        self.destination = Path(destination)
        self.folder = self.destination / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()
        try:
            self.mark = self._check(dict(settings))
            self._files = {routed.file: routed for routed in _read(self.folder / JOURNAL_NAME)}
            self._stream = _open_to_append(self.folder / JOURNAL_NAME)
        except BaseException:
            self._lock.close()
            raise

    def known(self, file: str | Path, now: Mapping[str, int]) -> RoutedFile | None:
        """Return what became of a file; None if it is new, has changed since, failed, or lost its copy.

        A file of the same size and time of change may still hold something else, for these can be set. Where the inode
        or the time at which the system itself saw a change is another one, the content is hashed and compared.

        Args:
            file: its name.
            now: ``size``, ``mtime_ns``, ``ctime_ns`` and ``inode`` of it.
        """
        routed = self._files.get(os.path.abspath(file))
        if routed is None or routed.error or (routed.size, routed.mtime_ns) != (now["size"], now["mtime_ns"]):
            return None
        copy = self.destination / routed.target
        if not copy.is_file() or copy.stat().st_size != routed.size:
            return None
        same = (routed.ctime_ns, routed.inode) == (now["ctime_ns"], now["inode"])
        return routed if same or file_sha256(file) == routed.sha256 else None

    def add(self, files: Iterable[RoutedFile]) -> None:
        """Write down what became of files, through to the disk; all of them or, where that fails, none.

        They are among :attr:`files` even then: what was copied is there, and the next run finds it.

        Raises:
            OSError: the disk refused; the message names the journal.
        """
        new = [replace(routed, file=os.path.abspath(routed.file)) for routed in files]
        self._files.update({routed.file: routed for routed in new})
        before = os.fstat(self._stream.fileno()).st_size
        rest = memoryview("".join(f"{routed.to_json()}\n" for routed in new).encode("ascii"))
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            os.ftruncate(self._stream.fileno(), before)
            raise OSError(error.errno, error.strerror, str(self.folder / JOURNAL_NAME)) from error

    @property
    def files(self) -> tuple[RoutedFile, ...]:
        """All files of this run and of those before, by name, but for those that failed and are not there any more."""
        found = (self._files[name] for name in sorted(self._files))
        return tuple(routed for routed in found if not routed.error or os.path.lexists(routed.file))

    def __enter__(self) -> RouteJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._lock.close()

    def _take_lock(self) -> BinaryIO:
        stream = open(self.folder / LOCK_NAME, "ab")  # noqa: SIM115  # open as long as the journal
        try:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such locks on this system
            pass
        except BlockingIOError as error:
            stream.close()
            raise ValueError(f"{self.destination}: another run is routing into it; wait for it to end") from error
        except OSError:  # a disk without locks
            logger.warning("%s: the disk knows no locks: take care that one run at a time routes into it", self.folder)
        return stream

    def _check(self, settings: dict[str, str]) -> str:
        """Compare settings with those of the first run, and return its mark."""
        path = self.folder / SETTINGS_NAME
        if not path.exists():
            mark = secrets.token_hex(4)
            content = json.dumps({**settings, "mark": mark}, indent=2, sort_keys=True) + "\n"
            write_files(self.folder, {SETTINGS_NAME: content.encode("ascii")})
            return mark
        try:
            before = json.loads(path.read_text(encoding="ascii"))
            mark = str(before["mark"])
            if not mark.isalnum():
                raise ValueError(f"the mark {mark!r} is none")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path}: is damaged; name another destination") from error
        changed = ", ".join(name for name in sorted(settings) if before.get(name) != settings[name])
        if changed:
            raise ValueError(
                f"{self.destination}: was begun with other settings ({changed}), and nothing is moved or deleted when "
                "they change; name another destination"
            )
        return mark


def _read(path: Path) -> list[RoutedFile]:
    files: list[RoutedFile] = []
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            files.append(RoutedFile.from_json(line.decode("ascii")))
        except ValueError:  # the kill came while it was written; its file is routed again
            logger.warning("%s, line %d: cut off, left out", path, number)
    return files


def _open_to_append(path: Path) -> FileIO:
    stream = open(path, "ab", buffering=0)  # noqa: SIM115  # open as long as the journal
    if stream.tell() and not path.read_bytes().endswith(b"\n"):
        stream.write(b"\n")
    return stream
