"""Find the files of a source and sort them into CT slices, files that are left out, and files that are bad."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from .dicom_file import DicomHeader, read_header
from .enhanced_ct import facts_of_frames
from .errors import DicomFileError, NotDicomError, SeriesError
from .slice_facts import ENHANCED_CT_CLASSES, SliceFacts, facts_of_slice, why_left_out

Source: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
ReadHeader: TypeAlias = Callable[[Path], DicomHeader]

NAMED_FILES = 3  # how many files a message names before it counts the rest


@dataclass(frozen=True)
class BadFile:
    """A file that should have been read and could not.

    Attributes:
        path: the file.
        problem: what is wrong.
        series_uid: the series it belongs to; "" if even that cannot be told.
    """

    path: Path
    problem: str
    series_uid: str = ""


@dataclass
class SeriesScan:
    """What was found in a source.

    Attributes:
        source: the source in words, for messages.
        slices: CT slices, by path.
        left_out: file and reason, of the files that are no CT slices.
        bad: files that are damaged or lack what a CT slice must have.
    """

    source: str
    slices: list[SliceFacts] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)

    def steps(self) -> tuple[str, ...]:
        """Say in words what was left out and what is bad, one line for each."""
        counts = Counter(reason for _, reason in self.left_out)
        steps = [
            f"left out {count} file{'s' if count > 1 else ''}: {reason}" for reason, count in sorted(counts.items())
        ]
        if self.bad:
            steps.append(f"could not read {name_files([bad.path for bad in self.bad])}: {self.bad[0].problem}")
        return tuple(steps)


def name_files(paths: Sequence[Path]) -> str:
    """Name the first files and count the rest.

    Example:
        >>> name_files([Path("in/a.dcm"), Path("in/b.dcm"), Path("c"), Path("d"), Path("e")])
        'a.dcm, b.dcm, c and 2 more'
    """
    names = ", ".join(path.name for path in paths[:NAMED_FILES])
    return names if len(paths) <= NAMED_FILES else f"{names} and {len(paths) - NAMED_FILES} more"


def describe_source(source: Source) -> str:
    """Return a source as the user named it; of a list the number of files and the first.

    Example:
        >>> describe_source(["a/1.dcm", "a/2.dcm"])
        '2 files (first a/1.dcm)'
    """
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return os.fspath(source[0]) if len(source) == 1 else f"{len(source)} files (first {os.fspath(source[0])})"


def find_files(source: Source) -> list[Path]:
    """List the files of a folder (nested ones too, links to folders are not followed), of a list, or the one file.

    Returns:
        Paths in sorted order, each once, so that the result does not depend on the file system.

    Raises:
        SeriesError: the source does not exist, or is empty.
    """
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    found: set[Path] = set()
    for path in map(Path, source):
        if path.is_dir():
            found.update(Path(folder, name) for folder, _, names in os.walk(path) for name in names)
        elif path.exists():
            found.add(path)
        else:
            raise SeriesError(f"{path}: no such file or folder; check the path")
    files = sorted(path for path in found if path.is_file())  # leaves out pipes, devices and dead links
    if not files:
        raise SeriesError(f"{describe_source(source) if source else 'an empty list'}: holds no file; check the path")
    return files


def scan_files(files: Iterable[Path], source: str, read: ReadHeader = read_header) -> SeriesScan:
    """Read the header of every file and sort the files.

    Args:
        files: what to read.
        source: the source in words.
        read: how to read a header.
    """
    scan = SeriesScan(source)
    for path in files:
        try:
            header = read(path)
        except NotDicomError:
            scan.left_out.append((path, "not DICOM"))
        except (DicomFileError, OSError) as error:
            scan.bad.append(BadFile(path, _problem(error)))
        else:
            _sort_in(scan, header)
    return scan


def _sort_in(scan: SeriesScan, header: DicomHeader) -> None:
    """Put one file where it belongs."""
    series_uid = ""
    try:
        series_uid = header.text("SeriesInstanceUID")
        reason = why_left_out(header)
        if reason:
            scan.left_out.append((header.path, reason))
        elif header.text("SOPClassUID") in ENHANCED_CT_CLASSES:
            frames = facts_of_frames(header)
            scan.slices.extend(frames)
            if not frames:
                scan.left_out.append((header.path, "localizer"))
        else:
            scan.slices.append(facts_of_slice(header))
    except DicomFileError as error:
        scan.bad.append(BadFile(header.path, _problem(error), series_uid))


def _problem(error: DicomFileError | OSError) -> str:
    return error.problem if isinstance(error, DicomFileError) else str(error.strerror or error)
