"""Many lesions, each with the vector that an embedding network gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records.lesion import Lesion
from lungdet.records.lesion_key import lesion_keys

# Type of the values, and how many belong to one lesion: None for one value that is no list, 0 for any number.
_COLUMNS: dict[str, tuple[Any, int | None]] = {
    "keys": (np.str_, None), "vectors": (np.float32, 0), "lesion_type": (np.str_, None), "location": (np.float32, 3),
    "size_mm": (np.float32, 2), "patient": (np.str_, None), "study": (np.int32, None), "image": (np.str_, None),
    "box_edge": (np.float32, 4), "spacing_mm": (np.float32, 3), "window_hu": (np.float32, 2), "split": (np.str_, None),
}  # fmt: skip
_OPTIONAL = ("box_edge", "spacing_mm", "window_hu", "split")


def _no_numbers() -> NDArray[np.float32]:
    return np.zeros(0, dtype=np.float32)


def _no_names() -> NDArray[Any]:
    return np.zeros(0, dtype=np.str_)


@dataclass(frozen=True, eq=False)
class EmbeddedLesions:
    """Lesions as columns, one row each. What is given is checked and made arrays of the types said here.

    The last columns may be left out, and are then filled with what says that nothing is known.

    Attributes:
        keys: ``(N,)`` names, all different; see :func:`~lungdet.records.lesion_key.lesion_keys`.
        vectors: ``(N, D)`` float32, finite; the Euclidean distance of two tells how unlike the lesions are.
        lesion_type: ``(N,)`` names of :data:`~lungdet.records.LESION_TYPES`; ``unknown`` where it is not known.
        location: ``(N, 3)`` float32, relative x, y, z: 0 to 1 to the right of the image, to the back, to the feet. NaN
            where it is not known.
        size_mm: ``(N, 2)`` float32, long axis, then short one; NaN where it is not known.
        patient: ``(N,)`` names.
        study: ``(N,)`` int32, in the order of time.
        image: ``(N,)`` key slice, relative to the folder of the images; empty if there is none.
        box_edge: ``(N, 4)`` float32, ``(x0, y0, x1, y1)`` of the lesion on its slice in pixels, edge frame; or NaN.
        spacing_mm: ``(N, 3)`` float32, pixel size x, y and distance of the slices; or NaN.
        window_hu: ``(N, 2)`` float32, display window, low end and high end; or NaN.
        split: ``(N,)`` part of the data set's split; or empty.
        weights_sha256: of the network; two sets may be compared only if it is the same. Empty if it is not known.
        settings_sha256: of what else the vectors depend on, such as the size of the crops; likewise.

    Raises:
        ValueError: columns differ in length or shape, a key repeats, or a vector is not finite.
    """

    keys: NDArray[Any]
    vectors: NDArray[np.float32]
    lesion_type: NDArray[Any]
    location: NDArray[np.float32]
    size_mm: NDArray[np.float32]
    patient: NDArray[Any]
    study: NDArray[np.int32]
    image: NDArray[Any]
    box_edge: NDArray[np.float32] = field(default_factory=_no_numbers)
    spacing_mm: NDArray[np.float32] = field(default_factory=_no_numbers)
    window_hu: NDArray[np.float32] = field(default_factory=_no_numbers)
    split: NDArray[Any] = field(default_factory=_no_names)
    weights_sha256: str = ""
    settings_sha256: str = ""

    def __post_init__(self) -> None:
        count = len(self.keys)
        for name, (kind, width) in _COLUMNS.items():
            values = getattr(self, name)
            if name in _OPTIONAL and not len(values):
                values = _nothing(kind, count, width)
            object.__setattr__(self, name, _column(name, values, kind, width, count))
        if len(set(self.keys.tolist())) != count:
            raise ValueError("two lesions have the same key; see lungdet.records.lesion_key.lesion_keys")
        if not np.isfinite(self.vectors).all():
            bad = self.keys[~np.isfinite(self.vectors).all(axis=1)]
            raise ValueError(f"{len(bad)} vectors are not finite, the first of {bad[0]}; is the network trained?")

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of_lesions(
        cls,
        lesions: Sequence[Lesion],
        vectors: NDArray[np.float32],
        weights_sha256: str = "",
        keys: Sequence[str] | None = None,
    ) -> EmbeddedLesions:
        """Take everything but the vectors from rows of a ``DL_info.csv``.

        Args:
            lesions: in the order of the file.
            vectors: ``(N, D)``, one for each.
            weights_sha256: of the network.
            keys: names of the lesions, those of their table; counted over ``lesions`` if None.
        """
        names = lesion_keys(lesion.file_name for lesion in lesions) if keys is None else keys
        return cls(
            keys=np.array(names, dtype=np.str_),
            vectors=vectors,
            lesion_type=np.array([lesion.type_name for lesion in lesions], dtype=np.str_),
            location=_rows([lesion.normalized_location for lesion in lesions], 3),
            size_mm=_rows([sorted(lesion.diameters_mm, reverse=True) for lesion in lesions], 2),
            patient=np.array([lesion.patient_id for lesion in lesions], dtype=np.str_),
            study=np.array([lesion.study for lesion in lesions], dtype=np.int32),
            image=np.array([lesion.png_path for lesion in lesions], dtype=np.str_),
            box_edge=_rows([lesion.recist_box_edge() for lesion in lesions], 4),
            spacing_mm=_rows([lesion.spacing_mm for lesion in lesions], 3),
            window_hu=_rows([lesion.window_hu for lesion in lesions], 2),
            split=np.array([lesion.split for lesion in lesions], dtype=np.str_),
            weights_sha256=weights_sha256,
        )

    def row_of(self, key: str) -> int:
        """Tell where a lesion is.

        Raises:
            KeyError: no lesion has that key; the message names some that are close.
        """
        rows = np.flatnonzero(self.keys == key)
        if not len(rows):
            raise KeyError(f"no lesion {key!r} among {len(self)}{self._close_to(key)}")
        return int(rows[0])

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp] | Sequence[int]) -> EmbeddedLesions:
        """Take some of the lesions, by a mask or by numbers."""
        chosen = np.asarray(rows) if len(rows) else np.zeros(0, dtype=np.intp)
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def with_vectors(
        self, vectors: NDArray[np.float32], weights_sha256: str = "", settings_sha256: str = ""
    ) -> EmbeddedLesions:
        """Give the same lesions other vectors."""
        return replace(self, vectors=vectors, weights_sha256=weights_sha256, settings_sha256=settings_sha256)

    def columns(self) -> dict[str, NDArray[Any]]:
        """List the columns by name."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def _close_to(self, key: str) -> str:
        stem = key.rsplit("#", 1)[0]
        for length in (len(stem), 13, 6):  # of the slice, of the series, of the patient
            close = [name for name in self.keys.tolist() if stem and name.startswith(stem[:length])]
            if close:
                return ", but " + ", ".join(close[:5]) + (" and more" if len(close) > 5 else "")
        return f"; keys look like {self.keys[0]}" if len(self) else ""


def _rows(values: Sequence[Sequence[float]], width: int) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32).reshape(len(values), width)


def _nothing(kind: Any, count: int, width: int | None) -> NDArray[Any]:
    """Fill a column of which nothing is known."""
    shape = (count,) if width is None else (count, width)
    return np.full(shape, "" if kind is np.str_ else np.nan, dtype=kind)


def _column(name: str, values: Any, kind: Any, width: int | None, count: int) -> NDArray[Any]:
    column = np.ascontiguousarray(values, dtype=kind) if len(values) else _empty(values, kind, width)
    fits = column.shape == (count,) if width is None else column.ndim == 2 and len(column) == count
    if not fits or (width and column.shape[1] != width):
        wanted = f"({count},)" if width is None else f"({count}, {width or 'D'})"
        raise ValueError(f"{name} must be {wanted}, one row a lesion, got {column.shape}")
    return column


def _empty(values: Any, kind: Any, width: int | None) -> NDArray[Any]:
    """Take a column without rows; a list of none does not say how wide it is."""
    shape = np.shape(values) if len(np.shape(values)) == 2 else (0, width or 0)
    return np.zeros((0,) if width is None else shape, dtype=kind)
