"""Find the files of a source and sort them into CT slices, files that are left out, and files that are bad."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from lungdet.counted import counted

from .dicom_file import DicomHeader, read_header
from .enhanced_ct import facts_of_frames
from .errors import DicomFileError, NotDicomError, SeriesError
from .plain_text import printable
from .slice_facts import ENHANCED_CT_CLASSES, SliceFacts, facts_of_slice, why_cut_off, why_left_out

Source: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
ReadHeader: TypeAlias = Callable[[Path], DicomHeader]

NAMED_FILES = 3  # how many files a message names before it counts the rest
DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".ima"})
SYSTEM_FOLDERS = frozenset({"lost+found", "System Volume Information", "$RECYCLE.BIN"})  # on portable disks
PREFIX_END = 132  # bytes of preamble and prefix


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
        steps = [f"left out {counted(count, 'file')}: {reason}" for reason, count in sorted(counts.items())]
        for bad, so in (
            ([one for one in self.bad if one.series_uid], ""),
            (self.unattributed, " (of which series cannot be told: it is incomplete if they are slices of it)"),
        ):
            if bad:
                steps.append(f"could not read {name_files([one.path for one in bad])}: {bad[0].problem}{so}")
        return tuple(steps)

    @property
    def unattributed(self) -> list[BadFile]:
        """Bad files of which nobody can tell to what series they belong."""
        return [bad for bad in self.bad if not bad.series_uid]


def name_files(paths: Sequence[Path]) -> str:
    """Name the first files and count the rest.

    Example:
        >>> name_files([Path("in/a.dcm"), Path("in/b.dcm"), Path("c"), Path("d"), Path("e")])
        'a.dcm, b.dcm, c and 2 more'
    """
    names = ", ".join(printable(path.name) for path in paths[:NAMED_FILES])
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
        SeriesError: the source does not exist, is empty, or holds a folder that may not be opened: the slices in it
            would be missed.
        TypeError: the source is no path and no list of paths.
    """
    paths = paths_of(source)
    found: set[Path] = set()
    try:
        for path in paths:
            if path.is_dir():
                found.update(_walk(path))
            elif path.exists():
                found.add(path)
            else:
                raise SeriesError(f"{printable(str(path))}: no such file or folder; check the path")
        files = sorted(path for path in found if path.is_file())  # leaves out pipes, devices and dead links
    except OSError as error:
        what = printable(f"{error.filename}: cannot be opened ({error.strerror}), and slices in it would be missed")
        raise SeriesError(f"{what}; allow it to be read, or name the files or folders to read") from error
    if not files:
        raise SeriesError(f"{describe_source(source) if paths else 'an empty list'}: holds no file; check the path")
    return files


def paths_of(source: Source) -> list[Path]:
    """Return the paths that a source names.

    Raises:
        TypeError: it is no path and no list of paths.
    """
    if isinstance(source, (str, os.PathLike)):
        source = [source]
    if isinstance(source, (bytes, bytearray)) or not isinstance(source, Sequence):
        raise TypeError(f"the source must be a path or a list of paths, got {type(source).__name__}")
    wrong = next((type(path).__name__ for path in source if not isinstance(path, (str, os.PathLike))), "")
    if wrong:
        raise TypeError(f"the source must be a path or a list of paths, got a list with {wrong}")
    return [Path(path) for path in source]


def _walk(top: Path) -> Iterable[Path]:
    def refuse(error: OSError) -> None:
        if Path(error.filename).name not in SYSTEM_FOLDERS:
            raise error

    for folder, _, names in os.walk(top, onerror=refuse):
        yield from (Path(folder, name) for name in names)


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
            damage = _damage(path)
            if damage:
                scan.bad.append(BadFile(path, damage))
            else:
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
        cut = why_cut_off(header)
        if cut:
            scan.bad.append(BadFile(header.path, cut, series_uid))
        elif reason:
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


def _damage(path: Path) -> str:
    """Tell of a file that is no DICOM whether it was to be one, and what became of it; "" if it was not.

    A copy that failed leaves nothing or zeros. DICOM files are called anything, with a suffix of their own, none, or
    one that is part of a UID.
    """
    named = path.suffix.lower() in DICOM_SUFFIXES
    if path.name.startswith(".") or not (named or not path.suffix or path.suffix[1:].isdigit()):
        return ""
    try:
        with open(path, "rb") as file:
            beginning = file.read(PREFIX_END)
    except OSError as error:
        return str(error.strerror or error)
    if not beginning:
        return "it is empty"
    if not any(beginning):
        return "it begins with zeros and without the prefix DICM"
    return "it is called a DICOM file and is none" if named else ""
