"""The same lesion over time: sequences for a whole ``DL_info.csv``, as tables, plots and a page."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lungdet.counted import counted
from lungdet.lesions import DistanceWeights, MeasurementError, find_histories, load_embedded
from lungdet.lesions.links import Rule
from lungdet.lesions.matching_weights import EMBEDDED, GEOMETRY
from lungdet.lesions.measured import measured_from_deeplesion
from lungdet.lesions.vectors_of import Vectors, vectors_of
from lungdet.readers import read_deeplesion
from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.records.lesion_sequence import PatientHistory
from lungdet.reports import write_files
from lungdet.reports.folder_swap import write_folder
from lungdet.reports.timeline_page import timelines_to_html
from lungdet.reports.timeline_tables import (
    FORMAT,
    LEGEND,
    PARTS,
    histories_to_csv,
    histories_to_json,
)

from .history_pictures import draw_patients
from .lesion_source import lesion_source
from .new_output import new_output
from .page_owner import refuse_page_of_another
from .slice_folder import slice_folder
from .targets import refuse_inputs

COMMAND = "lungdet lesions history"
PLOTS = 20
CSV_NAME, JSON_NAME, PAGE_NAME, PICTURE_FOLDER = "sequences.csv", "history.json", "index.html", "patients"


@dataclass(frozen=True)
class HistoryOptions:
    """How to find and to show lesions over time.

    Attributes:
        embeddings: file of ``lungdet lesions embed``; without it, place, size and type tell lesions apart.
        images: ``Images_png``, for pictures of the lesions beside the plots.
        rule: ``"optimal"`` assignment between studies, or the paper's ``"greedy"`` rule.
        threshold: lesions farther apart are not the same; that of the weights if None.
        weights: what tells lesions apart; the shipped ones if None.
        plots: patients that are drawn, those with most to see first.
        patients: those to draw instead, by name.
    """

    embeddings: str | Path | None = None
    images: str | Path | None = None
    rule: Rule = "optimal"
    threshold: float | None = None
    weights: DistanceWeights | None = None
    plots: int = PLOTS
    patients: Collection[str] = ()

    def __post_init__(self) -> None:
        if self.plots < 0:
            raise ValueError(f"plots must be 0 or more, got {self.plots}")

    def chosen_weights(self) -> DistanceWeights:
        """Return the weights with the threshold."""
        weights = self.weights or (GEOMETRY if self.embeddings is None else EMBEDDED)
        return weights if self.threshold is None else replace(weights, threshold=self.threshold)


@dataclass(frozen=True)
class HistorySummary:
    """What was found.

    Attributes:
        histories: of all patients.
        problems: rows that were left out, and why.
        notes: what a reader of the sequences should know.
        page: where the page is.
    """

    histories: tuple[PatientHistory, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    page: Path

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what; see :data:`lungdet.reports.timeline_tables.LEGEND`."""
        several = [history for history in self.histories if len(history.studies) > 1]
        alone = [history for history in self.histories if len(history.studies) == 1]
        sequences = [sequence for history in several for sequence in history.followed]
        every = [sequence for history in self.histories for sequence in history.sequences]
        return {
            "marks": sum(len(sequence.keys) for sequence in every),
            "marks_in_sequences": sum(len(sequence) for sequence in sequences),
            "lesions_marked_once": sum(len(sequence) == 1 for history in several for sequence in history.sequences),
            "lesions_of_one_study": sum(len(history.sequences) for history in alone),
            "repeats": sum(len(mark.repeats) for sequence in every for mark in sequence.marks),
            "sequences": len(sequences),
            "patients": len(self.histories),
            "patients_with_one_study": len(alone),
        }

    def __str__(self) -> str:
        counts = self.counts
        several = counts["patients"] - counts["patients_with_one_study"]
        parts = [f"{counts[name]} {LEGEND[name]}" for name in PARTS]
        return "\n".join(
            [
                f"{counted(counts['marks'], 'mark')} of {counted(counts['patients'], 'patient')}, {several} of them "
                "with two studies or more",
                f"{counted(counts['sequences'], 'lesion')} followed over studies",
                f"{counted(counts['marks'], 'mark')} =",
                *(f"  {'+' if place else ' '} {part}" for place, part in enumerate(parts)),
                f"page: {self.page}",
            ]
        )


def find_lesion_histories(
    source: str | Path, output: str | Path, options: HistoryOptions | None = None
) -> HistorySummary:
    """Find which marks of a ``DL_info.csv`` are the same lesion, and write what became of each.

    Written are ``sequences.csv``, ``history.json``, ``index.html`` and, for some patients, a plot and, with images, a
    sheet of pictures in ``patients/``, where those of an earlier run go. Rows with a fault are left out and reported.

    Args:
        source: a ``DL_info.csv``, or the folder that it lies in.
        output: folder of the results; made if absent.
        options: how.

    Raises:
        AnnotationError: the CSV is none, or lacks columns.
        EmbeddedFileError: the embeddings cannot be read.
        ValueError: no row can be used, the source is of another kind, the embeddings are of other lesions, the folder
            of images holds none of the slices, a patient to draw does not exist, or a result would replace the source
            or the page of another command.
        OSError: the source does not exist, or nothing can be written.
    """
    options, path = options or HistoryOptions(), lesion_source(source)
    with new_output(output) as folder:
        refuse_page_of_another(folder / PAGE_NAME, COMMAND)
        inputs = [path, *([] if options.embeddings is None else [options.embeddings])]
        refuse_inputs([folder / name for name in (CSV_NAME, JSON_NAME, PAGE_NAME)], inputs)
        return _find(path, folder, options)


def _find(source: Path, folder: Path, options: HistoryOptions) -> HistorySummary:
    table = read_deeplesion(source, strict=False)
    if not len(table):
        first = f"; the first: {table.problems[0]}" if table.problems else ""
        raise ValueError(f"{source}: holds no lesion that could be followed{first}")
    images = None
    if options.images is not None:
        images = slice_folder(options.images, (lesion.png_path for lesion in table.lesions))
    weights = options.chosen_weights()
    vectors, notes = _vectors(table, options)
    histories = find_histories(measured_from_deeplesion(table), weights, vectors, options.rule)
    pictures, more_notes = draw_patients(_patients_to_draw(histories, options), table, images)
    problems = tuple(str(problem) for problem in table.problems)
    summary = HistorySummary(histories, problems, (*notes, *more_notes), folder / PAGE_NAME)
    _write(folder, summary, pictures, _facts(source, options, weights, summary))
    return summary


def _write(folder: Path, summary: HistorySummary, pictures: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
    earlier = _earlier_pictures(folder)
    histories, facts = summary.histories, {**facts, "pictures": sorted(pictures)}
    files = {
        PAGE_NAME: timelines_to_html(histories, pictures, facts, _growth),
        JSON_NAME: histories_to_json(histories, facts, _growth),
        CSV_NAME: histories_to_csv(histories, _growth),
    }
    if pictures or (folder / PICTURE_FOLDER).is_dir():
        write_folder(folder / PICTURE_FOLDER, pictures, lambda _, names: earlier & set(names))
    write_files(folder, files)


def _earlier_pictures(folder: Path) -> set[str]:
    """Names of the pictures that an earlier run says it wrote; nobody else's are touched."""
    try:
        content = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
        names = content["pictures"] if content["format"] == FORMAT else []
        return {name for name in names if re.fullmatch(r"\d{6}(_lesions)?\.png", name)}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _growth(before_mm: float, after_mm: float) -> str:
    return MeasurementError().growth([before_mm], [after_mm])


def _vectors(table: DeepLesionTable, options: HistoryOptions) -> tuple[Vectors | None, tuple[str, ...]]:
    """Embeddings by key, and what is to be said about them."""
    if options.embeddings is None:
        return None, ()
    embedded = load_embedded(options.embeddings)
    vectors, others = vectors_of(measured_from_deeplesion(table), embedded)
    if not vectors:
        found = f"{len(embedded)} lesions, none of which is in {table.path}"
        raise ValueError(f"{options.embeddings}: holds {found}; run `lungdet lesions embed` on this table")
    notes = []
    if others:
        what = f"{len(others)} embeddings are of other lesions than the rows of the same name, and are not used"
        notes.append(f"{what}, the first of {others[0]}; run `lungdet lesions embed` on this table")
    missing = len(table) - len(vectors)
    if missing:
        notes.append(f"{counted(missing, 'mark')} without an embedding, compared by place, size and type")
    return vectors, tuple(notes)


def _patients_to_draw(histories: Sequence[PatientHistory], options: HistoryOptions) -> list[PatientHistory]:
    """Choose those asked for, else those with most to see."""
    by_name = {history.patient: history for history in histories}
    if options.patients:
        names = [name.zfill(6) if name.isdigit() else name for name in options.patients]
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise ValueError(
                f"no patient {', '.join(unknown)} in the table; names look like {next(iter(by_name), '-')}"
            )
        return [by_name[name] for name in names]
    followed = [history for history in histories if history.followed]
    followed.sort(key=lambda history: (-sum(len(one) for one in history.followed), history.patient))
    return followed[: options.plots]


def _facts(
    source: str | Path, options: HistoryOptions, weights: DistanceWeights, summary: HistorySummary
) -> Mapping[str, Any]:
    return {
        "source": Path(source).name,
        "embeddings": None if options.embeddings is None else Path(options.embeddings).name,
        "rule": options.rule,
        "weights": weights.to_json(),
        "counts": summary.counts,
        "legend": {"marks": f"the sum of {', '.join(PARTS)}", **LEGEND},
        "notes": list(summary.notes),
        "problems": list(summary.problems),
    }
