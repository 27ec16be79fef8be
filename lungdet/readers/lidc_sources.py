"""Where LIDC XML files lie: one file, a folder tree, a zip or a tar.gz as downloaded. Archives are read in place."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from .label_errors import AnnotationError, LabelProblem
from .lidc_folders import walk_folders
from .lidc_limits import LidcLimits

Document = tuple[str, BinaryIO]
Complaint = Callable[[AnnotationError], None]

_TWICE = "the archive holds this name twice; the first was read, this one is left out"
_LARGEST_TAR_READ = 1 << 24  # tarfile reads a header of any size at once; real ones take kilobytes


def open_documents(source: str | Path, limits: LidcLimits, complain: Complaint) -> Iterator[Document]:
    """Open every XML file of a source in turn.

    Args:
        source: an XML file, a folder that is searched with everything below it, a zip, tar or tar.gz. In folders and
            archives only names that end in ``.xml`` count.
        limits: budgets for archives.
        complain: called with what is wrong with a single file or member; it is left out if that returns.

    Yields:
        Name and binary stream; the stream is good until the next one is asked for. Names of members are
        ``archive.zip/member.xml``.

    Raises:
        FileNotFoundError: there is no such file or folder.
        AnnotationError: an archive as a whole is damaged or beyond its budgets.
    """
    path = Path(source)
    if path.is_dir():
        yield from _from_folder(path, complain)
        return
    with path.open("rb") as file:
        start = file.read(512)
    try:
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from _from_zip(path, limits, complain)
        elif start[:2] == b"\x1f\x8b":
            with gzip.open(path) as stream:
                yield from _from_tar(path, stream, limits, complain)
        elif start[257:262] == b"ustar":
            with path.open("rb") as stream:
                yield from _from_tar(path, stream, limits, complain)
        else:
            with path.open("rb") as stream:
                yield str(path), stream
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise _problem(str(path), f"the archive is damaged ({error}); download it again") from error


def _from_folder(folder: Path, complain: Complaint) -> Iterator[Document]:
    def unlisted(error: OSError) -> None:
        complain(_problem(str(error.filename), f"cannot be opened ({error.strerror}); check its permissions"))

    for parent, names in walk_folders(folder, unlisted):
        for name in filter(_is_xml, names):
            path = parent / name
            if not path.is_file():  # a pipe would be waited for, a dead link is nothing
                complain(_problem(str(path), "is no ordinary file"))
                continue
            try:
                stream = path.open("rb")
            except OSError as error:
                complain(_problem(str(path), f"cannot be opened ({error.strerror}); check its permissions"))
                continue
            with stream:
                yield str(path), stream


def _from_zip(path: Path, limits: LidcLimits, complain: Complaint) -> Iterator[Document]:
    with zipfile.ZipFile(path) as archive:
        budget = _Budget(path, limits)
        seen: set[str] = set()
        for member in sorted(archive.infolist(), key=lambda each: path_order(each.filename)):
            budget.spend(0)
            if member.is_dir() or not _is_xml(member.filename):
                continue
            budget.spend(member.file_size)
            name = f"{path}/{member.filename}"
            if not _is_harmless(member.filename):
                complain(_problem(name, "the member's name leads out of the archive; refused"))
                continue
            if name in seen:
                complain(_problem(name, _TWICE))
                continue
            seen.add(name)
            try:
                stream = archive.open(member)
            except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
                complain(_problem(name, f"cannot be unpacked ({error}); download the archive again"))
                continue
            with stream:
                yield name, cast(BinaryIO, stream)


def _from_tar(
    path: Path, stream: BinaryIO | gzip.GzipFile, limits: LidcLimits, complain: Complaint
) -> Iterator[Document]:
    bounded = _ShortReads(stream)
    with tarfile.open(fileobj=cast(Any, bounded), mode="r:") as archive:
        budget, seen = _Budget(path, limits), set[str]()
        while (member := archive.next()) is not None:
            cast(Any, archive).members = []  # else it keeps every header it has seen
            budget.spend(member.size)
            if member.isdir() or not _is_xml(member.name):
                continue
            name = f"{path}/{member.name}"
            if not _is_harmless(member.name):
                complain(_problem(name, "the member's name leads out of the archive; refused"))
            elif not member.isreg():
                complain(_problem(name, "is a link or a device, not a file; refused"))
            elif name in seen:
                complain(_problem(name, _TWICE))
            elif (document := archive.extractfile(member)) is not None:
                seen.add(name)
                yield name, cast(BinaryIO, document)
    if bounded.last != bytes(tarfile.BLOCKSIZE):  # tarfile takes any damage after the first header for the end
        raise tarfile.ReadError("it breaks off")


class _ShortReads:
    """A stream that refuses to read more at once than an honest tar asks for."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self._stream = stream
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close
        self.last = b""

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LARGEST_TAR_READ:
            raise tarfile.ReadError(f"a header claims {size} bytes")
        self.last = self._stream.read(size)
        return self.last


class _Budget:
    """What an archive may still use."""

    def __init__(self, path: Path, limits: LidcLimits) -> None:
        self.path, self.limits, self.members, self.bytes = path, limits, 0, 0

    def spend(self, size: int) -> None:
        self.members, self.bytes = self.members + 1, self.bytes + size
        if self.members > 2 * self.limits.max_members or self.bytes > self.limits.max_archive_bytes:
            raise _problem(
                str(self.path),
                f"holds more than {self.limits.max_members} files or {self.limits.max_archive_bytes} bytes; "
                "raise LidcLimits to read it",
            )


def path_order(name: str) -> list[tuple[bool, str]]:
    """Order names as a folder tree is gone through: the files of a folder by name, then its folders.

    Example:
        >>> sorted(["b/a.xml", "c.xml", "a/z.xml", "a.xml"], key=path_order)
        ['a.xml', 'c.xml', 'a/z.xml', 'b/a.xml']
    """
    *folders, file = name.split("/")
    return [(True, folder) for folder in folders] + [(False, file)]


def _is_xml(name: str) -> bool:
    base = name.rpartition("/")[2]
    # macOS puts a "._name" beside each file it packs; it is no XML.
    return base.lower().endswith(".xml") and not base.startswith("._")


def _is_harmless(name: str) -> bool:
    """Nothing is ever unpacked, but a name that climbs out shows who made the archive."""
    parts = name.replace("\\", "/").split("/")
    return not (name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0] or "\0" in name)


def _problem(name: str, what: str) -> AnnotationError:
    return AnnotationError([LabelProblem(name, None, what)])
