"""What a run of routing has done so far, on disk, so that the next run goes on."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from lungdet.records import RoutedFile
from lungdet.reports import write_files

logger = logging.getLogger(__name__)

FOLDER = ".lungdet-route"
SETTINGS_NAME, JOURNAL_NAME, LOCK_NAME = "settings.json", "journal.jsonl", "lock"


class RouteJournal:
    """One line for each file that was dealt with, in ``DEST/.lungdet-route/journal.jsonl``; a file's last line counts.

    Lines are only ever appended, so that a kill costs at most the last one, which is then left out. One process at a
    time: the second is refused where the system has locks.

    Args:
        destination: the folder that is routed into.
        settings: what the decisions depend on: rules, weights. A destination belongs to one set of them, for nothing
            is moved or deleted when they change.

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
            self._check(dict(settings))
            self._files = {_key(routed.file): routed for routed in _read(self.folder / JOURNAL_NAME)}
            self._stream: BinaryIO = _open_to_append(self.folder / JOURNAL_NAME)
        except BaseException:
            self._lock.close()
            raise

    def known(self, file: str | Path, size: int, mtime_ns: int) -> RoutedFile | None:
        """Return what became of a file; None if it is new, has changed since, failed, or lost its copy."""
        routed = self._files.get(_key(file))
        if routed is None or routed.error or (routed.size, routed.mtime_ns) != (size, mtime_ns):
            return None
        copy = self.destination / routed.target
        return routed if copy.is_file() and copy.stat().st_size == size else None

    def add(self, files: Iterable[RoutedFile]) -> None:
        """Write down what became of files, through to the disk."""
        new = list(files)
        self._files.update({_key(routed.file): routed for routed in new})
        self._stream.write("".join(f"{routed.to_json()}\n" for routed in new).encode("ascii"))
        self._stream.flush()
        os.fsync(self._stream.fileno())

    @property
    def files(self) -> tuple[RoutedFile, ...]:
        """All files of this run and of those before, by name."""
        return tuple(self._files[key] for key in sorted(self._files))

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

    def _check(self, settings: dict[str, str]) -> None:
        path = self.folder / SETTINGS_NAME
        if not path.exists():
            content = json.dumps(settings, indent=2, sort_keys=True) + "\n"
            write_files(self.folder, {SETTINGS_NAME: content.encode("ascii")})
            return
        try:
            before = json.loads(path.read_text(encoding="ascii"))
        except ValueError as error:
            raise ValueError(f"{path}: is damaged; name another destination") from error
        changed = ", ".join(name for name in sorted(settings) if before.get(name) != settings[name])
        if changed:
            raise ValueError(
                f"{self.destination}: was begun with other settings ({changed}), and nothing is moved or deleted when "
                "they change; name another destination"
            )


def _key(file: str | Path) -> str:
    return os.path.abspath(file)


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


def _open_to_append(path: Path) -> BinaryIO:
    stream = open(path, "ab")  # noqa: SIM115  # open as long as the journal
    if stream.tell() and not path.read_bytes().endswith(b"\n"):
        stream.write(b"\n")
    return stream
