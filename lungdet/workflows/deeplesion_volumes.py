"""DeepLesion's slices to volumes: one NIfTI for each contiguous group of slices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lungdet.datalists import deeplesion_groups
from lungdet.phantoms import write_nifti
from lungdet.readers import SeriesError, read_deeplesion_group
from lungdet.records import Lesion

Progress = Callable[[Iterable[Any]], Iterable[Any]]


def write_deeplesion_volumes(
    lesions: Sequence[Lesion], png_root: str | Path, output: str | Path, *, progress: Progress = iter
) -> tuple[str, ...]:
    """Write the volumes that hold the slice ranges of lesions, in HU; those that are there already stay.

    Names and affine are those of :mod:`lungdet.readers.deeplesion_png`.

    Args:
        lesions: from :func:`lungdet.readers.read_deeplesion`.
        png_root: ``Images_png``, with a folder for each series.
        output: folder of the volumes; made if absent.
        progress: wraps the loop, for a progress bar.

    Returns:
        Volumes that could not be made: the slice that is missing or damaged, and what to do.
    """
    problems = []
    by_series: dict[tuple[str, tuple[float, float, float]], list[Lesion]] = defaultdict(list)
    for lesion in lesions:
        by_series[lesion.series_name, lesion.spacing_mm].append(lesion)
    jobs = [(key, group) for key, members in by_series.items() for group in deeplesion_groups(members)]
    for (series, spacing_mm), (name, first, last) in progress(jobs):
        if (Path(output) / name).is_file():
            continue
        try:
            write_nifti(read_deeplesion_group(Path(png_root) / series, first, last, spacing_mm), Path(output) / name)
        except (SeriesError, OSError) as error:
            problems.append(str(error))
    return tuple(problems)
