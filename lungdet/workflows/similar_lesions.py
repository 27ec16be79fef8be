"""Ask a collection of lesions for those most like one of them, or like one that is marked on a slice."""

from __future__ import annotations

import json
import math
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.lesions import EmbeddedLesions, LesionRetrieval, load_embedded
from lungdet.lesions.retrieval import NO_ANSWER, NOBODY
from lungdet.readers.deeplesion_mark import MarkedSlice
from lungdet.records.lesion import LESION_TYPES
from lungdet.records.similar_lesion import SimilarLesion
from lungdet.reports import write_files
from lungdet.reports.similar_files import similar_to_csv, similar_to_json

from .new_output import new_output
from .similar_pictures import LesionView, leads_inside, similar_sheet
from .slice_folder import slice_folder

ANSWERS_CSV, ANSWERS_JSON, SHEET = "answers.csv", "answers.json", "sheet.png"
UNKNOWN = LESION_TYPES[-1]
SPACING_ROUNDING = 0.01


@dataclass(frozen=True)
class SimilarLesions:
    """What a search found.

    Attributes:
        query: what was asked for.
        answers: most similar first; fewer than asked for where patients are too few.
        problems: pictures that could not be read.
        written: files, if an output was named.
    """

    query: SimilarLesion
    answers: tuple[SimilarLesion, ...]
    problems: tuple[str, ...] = ()
    written: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class _Question:
    """A lesion that is asked for: its row or its vector, its patient, what is known of it, where it is seen."""

    row: int | None
    vector: NDArray[np.float32]
    patient: str
    lesion: SimilarLesion
    view: LesionView


def query_lesions(
    source: str | Path | EmbeddedLesions,
    question: str | MarkedSlice,
    *,
    count: int = 10,
    output: str | Path | None = None,
    images_dir: str | Path | None = None,
    bundle: str | Path = "lesion_embedding",
    device: str | None = None,
    one_a_patient: bool = True,
    patient: str = NOBODY,
) -> SimilarLesions:
    """Find the lesions of other patients that are most like one.

    Args:
        source: embedded lesions, or their file.
        question: key of a lesion among them, without ``#0`` if its slice has no other; or a mark on a slice, which the
            bundle embeds first.
        count: answers; no more than there are lesions.
        output: folder for ``answers.csv``, ``answers.json`` and, with ``images_dir``, ``sheet.png``; without, a sheet
            of an earlier query is removed.
        images_dir: ``Images_png`` of the collection.
        bundle: that embedded the collection; only a marked slice needs it.
        device: where to embed a marked slice; None leaves it to the bundle.
        one_a_patient: give no patient twice.
        patient: of a marked slice, who then does not answer; by the name of its folder if empty.

    Raises:
        ValueError: the file cannot be read, is empty, or has no such lesion; the slice cannot be read, or was embedded
            by another network than the collection, or with other settings; there is no folder of images.
        OSError: the results cannot be written.
    """
    lesions = source if isinstance(source, EmbeddedLesions) else _load(Path(source))
    name = "the collection" if isinstance(source, EmbeddedLesions) else str(source)
    if not len(lesions):
        raise ValueError(f"{name}: holds no lesions to search among; embed some with 'lungdet lesions embed'")
    images = None if images_dir is None else slice_folder(images_dir, filter(leads_inside, lesions.image.tolist()))
    with nullcontext() if output is None else new_output(output) as folder:
        return _answer(lesions, name, question, count, folder, images, bundle, device, one_a_patient, patient)


def _answer(
    lesions: EmbeddedLesions,
    name: str,
    question: str | MarkedSlice,
    count: int,
    folder: Path | None,
    images: Path | None,
    bundle: str | Path,
    device: str | None,
    one_a_patient: bool,
    patient: str,
) -> SimilarLesions:
    retrieval = LesionRetrieval(lesions, one_a_patient=one_a_patient)
    asked = (
        _known(lesions, question, name, images)
        if isinstance(question, str)
        else _marked(lesions, question, patient or question.patient, bundle, device)
    )
    count = min(count, len(lesions))
    if asked.row is not None:
        found = retrieval.like_rows([asked.row], count)
    else:
        found = retrieval.like(asked.vector[None], [asked.patient], count)
    rows = [int(row) for row in found.rows[0] if row != NO_ANSWER]
    answers = tuple(
        _similar(lesions, row, place, float(distance), asked.lesion.lesion_type)
        for place, (row, distance) in enumerate(zip(rows, found.distances[0], strict=False), start=1)
    )
    result = SimilarLesions(asked.lesion, answers)
    if folder is None:
        return result
    about = _about(retrieval, lesions)
    files = {
        ANSWERS_CSV: similar_to_csv(answers),
        ANSWERS_JSON: similar_to_json(asked.lesion, answers, about),
    }
    if images is not None:
        views = [LesionView.of_row(lesions, row, images) for row in rows]
        view = asked.view if asked.view.window_hu or not views else replace(asked.view, window_hu=views[0].window_hu)
        shown = list(zip(answers, views, strict=True))
        sheet, problems = similar_sheet((asked.lesion, view), shown, _may_answer(lesions, asked))
        files[SHEET], result = sheet, replace(result, problems=tuple(problems))
    outdated = SHEET not in files and _is_of_a_query(folder / ANSWERS_JSON)
    write_files(folder, files)
    if outdated:
        (folder / SHEET).unlink(missing_ok=True)
    return replace(result, written=tuple(folder / name for name in files))


def _load(path: Path) -> EmbeddedLesions:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; check the path")
    if path.is_dir():
        here = sorted(path.glob("*.npz"))
        remedy = f"name the file, such as {here[0]}" if here else "name the .npz that this command wrote"
        raise ValueError(f"{path}: is a folder, not a file of 'lungdet lesions embed'; {remedy}")
    return load_embedded(path)


def _may_answer(lesions: EmbeddedLesions, asked: _Question) -> int:
    """Count the lesions of other patients; one whose patient is not known is only kept from answering itself."""
    if asked.patient == NOBODY:
        return len(lesions) - (asked.row is not None)
    return int((lesions.patient != asked.patient).sum())


def _is_of_a_query(answers: Path) -> bool:
    """Tell whether an earlier query wrote into this folder, whose sheet would then lie beside other answers."""
    try:
        content = json.loads(answers.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"query", "answers"} <= content.keys()


def _known(lesions: EmbeddedLesions, key: str, name: str, images: Path | None) -> _Question:
    try:
        row = lesions.row_of(_whole_key(lesions, key))
    except KeyError as error:
        why = "if it is in the table, its slice was missing or could not be read when the collection was embedded"
        raise ValueError(f"{name}: {error.args[0]}; {why}") from error
    asked = _similar(lesions, row, 0, 0.0, UNKNOWN)
    view = LesionView.of_row(lesions, row, images) if images is not None else LesionView(Path(), (), (), ())
    return _Question(row, lesions.vectors[row], str(lesions.patient[row]), asked, view)


def _whole_key(lesions: EmbeddedLesions, key: str) -> str:
    """Add the number to a key without one, if the slice has one lesion."""
    same_slice = [] if "#" in key else lesions.keys[np.char.startswith(lesions.keys, f"{key}#")].tolist()
    return str(same_slice[0]) if len(same_slice) == 1 else key


def _marked(
    lesions: EmbeddedLesions, marked: MarkedSlice, patient: str, bundle: str | Path, device: str | None
) -> _Question:
    """Embed a mark on a slice by the network of the collection."""
    from .lesion_embedder import LesionEmbedder, LesionProblem, MarkedLesion

    same_series = np.flatnonzero(np.char.startswith(lesions.image, f"{marked.series_name}/"))
    spacing = marked.spacing_mm
    if len(same_series):
        theirs = tuple(lesions.spacing_mm[same_series[0]].tolist())
        _refuse_other_spacing(marked, theirs)
        spacing = theirs if spacing is None else spacing
    if spacing is None or not all(map(math.isfinite, spacing)):
        raise ValueError(f"{marked.image}: its pixel size is not known; tell it with --spacing-mm X Y Z")
    embedder = LesionEmbedder(bundle, device)
    _refuse_other("by weights", embedder.model.weights_sha256, lesions.weights_sha256, marked)
    _refuse_other("with settings", embedder.settings_sha256, lesions.settings_sha256, marked)
    answer = next(iter(embedder([MarkedLesion(marked.key, str(marked.image), marked.recist_edge, spacing)], workers=0)))
    if isinstance(answer, LesionProblem):
        raise ValueError(answer.error)
    window = tuple(lesions.window_hu[same_series[0]].tolist()) if len(same_series) else ()
    asked = SimilarLesion(
        *(0, 0.0, marked.key, patient, 0, UNKNOWN, marked.diameters_mm(spacing), (None, None, None)),
        image=marked.image.name,
        same_type=None,
    )
    return _Question(None, answer, patient, asked, LesionView(marked.image, marked.box_edge, spacing, window))


def _refuse_other_spacing(marked: MarkedSlice, theirs: tuple[float, ...]) -> None:
    """Refuse a spacing that the collection contradicts, for the same series; a hundredth is rounding."""
    pairs = [(told, known) for told, known in zip(marked.spacing_mm or (), theirs, strict=False) if known > 0]
    if any(abs(told - known) > SPACING_ROUNDING * known for told, known in pairs):
        told, known = (" ".join(f"{step:g}" for step in steps) for steps in zip(*pairs, strict=True))
        what = f"--spacing-mm {told}, but series {marked.series_name} has {known} mm in the collection"
        raise ValueError(f"{marked.image}: {what}; leave it out, or rename the folder if this is another series")


def _refuse_other(what: str, ours: str, theirs: str, marked: MarkedSlice) -> None:
    """Refuse vectors that cannot be compared; a collection that does not tell is taken at its word."""
    if theirs and ours != theirs:
        told = f"embedded {what} {ours[:12]}..., the collection {what} {theirs[:12]}..."
        raise ValueError(f"{marked.image}: {told}; name the same bundle, or embed the collection again")


def _similar(lesions: EmbeddedLesions, row: int, place: int, distance: float, wanted_type: str) -> SimilarLesion:
    told = str(lesions.lesion_type[row])
    return SimilarLesion(
        place=place,
        distance=distance,
        key=str(lesions.keys[row]),
        patient=str(lesions.patient[row]),
        study=int(lesions.study[row]),
        lesion_type=told,
        size_mm=_known_numbers(lesions.size_mm[row]),
        location=_known_numbers(lesions.location[row]),
        image=str(lesions.image[row]),
        same_type=None if UNKNOWN in (told, wanted_type) else told == wanted_type,
    )


def _known_numbers(values: NDArray[np.float32]) -> tuple[float | None, ...]:
    return tuple(round(value, 4) if math.isfinite(value) else None for value in values.tolist())


def _about(retrieval: LesionRetrieval, lesions: EmbeddedLesions) -> dict[str, Any]:
    return {
        "searched": len(lesions),
        "patients": len(set(lesions.patient.tolist())),
        "search": retrieval.index.name,
        "one_a_patient": retrieval.one_a_patient,
        "weights_sha256": lesions.weights_sha256 or None,
        "settings_sha256": lesions.settings_sha256 or None,
    }
