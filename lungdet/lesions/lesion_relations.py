"""How alike two lesions are by what is known of them: type, then place, then size; and whether they are one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lungdet.records.lesion import LESION_TYPES

UNKNOWN_TYPES = (-1, "-1", LESION_TYPES[-1], "")
UNCLEAR, OTHER_TYPE, OTHER_PLACE, OTHER_SIZE, ALIKE, SAME_LESION = -1, 0, 1, 2, 3, 4
HALF_BODY, SIZE_FACTOR = 0.5, 4.0  # differences that count 1 in `unlikeness`


@dataclass(frozen=True)
class RelationLimits:
    """From where on lesions are close, and from where on they are not; in between nothing is said.

    Attributes:
        near: greatest distance of places that count as one, in units of the body; see :func:`relations`.
        far: least distance of places that count as two.
        same_size: greatest ratio of diameters that count as equal, long to long and short to short.
        other_size: least ratio of those that do not.

    Raises:
        ValueError: the limits do not rise.
    """

    near: float = 0.12
    far: float = 0.2
    same_size: float = 1.25
    other_size: float = 1.6

    def __post_init__(self) -> None:
        if not (0 < self.near <= self.far and 1 < self.same_size <= self.other_size):
            raise ValueError(f"wanted 0 < near <= far and 1 < same_size <= other_size, got {self}")


@dataclass(frozen=True, eq=False)
class LesionFacts:
    """What is known of lesions, as columns.

    Attributes:
        lesion_type: ``(N,)`` names or numbers; -1, ``unknown`` or empty where it is not known.
        location: ``(N, 3)`` relative x, y, z, each 0 to 1.
        size_mm: ``(N, 2)`` long and short diameter.
        patient: ``(N,)`` names or numbers.
        identity: ``(N,)`` name of the lesion, the same at every time it was marked; empty where it is not known.

    Raises:
        ValueError: the columns do not fit each other, or a place or a size is not finite and positive.
    """

    lesion_type: NDArray[Any]
    location: NDArray[np.float64]
    size_mm: NDArray[np.float64]
    patient: NDArray[Any]
    identity: NDArray[Any]

    def __post_init__(self) -> None:
        count = len(self.lesion_type)
        shapes = {"location": (count, 3), "size_mm": (count, 2), "patient": (count,), "identity": (count,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must be {shape}, one row a lesion, got {getattr(self, name).shape}")
        if not np.isfinite(self.location).all() or not (self.size_mm > 0).all():
            raise ValueError("every lesion needs a place, and diameters above 0: leave the others out")

    def __len__(self) -> int:
        return len(self.lesion_type)

    @property
    def known(self) -> NDArray[np.bool_]:
        """``(N,)`` whether the type is known."""
        return np.array([value not in UNKNOWN_TYPES for value in self.lesion_type.tolist()], dtype=np.bool_)

    @classmethod
    def of_items(cls, items: Sequence[Mapping[str, Any]]) -> LesionFacts:
        """Take the facts from items with ``lesion_type``, ``location``, ``size_mm``, ``patient`` and ``identity``."""
        return cls(
            np.array([item["lesion_type"] for item in items]),
            np.array([item["location"] for item in items], dtype=np.float64).reshape(-1, 3),
            np.array([item["size_mm"] for item in items], dtype=np.float64).reshape(-1, 2),
            np.array([item["patient"] for item in items]),
            np.array([item.get("identity", "") for item in items], dtype=np.str_),
        )


def relations(
    facts: LesionFacts, rows: NDArray[np.intp] | Sequence[int], limits: RelationLimits | None = None
) -> NDArray[np.int8]:
    """Compare some lesions with all.

    The levels rise with likeness: ``OTHER_TYPE`` 0; ``OTHER_PLACE`` 1, of one type in two places; ``OTHER_SIZE`` 2, of
    one type and place; ``ALIKE`` 3 in all; ``SAME_LESION`` 4, the same lesion, perhaps later. ``UNCLEAR`` -1: a type is
    not known, or a distance is neither small nor large. So in the order in which Yan et al. (CVPR 2018) break what
    lesions share. The distance of places is Euclidean in relative x, y and z; the ratio of sizes is the larger one of
    the long and of the short diameters.

    Args:
        facts: of ``N`` lesions.
        rows: ``(M,)`` which to compare.
        limits: the usual ones if None.

    Returns:
        ``(M, N)``; a lesion and itself are ``SAME_LESION``.

    Example:
        >>> facts = LesionFacts(
        ...     np.array(["liver", "liver", "lung"]), np.full((3, 3), 0.5), np.array([[9.0, 8], [20, 8], [9, 8]]),
        ...     np.array(["a", "b", "c"]), np.array(["", "", ""]))
        >>> relations(facts, [0])
        array([[4, 2, 0]], dtype=int8)
    """
    limits = limits or RelationLimits()
    chosen = np.asarray(rows, dtype=np.intp)
    apart = np.linalg.norm(facts.location[chosen, None] - facts.location[None], axis=2)
    logs = np.log(facts.size_mm)
    ratio = np.exp(np.abs(logs[chosen, None] - logs[None]).max(axis=2))
    same_type = facts.lesion_type[chosen, None] == facts.lesion_type[None]
    near, far = apart <= limits.near, apart >= limits.far
    levels = np.full(same_type.shape, UNCLEAR, dtype=np.int8)
    levels[same_type & near & (ratio <= limits.same_size)] = ALIKE
    levels[same_type & near & (ratio >= limits.other_size)] = OTHER_SIZE
    levels[same_type & far] = OTHER_PLACE
    levels[~same_type] = OTHER_TYPE
    known = facts.known
    levels[~(known[chosen, None] & known[None])] = UNCLEAR
    named = facts.identity != ""
    one = (facts.identity[chosen, None] == facts.identity[None]) & named[chosen, None]
    one &= facts.patient[chosen, None] == facts.patient[None]
    levels[one] = SAME_LESION
    levels[np.arange(len(chosen)), chosen] = SAME_LESION
    return levels


def unlikeness(facts: LesionFacts, rows: NDArray[np.intp] | Sequence[int]) -> NDArray[np.float64]:
    """Tell how far lesions of one type differ in place and in size, as one number for each pair.

    The square of the distance of places, in units of half a body, plus the mean square of the two logarithmic ratios of
    diameters, in units of a factor of four; at most 1.

    Args:
        facts: of ``N`` lesions.
        rows: ``(M,)`` which to compare with all.

    Returns:
        ``(M, N)`` from 0 to 1; NaN for lesions of two types, or of a type that is not known, and for marks of one
        lesion, which belong together however it grows.

    Example:
        >>> facts = LesionFacts(
        ...     np.array(["liver", "liver", "lung"]), np.full((3, 3), 0.5), np.array([[8.0, 8], [16, 16], [8, 8]]),
        ...     np.array(["a", "b", "c"]), np.array(["", "", ""]))
        >>> unlikeness(facts, [0])
        array([[ nan, 0.25,  nan]])
    """
    chosen = np.asarray(rows, dtype=np.intp)
    levels = relations(facts, chosen)
    places = (facts.location[chosen, None] - facts.location[None]) / HALF_BODY
    logs = np.log(facts.size_mm) / np.log(SIZE_FACTOR)
    sizes = logs[chosen, None] - logs[None]
    apart = np.minimum((places**2).sum(axis=2) + (sizes**2).mean(axis=2), 1.0)
    known = (facts.lesion_type[chosen, None] == facts.lesion_type[None]) & facts.known & (levels < SAME_LESION)
    return np.where(known, apart, np.nan)
