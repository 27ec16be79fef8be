"""From a folder of scans and a table of their labels to what a model of scan risk trains on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lungdet.datalists import DatalistError
from lungdet.datalists.scan_list import (
    LIST_NAME,
    UNLABELLED,
    ScanList,
    ScanListEntry,
    is_plain_name,
    read_scan_list,
    split_scans,
    weak_parts,
    write_scan_list,
)
from lungdet.readers import read_scan_labels
from lungdet.readers.dicom_file import read_header
from lungdet.readers.plain_text import printable
from lungdet.readers.volume_formats import is_volume_file
from lungdet.records import ScanCandidates
from lungdet.reports import prepare_output
from lungdet.reports.candidate_file import write_candidates
from lungdet.reports.csv_file import source_name

from .candidate_finder import DETECTOR, LEAST_SCORE, TOP, CandidateFinder
from .files_print import files_print
from .studies import StudyJob, find_studies
from .study_loop import StudyLoop

logger = logging.getLogger(__name__)
SHARES: dict[str, float] = {"training": 0.7, "validation": 0.15, "test": 0.15}


@dataclass(frozen=True)
class CandidateResult:
    """One scan of a run.

    Attributes:
        scan: its name.
        candidates: how many were found; None if the scan failed.
        error: why it failed; empty if it did not.
        kept: whether an earlier run had found them.
    """

    scan: str
    candidates: int | None = None
    error: str = ""
    kept: bool = False


@dataclass(frozen=True)
class CandidateSummary:
    """All scans of a run.

    Attributes:
        list_path: the ``candidates.json``.
        scans: what it says.
        results: of this run.
        problems: labels that cannot be used, and scans without a label, in words.
        weak: parts of the split that cannot teach or test the label, in words.
    """

    list_path: Path
    scans: ScanList
    results: tuple[CandidateResult, ...]
    problems: tuple[str, ...]
    weak: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[CandidateResult, ...]:
        """Scans without a result."""
        return tuple(result for result in self.results if result.candidates is None)


def find_candidates(
    folder: str | Path,
    output_dir: str | Path,
    labels: str | Path | None = None,
    *,
    label: str = "cancer",
    bundle: str | Path = DETECTOR,
    device: str | None = None,
    top: int = TOP,
    least_score: float = LEAST_SCORE,
    shares: Mapping[str, float] | None = None,
    seed: int = 0,
    progress: bool = True,
    on_result: Callable[[CandidateResult], None] | None = None,
    **reading: Any,
) -> CandidateSummary:
    """Find the candidates of every scan in a folder, and keep them in a file for each.

    Scans that cannot be read are reported, and the rest go on. ``<id>.npz`` of an earlier run is kept if the same
    detector with the same settings has made it of the same files (by names, sizes and times of last change), so an
    interrupted run goes on where it stopped. A folder with several studies fails: one label is of one of them, and
    nobody can tell of which. ``candidates.json`` is written at the end, and when the run is interrupted.

    Args:
        folder: with a folder of DICOM, or a NIfTI, MetaImage or NRRD file, for each scan, named by its id.
        output_dir: made if absent.
        labels: CSV with the columns ``id`` and ``label``; None for scans that are only to be answered.
        label: name of the label's column.
        bundle: name of a shipped detector, or the root of another one that you trust.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        top: candidates of a scan at most.
        least_score: of a candidate.
        shares: of ``training``, ``validation`` and ``test``; by label, 70, 15 and 15 % if None.
        seed: of the split. All labels that can be used are split, also those whose scan is not there, so that a scan
            that is absent or fails moves no other. Of an earlier run into ``output_dir`` by the same column, seed and
            shares every scan keeps its part, whatever labels have come or gone since.
        progress: show a bar, if the error stream is a terminal.
        on_result: called with each scan's result as soon as it is there.
        reading: options of :func:`lungdet.readers.read_ct`, such as ``on_gap="interpolate"``.

    Raises:
        AnnotationError: the labels are no such table, or no line of it can be used.
        BundleError: the detector cannot be used.
        ValueError: a share is negative, or ``top`` or ``least_score`` is out of its range.
        OSError: the folder cannot be read, or nothing can be written.
    """
    sources = scan_sources(folder)
    known, problems = _labels(labels, label, sources)
    shares = SHARES if shares is None else shares
    split = ", ".join([f"{label}, seed {seed}", *(f"{part} {share:g}" for part, share in sorted(shares.items()))])
    output = prepare_output(output_dir)
    part_of = {**split_scans(known, shares, seed), **_earlier_parts(output / LIST_NAME, split)}
    finder = CandidateFinder(bundle, device, top, least_score, reading)
    run = _Run(finder, output, {str(path): name for name, path in sources.items()})
    jobs = [StudyJob(str(path), None, "thinnest") for path in sources.values()]
    try:
        run.loop(jobs, progress, on_result)
    finally:
        results = tuple(run.loop.results)
        entries = tuple(
            ScanListEntry(name, f"{name}.npz", part_of[name] if name in known else UNLABELLED, known.get(name), count)
            for name, count in ((one.scan, one.candidates) for one in results)
            if count is not None
        )
        failed = {one.scan: one.error for one in results if one.candidates is None}
        scans = ScanList(entries, finder.model, top, least_score, failed, split if known else "")
        path = write_scan_list(output, scans)
    wanted = [part for part, share in shares.items() if share > 0] if known else []
    return CandidateSummary(path, scans, results, tuple(problems), weak_parts(entries, wanted))


def scan_sources(folder: str | Path) -> dict[str, Path]:
    """List the scans of a folder by name: its sub-folders, and its files of volumes; hidden ones are left out.

    Raises:
        ValueError: it holds none, two have one name, or a name cannot be kept.
        OSError: it cannot be read.
    """
    sources: dict[str, Path] = {}
    for path in sorted(Path(folder).iterdir()):
        if path.name.startswith(".") or not (path.is_dir() or is_volume_file(path)):
            continue
        name = path.name if path.is_dir() else source_name(path.name)
        if name in sources:
            raise ValueError(f"{path}: a second scan of the name {name!r}, beside {sources[name].name}; move one away")
        if not is_plain_name(name):
            raise ValueError(
                f"{path}: {name!r} cannot name a scan; give it a name of printable letters without : or \\"
            )
        sources[name] = path
    if not sources:
        wanted = "wanted a folder of DICOM, or a volume's file, for each; of one scan, name the folder above it"
        raise ValueError(f"{folder}: no scans there; {wanted}")
    return sources


def _labels(path: str | Path | None, label: str, sources: Mapping[str, Path]) -> tuple[dict[str, int], list[str]]:
    """All labels that can be used, and what is wrong with others."""
    if path is None:
        return {}, []
    labels, faults = read_scan_labels(path, label=label, strict=False)
    problems = [str(fault) for fault in faults]
    absent = sorted(set(labels) - set(sources))
    unlabelled = sorted(set(sources) - set(labels))
    problems += [f"{path}: no scan of the name {scan!r} is there" for scan in absent]
    problems += [f"{sources[scan]}: has no label; it is kept as {UNLABELLED}" for scan in unlabelled]
    if not set(labels) & set(sources):
        raise ValueError(f"{path}: labels none of the {len(sources)} scans that are there; are the ids their names?")
    return labels, problems


def _earlier_parts(path: Path, split: str) -> dict[str, str]:
    """Parts of an earlier run's scans, if it split them by the same rule."""
    if not path.is_file():
        return {}
    try:
        earlier = read_scan_list(path)
    except DatalistError as error:
        logger.warning("%s; the scans are split anew", error)
        return {}
    same = earlier.scans if earlier.split == split else ()
    return {scan.id: scan.part for scan in same if scan.part != UNLABELLED}


class _Run:
    """One run over all scans."""

    def __init__(self, finder: CandidateFinder, output: Path, names: Mapping[str, str]) -> None:
        self.finder, self.output, self.names = finder, output, names
        self._first: dict[str, str] = {}  # scan by what its cubes hold
        self.loop: StudyLoop[CandidateResult] = StudyLoop(self._find, self._fail)

    def _find(self, job: StudyJob) -> CandidateResult:
        name = self.names[job.source]
        path = self.output / f"{name}.npz"
        settings = f"{self.finder.settings}, files {files_print(job.source)}"
        kept = self.finder.kept(path, settings)
        if kept is None:
            _refuse_several(job.source)
        candidates = self.finder(job, name) if kept is None else kept
        self._refuse_repeat(name, candidates)
        if kept is None:
            write_candidates(path, candidates, settings)
        return CandidateResult(name, len(candidates), kept=kept is not None)

    def _refuse_repeat(self, name: str, candidates: ScanCandidates) -> None:
        """Two names of one scan may have two labels, or be in two parts.

        Raises:
            ValueError: another scan had the same candidates. Scans without any cannot be compared.
        """
        if not len(candidates):
            return
        digest = hashlib.sha256(candidates.cubes.tobytes()).hexdigest()
        first = self._first.setdefault(digest, name)
        if first != name:
            raise ValueError(f"shows the same as the scan {first!r}; remove one of the two")

    def _fail(self, source: str, error: str) -> CandidateResult:
        return CandidateResult(self.names[source], error=error)


def _refuse_several(source: str) -> None:
    """One id is one label, of one study.

    Raises:
        ValueError: there are several studies; the message names them all.
        SeriesError: there is no file, or a folder cannot be opened.
    """
    studies = find_studies(source)
    if len(studies) < 2:
        return
    named = []
    for study in studies:
        first = study.files[0]
        uid = read_header(first).text("StudyInstanceUID") or "without a UID"
        named.append(f"{uid} ({first.relative_to(source).as_posix()} and {len(study.files) - 1} more files)")
    told = printable("; ".join(named))
    raise ValueError(f"holds {len(studies)} studies under one name: {told}; give each a folder and a label of its own")
