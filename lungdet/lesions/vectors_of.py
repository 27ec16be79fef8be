"""Vectors of measured lesions by key, and proof that they are theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lungdet.records.measured_lesion import MeasuredLesion

from .embedded import EmbeddedLesions

Vectors = dict[str, NDArray[np.float32]]
SAME_MM = 0.01  # sizes are kept as float32


def vectors_of(lesions: Sequence[MeasuredLesion], embedded: EmbeddedLesions) -> tuple[Vectors, tuple[str, ...]]:
    """Take the vectors of lesions from a file that may be of another version of their table.

    A vector is taken if the file says the same patient, study and diameters as the lesion of that key.

    Args:
        lesions: as measured.
        embedded: vectors, with what they were made from.

    Returns:
        Vectors by key, and the keys of those that are of another lesion.
    """
    rows = {key: row for row, key in enumerate(embedded.keys.tolist())}
    found, others = {}, []
    for lesion in lesions:
        row = rows.get(lesion.key)
        if row is None:
            continue
        if _is_of(lesion, embedded, row):
            found[lesion.key] = embedded.vectors[row]
        else:
            others.append(lesion.key)
    return found, tuple(others)


def _is_of(lesion: MeasuredLesion, embedded: EmbeddedLesions, row: int) -> bool:
    if (lesion.patient, lesion.study) != (str(embedded.patient[row]), int(embedded.study[row])):
        return False
    sizes = (lesion.long_mm, lesion.short_mm)
    told = embedded.size_mm[row].tolist()
    known = [(size, other) for size, other in zip(sizes, told, strict=True) if size is not None and other == other]
    return all(abs(size - other) <= SAME_MM for size, other in known)
