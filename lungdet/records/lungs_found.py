"""What is known of the lungs on one CT."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from .place import Point

ScanBorder = Literal["top", "bottom", "side"]


@dataclass(frozen=True)
class LungSideFacts:
    """One lung, or both.

    Attributes:
        volume_ml: of all that lies in it, vessels and nodules included.
        mean_hu: mean density, HU; None where there is none.
        emphysema_percent: part of it below -950 HU, %; None where there is none.

    Raises:
        ValueError: a number is out of its bounds.
    """

    volume_ml: float
    mean_hu: float | None = None
    emphysema_percent: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.volume_ml) and self.volume_ml >= 0):
            raise ValueError(f"volume_ml must be 0 or more, got {self.volume_ml}")
        if self.mean_hu is not None and not math.isfinite(self.mean_hu):
            raise ValueError(f"mean_hu must be a number or None, got {self.mean_hu}")
        if self.emphysema_percent is not None and not 0 <= self.emphysema_percent <= 100:
            raise ValueError(f"emphysema_percent must be in 0..100, got {self.emphysema_percent}")


@dataclass(frozen=True)
class LungsFound:
    """Both lungs of a scan; a lung of unknown side counts in ``both`` only.

    Attributes:
        both: of all lung that was found.
        right: of the patient's right lung.
        left: of the left one.
        center_lps_mm: middle of all lung; None where there is none.
        reason: why there are none; empty if there are.
        notes: what a reader should know, such as that one lung is missing.
        top_lps_mm: middle of their upper 60 mm in x and y, and their top in z: the place in the lungs that a scan that
            ends lower or a deeper breath moves least; None where it is not known.
        cut_at: borders of the scan that they reach, so that a part of them may be missing.

    Raises:
        ValueError: a border has another name.
    """

    both: LungSideFacts
    right: LungSideFacts
    left: LungSideFacts
    center_lps_mm: Point | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()
    top_lps_mm: Point | None = None
    cut_at: tuple[ScanBorder, ...] = ()

    def __post_init__(self) -> None:
        if not set(self.cut_at) <= set(get_args(ScanBorder)):
            raise ValueError(f"cut_at must be of {get_args(ScanBorder)}, got {self.cut_at}")

    @property
    def found(self) -> bool:
        """Whether there is any lung."""
        return not self.reason

    def to_dict(self) -> dict[str, Any]:
        """Return all facts, ready for JSON.

        Example:
            >>> none = LungSideFacts(0.0)
            >>> LungsFound(none, none, none, reason="there is no air in the body").to_dict()["reason"]
            'there is no air in the body'
        """
        return {"found": self.found, **asdict(self)}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> LungsFound:
        """Read back what :meth:`to_dict` gave, also after JSON has made lists of its tuples."""
        both, right, left = (LungSideFacts(**facts[name]) for name in ("both", "right", "left"))
        center, top = _point(facts["center_lps_mm"]), _point(facts.get("top_lps_mm"))
        notes, cut_at = tuple(facts["notes"]), tuple(facts.get("cut_at", ()))
        return cls(both, right, left, center, facts["reason"], notes, top, cut_at)


def _point(values: Sequence[float] | None) -> Point | None:
    return None if values is None else (values[0], values[1], values[2])
