"""Say of CT studies which part of the body they show, and write a folder for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lungdet.geometry.axial import axial_view
from lungdet.readers import read_ct
from lungdet.records import CTVolume, ScanScore
from lungdet.reports import prepare_output, study_folder_name, write_files
from lungdet.reports.csv_rows import table_to_csv
from lungdet.reports.folder_swap import write_folder
from lungdet.reports.scan_score_files import score_to_csv, score_to_json
from lungdet.reports.score_figures import require_matplotlib
from lungdet.reports.score_plot import draw_score

from .body_scorer import BUNDLE, BodyScorer
from .studies import StudyJob
from .study_loop import Source, StudyLoop, jobs_of_all

JSON_NAME, CSV_NAME, PLOT_NAME, SUMMARY_NAME = "score.json", "slices.csv", "score.png", "scores.csv"
COLUMNS = ("source", "series_uid", "slices", "regions", "lungs_mm", "tau", "r2", "flags", "folder", "error")
SECTION_MM = 12.0  # how thick the section in the plot is
# Slices are looked at one by one: what is missing, tilted or alone is flagged, and no reason to refuse the rest.
READING: dict[str, Any] = {
    "on_gap": "interpolate", "on_tilt": "resample", "on_spacing": "resample", "on_single": "thickness",
}  # fmt: skip


@dataclass(frozen=True)
class ScoredStudy:
    """One study: its scores, or why there are none.

    Attributes:
        source: what the user named.
        scan: the scores; None if the study failed.
        folder: where its files are; None if it failed.
        error: why it failed; empty if it did not.
    """

    source: str
    scan: ScanScore | None = None
    folder: Path | None = None
    error: str = ""


@dataclass(frozen=True)
class ScoreSummary:
    """All studies of one run, in the order in which they were named.

    Attributes:
        studies: their results.
        table: path of the CSV with one row a study.
    """

    studies: tuple[ScoredStudy, ...]
    table: Path

    @property
    def failed(self) -> tuple[ScoredStudy, ...]:
        """Studies without a result."""
        return tuple(study for study in self.studies if study.scan is None)


def score(
    sources: Source | Iterable[Source],
    output_dir: str | Path,
    *,
    bundle: str | Path = BUNDLE,
    device: str | None = None,
    series: str | None = None,
    choose: Literal["thinnest"] | None = "thinnest",
    overrides: Mapping[str, Any] | None = None,
    plot: bool = True,
    progress: bool = True,
    on_result: Callable[[ScoredStudy], None] | None = None,
) -> ScoreSummary:
    """Score the slices of CT studies, and write ``score.json``, ``slices.csv`` and ``score.png`` for each.

    A study that cannot be read is reported, and the rest go on. Missing slices, tilt, changing steps and a single slice
    are no reason to refuse a study here. Slices that the reader interpolates to fill a gap are left out.

    Args:
        sources: files or folders; each counts once. A folder that holds several studies gives a result for each.
        output_dir: made if absent. Each study gets a folder of its own in it, named as :func:`detect` names it, and
            ``scores.csv`` has a row for each study of this run.
        bundle: name of a shipped bundle, or the root of another one that you trust.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        series: which series to read: a key, a SeriesInstanceUID or its unique beginning.
        choose: ``"thinnest"`` takes the thinnest axial series of each study; None refuses to choose.
        overrides: new values of other settings of the bundle, by id; values, not expressions.
        plot: draw ``score.png``; it needs matplotlib.
        progress: show a bar, if the error stream is a terminal.
        on_result: called with each study's result as soon as it is there; what it raises is logged.

    Returns:
        The results, in the order of the sources. ``scores.csv`` is written when the run is interrupted, too.

    Raises:
        BundleError: the bundle cannot be used. What is wrong with a study is told in its result.
        MissingPlotsError: a plot is wanted, and matplotlib is not installed.
        ValueError: there is no such device.
        OSError: nothing can be written into ``output_dir``; this is known before the work begins.
    """
    if plot:
        require_matplotlib()
    folder = prepare_output(output_dir)
    run = _Run(BodyScorer(bundle, device, overrides), folder, plot)
    results = run.loop.results
    try:
        run.loop(jobs_of_all(sources, series, choose), progress, on_result)
    finally:
        write_files(folder, {SUMMARY_NAME: table_to_csv(COLUMNS, map(_row, results))})
    return ScoreSummary(tuple(results), folder / SUMMARY_NAME)


class _Run:
    """What one run needs to score a study."""

    def __init__(self, scorer: BodyScorer, folder: Path, plot: bool) -> None:
        self.scorer, self.folder, self.plot = scorer, folder, plot
        self.loop = StudyLoop(self._score, lambda source, error: ScoredStudy(source, error=error))

    def _score(self, job: StudyJob) -> ScoredStudy:
        volume = read_ct(list(job.files) or job.source, series=job.series, choose=job.choose, **READING)
        volume = replace(volume, info=replace(volume.info, source=job.source))  # not "90 files"
        self.loop.first_of(volume.info, job.source)
        scan = one_slice_alone(self.scorer(volume), volume)
        folder = self.folder / study_folder_name(volume.info)
        files = {JSON_NAME: score_to_json(scan), CSV_NAME: score_to_csv(scan)}
        if self.plot:
            files[PLOT_NAME] = draw_score(scan, *coronal_section(volume))
        write_folder(folder, files, _outdated)
        self.loop.done(volume.info, job.source)
        return ScoredStudy(job.source, scan, folder)


def one_slice_alone(scan: ScanScore, volume: CTVolume) -> ScanScore:
    """Let a single slice be as high as it is thick, and do not miss lungs that it need not hold; pass other scans.

    Args:
        scan: the answer.
        volume: that it was made of.
    """
    if len(scan.z_mm) != 1:
        return scan
    half = float(np.linalg.norm(axial_view(volume.array, volume.affine_lps).affine_lps[:3, 2])) / 2
    ends = scan.z_mm[0] + half, scan.z_mm[0] - half
    return replace(
        scan,
        covered=tuple(replace(part, top_mm=ends[0], bottom_mm=ends[1]) for part in scan.covered),
        lungs_mm=ends if scan.lungs_mm else None,
        flags=tuple(flag for flag in scan.flags if flag.kind != "no_lungs"),
    )


def coronal_section(volume: CTVolume, thickness_mm: float = SECTION_MM) -> tuple[Any, tuple[float, ...]]:
    """Cut a section through the middle of the image, seen from the front.

    Args:
        volume: in HU.
        thickness_mm: over which it takes the mean.

    Returns:
        ``(rows, columns)`` in HU, rows from the head to the feet and columns to the patient's left; and its left,
        right, top and bottom edge in LPS mm.
    """
    view = axial_view(volume.array, volume.affine_lps)
    spacing = np.linalg.norm(view.affine_lps[:3, :3], axis=0)
    half = max(1, round(thickness_mm / spacing[1] / 2))
    middle = view.array.shape[1] // 2
    section = view.array[:, max(middle - half, 0) : middle + half].mean(axis=1, dtype=np.float32)  # (X, Z)
    left = float(view.affine_lps[0, 3] - spacing[0] / 2)
    bottom, top = float(view.z_mm[0] - spacing[2] / 2), float(view.z_mm[-1] + spacing[2] / 2)
    return section.T[::-1], (left, left + float(spacing[0]) * section.shape[0], top, bottom)


def _outdated(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in (JSON_NAME, CSV_NAME, PLOT_NAME)]


def _row(study: ScoredStudy) -> list[Any]:
    scan = study.scan
    if scan is None or study.folder is None:
        return [study.source, *[None] * (len(COLUMNS) - 2), " ".join(study.error.split())]
    line, lungs = scan.line, scan.lungs_mm
    return [
        study.source,
        scan.series.series_uid,
        len(scan.z_mm),
        " ".join(part.region for part in scan.covered),
        lungs[0] - lungs[1] if lungs else None if scan.holds_lungs else 0.0,
        None if line is None else line.tau,
        None if line is None else line.r2,
        " ".join(dict.fromkeys(flag.kind for flag in scan.flags)),
        study.folder.name,
        None,
    ]
