"""Describe the lesions of a list: tables, figures and a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lungdet.counted import counted
from lungdet.lesions import MeasurementError, measured_from_datalist, measured_from_deeplesion
from lungdet.lesions.description import ALL, describe_measured
from lungdet.readers import read_deeplesion
from lungdet.records import MeasuredLesion
from lungdet.records.lesion_description import LesionDescription
from lungdet.reports import write_files
from lungdet.reports.lesion_figures import draw_lesion_figures
from lungdet.reports.lesion_page import FIGURES, description_to_html
from lungdet.reports.lesion_tables import description_to_json, description_to_tables
from lungdet.reports.score_figures import require_matplotlib

from .lesion_source import lesion_source
from .new_output import new_output
from .page_owner import refuse_page_of_another
from .targets import refuse_inputs

COMMAND = "lungdet lesions describe"
PAGE_NAME, JSON_NAME, FIGURE_FOLDER = "index.html", "lesions.json", "figures"
TABLE_NAMES = ("types.csv", "studies.csv", "growth.csv", "lesions.csv")


@dataclass(frozen=True)
class DescribedLesions:
    """What was found.

    Attributes:
        description: of the lesions.
        problems: what was left out, and why.
        page: where the page is.
    """

    description: LesionDescription
    problems: tuple[str, ...]
    page: Path

    def __str__(self) -> str:
        found = self.description
        counts = ", ".join(f"{item.lesion_type} {item.marks}" for item in found.types if item.lesion_type != ALL)
        growths = Counter(item.growth for item in found.growths)
        lines = [
            f"{counted(len(found.lesions), 'measurement')} of {counted(found.patients, 'patient')} "
            f"in {counted(len(found.studies), 'study')}",
            f"types: {counts}",
            "between studies: " + (", ".join(f"{n} {name}" for name, n in sorted(growths.items())) or "nothing known"),
        ]
        if found.single_study:
            lines.append(f"{counted(found.single_study, 'patient')} with one study, and so without growth")
        if found.not_comparable:
            who = counted(found.not_comparable, "patient")
            lines.append(f"{who} with studies without order, and so without growth and targets")
        if found.not_placed:
            lines.append(f"{counted(found.not_placed, 'measurement')} without place, and so without growth")
        if self.problems:
            lines.append(f"{counted(len(self.problems), 'row')} left out")
        return "\n".join([*lines, f"page: {self.page}"])


def describe_lesions(source: str | Path, output: str | Path, error: MeasurementError | None = None) -> DescribedLesions:
    """Describe the lesions of a list, and write what there is to say.

    Written are ``index.html``, ``lesions.json``, ``types.csv``, ``studies.csv``, ``growth.csv``, ``lesions.csv`` and
    PNGs in ``figures``, all of them or none. Pictures of an earlier run that this one does not draw are removed. Rows
    with a fault are left out and reported.

    Args:
        source: a ``DL_info.csv``, the folder that it lies in, or a training list, whose name ends in ``.json``.
        output: folder of the results; made if absent.
        error: of the diameters; that between two observers if None.

    Raises:
        AnnotationError: the CSV is none, or lacks columns.
        DatalistError: the JSON is no training list.
        MissingPlotsError: matplotlib is not installed.
        ValueError: no row can be read, the source is of another kind, or a result would replace it or the page of
            another command.
        OSError: the source does not exist, or nothing can be written.
    """
    require_matplotlib()
    path = lesion_source(source)
    with new_output(output) as folder:
        refuse_page_of_another(folder / PAGE_NAME, COMMAND)
        refuse_inputs([folder / name for name in (PAGE_NAME, JSON_NAME, *TABLE_NAMES)], [path])
        return _describe(path, folder, error)


def _describe(source: Path, folder: Path, error: MeasurementError | None) -> DescribedLesions:
    lesions, problems = _measured(source)
    if not lesions:
        first = f"; the first fault: {problems[0]}" if problems else ""
        raise ValueError(f"{source}: holds no lesion that could be described{first}")
    description = describe_measured(lesions, error)
    figures, name = draw_lesion_figures(description), source.name
    files = {f"{FIGURE_FOLDER}/{figure}": content for figure, content in figures.items()}
    files.update(description_to_tables(description))
    files[JSON_NAME] = description_to_json(description, name, problems)
    files[PAGE_NAME] = description_to_html(description, figures, name, problems)
    write_files(folder, files)
    for figure in FIGURES.keys() - figures.keys():
        (folder / FIGURE_FOLDER / figure).unlink(missing_ok=True)
    return DescribedLesions(description, problems, folder / PAGE_NAME)


def _measured(source: Path) -> tuple[tuple[MeasuredLesion, ...], tuple[str, ...]]:
    if source.suffix.lower() == ".json":
        from lungdet.datalists import read_datalist  # torch and MONAI come with it, which a CSV does without

        return measured_from_datalist(read_datalist(source))
    table = read_deeplesion(source, strict=False)
    return measured_from_deeplesion(table), tuple(str(problem) for problem in table.problems)
