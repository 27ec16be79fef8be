"""How one nodule has changed since an earlier scan."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

GrowthVerdict = Literal["grows", "shrinks", "within error"]


@dataclass(frozen=True)
class NoduleGrowth:
    """The change of a volume between two scans, with what the error of both measurements allows.

    Attributes:
        before_mm3: volume in the earlier scan.
        after_mm3: volume now.
        days: between the scans.
        verdict: what the change is, given the error.
        doubling_days: time in which the volume doubles at this rate; negative: in which it halves; None if it did not
            change at all.
        shortest_days, longest_days: 95 % limits of a doubling time; None where the limits hold no growth at all.
        distance_mm: between both places, the scans laid on each other.

    Raises:
        ValueError: a number is not finite, or a volume or the time is not positive.
    """

    before_mm3: float
    after_mm3: float
    days: float
    verdict: GrowthVerdict
    doubling_days: float | None
    shortest_days: float | None
    longest_days: float | None
    distance_mm: float

    def __post_init__(self) -> None:
        positive = (self.before_mm3, self.after_mm3, self.days)
        if not all(math.isfinite(value) and value > 0 for value in positive):
            raise ValueError(f"volumes and days must be positive, got {positive}")
        if self.verdict not in get_args(GrowthVerdict):
            raise ValueError(f"verdict must be one of {get_args(GrowthVerdict)}, got {self.verdict!r}")
        times = [value for value in (self.doubling_days, self.shortest_days, self.longest_days) if value is not None]
        if not all(map(math.isfinite, (*times, self.distance_mm))):
            raise ValueError(f"times and distance must be finite, got {times} and {self.distance_mm}")

    @property
    def change_percent(self) -> float:
        """Change of the volume.

        Example:
            >>> NoduleGrowth(200.0, 300.0, 90.0, "grows", 153.9, 100.0, 300.0, 2.0).change_percent
            50.0
        """
        return 100.0 * (self.after_mm3 / self.before_mm3 - 1)

    def to_dict(self) -> dict[str, Any]:
        """Return all facts and the change, ready for JSON."""
        return {**asdict(self), "change_percent": round(self.change_percent, 2)}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> NoduleGrowth:
        """Read back what :meth:`to_dict` gave."""
        return cls(**{name: value for name, value in facts.items() if name in cls.__dataclass_fields__})
