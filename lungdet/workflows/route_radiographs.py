"""Send radiographs where they belong, by what they show: copies or links, never a move, nothing overwritten."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lungdet import __version__
from lungdet.readers import read_radiograph
from lungdet.records import LabelledFile, RoutedFile
from lungdet.reports import (
    files_to_show,
    manifest_files,
    prepare_output,
    route_to_html,
    thumbnail,
    write_files,
)
from lungdet.reports.thumbnail import THUMBNAIL_PX
from lungdet.routing import load_rules

from .bundle import bundle_root
from .place_file import file_sha256, sweep_unfinished
from .radiograph_files import Source, find_radiographs
from .radiograph_labeller import BUNDLE, RadiographLabeller, file_state
from .route_journal import RouteJournal
from .route_one import FileRouter

logger = logging.getLogger(__name__)

PAGE_NAME, MANIFEST_NAME = "route.html", "manifest.csv"


@dataclass(frozen=True)
class RouteSummary:
    """What became of all files that were ever routed into one destination.

    Attributes:
        files: of this run and of those before, by name; not those that failed and are not there any more.
        failed: files of this run without a copy, and sources in which there is nothing to read.
        new: how many of the files this run dealt with; the rest was done before.
        manifest: path of the CSV.
        page: path of the HTML.
    """

    files: tuple[RoutedFile, ...]
    failed: tuple[RoutedFile, ...]
    new: int
    manifest: Path
    page: Path


def route(
    sources: Source | Iterable[Source],
    rules: str | Path,
    destination: str | Path,
    *,
    bundle: str | Path = BUNDLE,
    device: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    link: bool = False,
    workers: int | None = None,
    batch_size: int = 16,
    progress: bool = True,
    on_result: Callable[[RoutedFile], None] | None = None,
) -> RouteSummary:
    """Label radiographs and put a copy of each into the folder that the rules name.

    Originals are only read. A file that is there already is left as it is; a run that was stopped goes on where it was
    when it is started again, and files that came since are added.

    Args:
        sources: files, folders and globs.
        rules: YAML; see :func:`~lungdet.routing.load_rules`. It is checked before the first file.
        destination: the folders of the rules are made in it; made if absent.
        bundle: name of a shipped bundle, or the root of another one that you trust.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of other settings of the bundle, by id; values, not expressions.
        link: make hard links where the disk can, else copies.
        workers: threads that read; by default one for each processor.
        batch_size: pictures that the network sees at once.
        progress: show a bar, if the error stream is a terminal.
        on_result: called with each new file, and before them with each source in which there is nothing to read.

    Returns:
        What became of the files. ``manifest.csv`` and ``route.html`` are in the destination, the manifest after an
        interruption, too.

    Raises:
        BundleError: the bundle cannot be used.
        ValueError: the rules are wrong; the destination is in use, or belongs to other rules or weights; a source is
            one of its folders.
        OSError: nothing can be written into the destination, or its disk is full.
    """
    named = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    labeller = RadiographLabeller(bundle, device, overrides)
    book = load_rules(rules, labeller.router.class_list, check_bundle=bundle_root)
    root = prepare_output(destination)
    settings = {"rules": file_sha256(rules), **labeller.settings}
    with RouteJournal(root, settings) as journal:
        places = [root / folder for folder in book.folders]
        for place in places:
            sweep_unfinished(place, journal.mark)
        files, problems = _find(named, places)
        fresh = [file for file in files if not _is_known(journal, file)]
        put = FileRouter(book, labeller.router.class_list, root, link, journal.mark)
        labelled = labeller(fresh, workers=workers, batch_size=batch_size, hashed=True)
        failed = [RoutedFile(source, error=problem) for source, problem in problems.items()]
        _tell(failed, on_result)
        try:
            failed += _run(journal, map(put, _bar(labelled, len(fresh), progress)), batch_size, on_result)
        finally:
            _write(root, manifest_files(journal.files))
        facts = _facts(named, destination, rules, settings, labeller)
        _write(root, {PAGE_NAME: route_to_html(journal.files, _thumbnails(journal.files), facts)})
        return RouteSummary(journal.files, tuple(failed), len(fresh), root / MANIFEST_NAME, root / PAGE_NAME)


def _run(
    journal: RouteJournal,
    stream: Iterable[RoutedFile],
    batch_size: int,
    on_result: Callable[[RoutedFile], None] | None,
) -> list[RoutedFile]:
    """Write down what becomes of each file, a batch at a time, and what is left of one when it is interrupted.

    Returns:
        Those that failed.
    """
    failed: list[RoutedFile] = []
    batch: list[RoutedFile] = []
    try:
        for routed in stream:
            batch.append(routed)
            if len(batch) == batch_size:
                done, batch = batch, []
                failed += _note(journal, done, on_result)
    finally:
        failed += _note(journal, batch, on_result)
    return failed


def _note(
    journal: RouteJournal, batch: Sequence[RoutedFile], on_result: Callable[[RoutedFile], None] | None
) -> list[RoutedFile]:
    if batch:
        journal.add(batch)
    _tell(batch, on_result)
    return [routed for routed in batch if routed.error]


def _tell(files: Iterable[RoutedFile], on_result: Callable[[RoutedFile], None] | None) -> None:
    if on_result is not None:
        for routed in files:
            on_result(routed)


def _write(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files whole or not at all.

    Raises:
        OSError: the disk refused; the message names a file, which the system's own does not always.
    """
    try:
        write_files(root, files)
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(root / next(iter(files)))) from error


def _bar(stream: Iterator[LabelledFile], total: int, progress: bool) -> Iterable[LabelledFile]:
    from tqdm import tqdm

    bar: Iterable[LabelledFile] = tqdm(stream, total=total, unit="file", disable=None if progress else True)
    return bar


def _find(sources: Iterable[Source], places: Iterable[Path]) -> tuple[list[str], dict[str, str]]:
    """Look for radiographs; the copies of earlier runs are none.

    Returns:
        Absolute paths, and sources in which there is nothing to read, each with its reason.

    Raises:
        ValueError: a source is a folder of the destination.
    """
    taken = [place.resolve() for place in places]
    for source in sources:
        for place in taken:
            if Path(source).resolve().is_relative_to(place):
                raise ValueError(f"{os.fspath(source)}: is in {place}, where copies go; name another destination")
    found, problems = find_radiographs(sources)
    files = [os.path.abspath(file) for file in found]
    copies = {
        folder: any(folder.is_relative_to(place) for place in taken)
        for folder in {Path(file).parent.resolve() for file in files}
    }
    return [file for file in files if not copies[Path(file).parent.resolve()]], problems


def _facts(
    sources: Iterable[Source],
    destination: str | Path,
    rules: str | Path,
    settings: Mapping[str, str],
    labeller: RadiographLabeller,
) -> dict[str, str]:
    """Say how it was done, for the page."""
    return {
        "Source": ", ".join(os.fspath(source) for source in sources),
        "Destination": os.fspath(destination),
        "Rules": f"{os.fspath(rules)} (SHA-256 {settings['rules']})",
        "Model": f"{labeller.model.name} {labeller.model.version}",
        "Weights (SHA-256)": settings["weights"],
        "Software": f"lungdet {__version__}",
    }


def _is_known(journal: RouteJournal, file: str) -> bool:
    try:
        now = os.stat(file)
    except OSError:
        return False  # to be tried, and to fail with a reason
    return stat.S_ISREG(now.st_mode) and journal.known(file, file_state(now)) is not None


def _thumbnails(files: Iterable[RoutedFile]) -> dict[str, bytes]:
    """Draw those pictures that the page shows; one that cannot be read any more has none."""
    pictures: dict[str, bytes] = {}
    for routed in files_to_show(tuple(files)):
        try:
            pictures[routed.file] = thumbnail(read_radiograph(routed.file, max_side=2 * THUMBNAIL_PX).pixels)
        except (ValueError, OSError) as error:
            logger.debug("%s: no thumbnail: %s", routed.file, error)
    return pictures
