"""Pictures of lesions over time: a plot for each patient and, where the slices are at hand, a sheet of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lungdet.readers import SeriesError
from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.readers.deeplesion_png import HU_OFFSET
from lungdet.readers.png_file import read_png16
from lungdet.records.lesion import Lesion
from lungdet.records.lesion_sequence import PatientHistory
from lungdet.reports.score_figures import MissingPlotsError, require_matplotlib
from lungdet.reports.timeline_plot import draw_timeline
from lungdet.reports.timeline_sheet import KeySlice, draw_sheet, sheet_sequences


def draw_patients(
    histories: Sequence[PatientHistory], table: DeepLesionTable, images: str | Path | None
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Draw ``<patient>.png`` for each patient and, with images, ``<patient>_lesions.png``.

    Args:
        histories: of the patients to draw.
        table: that they were found in.
        images: ``Images_png``; None draws no sheets.

    Returns:
        PNG bytes by name, and what could not be drawn.
    """
    pictures, notes = {}, []
    try:
        require_matplotlib()
        pictures = {f"{history.patient}.png": draw_timeline(history) for history in histories}
    except MissingPlotsError as error:
        notes.append(f"no plots: {error}")
    if images is None:
        return pictures, tuple(notes)
    by_key = dict(zip(table.keys, table.lesions, strict=True))
    for history in histories:
        slices, problems = _key_slices(history, by_key, Path(images))
        notes.extend(problems)
        if history.followed:
            pictures[f"{history.patient}_lesions.png"] = draw_sheet(history, slices)
    return pictures, tuple(notes)


def _key_slices(
    history: PatientHistory, by_key: dict[str, Lesion], images: Path
) -> tuple[dict[str, KeySlice], list[str]]:
    slices, problems = {}, []
    for sequence in sheet_sequences(history):
        for mark in sequence.marks:
            lesion = by_key[mark.lesion.key]
            try:
                slices[mark.lesion.key] = _key_slice(lesion, images / lesion.png_path)
            except SeriesError as error:
                problems.append(str(error))
    return slices, list(dict.fromkeys(problems))  # lesions may share a slice


def _key_slice(lesion: Lesion, path: Path) -> KeySlice:
    hu = np.clip(read_png16(path).astype(np.int32) - HU_OFFSET, -32768, 32767).astype(np.int16)
    xs, ys = lesion.recist_edge[0::2], lesion.recist_edge[1::2]
    return KeySlice(hu, (sum(xs) / 4, sum(ys) / 4), lesion.spacing_mm[:2], lesion.window_hu, lesion.box_edge)
