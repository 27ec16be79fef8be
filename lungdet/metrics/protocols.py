"""The rules by which detections are scored, each with a name, since "CPM" alone has more than one meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

LUNA16_FP_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
DEEPLESION_FP_RATES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

Hit = Literal["distance", "iou"]
Reading = Literal["interpolated", "nearest"]


@dataclass(frozen=True)
class ScoringProtocol:
    """One way to score.

    Attributes:
        name: what results are labelled with.
        fp_rates: false positives per scan (or image) at which the sensitivity is read.
        reading: how it is read: ``"interpolated"`` linearly on the curve, or at the ``"nearest"`` operating point.
        max_marks: how many marks of a scan count; None for all.
        uses_excluded: whether marks on excluded findings are taken out; otherwise they are false positives.
        hit: what finds a nodule: a mark nearer to its centre than its radius, or a box that overlaps its box.
        min_iou: the least overlap (IoU) where ``hit`` is ``"iou"``.
        unit: what false positives are counted per.
    """

    name: str
    fp_rates: tuple[float, ...] = LUNA16_FP_RATES
    reading: Reading = "interpolated"
    max_marks: int | None = None
    uses_excluded: bool = False
    hit: Hit = "distance"
    min_iou: float = 0.1
    unit: str = "scan"

    def __post_init__(self) -> None:
        if self.reading not in ("interpolated", "nearest"):
            raise ValueError(f"reading must be 'interpolated' or 'nearest', got {self.reading!r}")
        if self.hit not in ("distance", "iou"):
            raise ValueError(f"hit must be 'distance' or 'iou', got {self.hit!r}")
        if not 0.0 < self.min_iou <= 1.0:
            raise ValueError(f"min_iou must be in (0, 1], got {self.min_iou}")
        if self.max_marks is not None and self.max_marks < 1:
            raise ValueError(f"max_marks must be at least 1, got {self.max_marks}")
        if not self.fp_rates or not all(0.0 < rate < float("inf") for rate in self.fp_rates):
            raise ValueError(f"fp_rates must be positive numbers, got {self.fp_rates}")

    @property
    def rule(self) -> str:
        """Say the rule in words."""
        found = "centre within the radius" if self.hit == "distance" else f"IoU of at least {self.min_iou:g}"
        marks = "all marks" if self.max_marks is None else f"at most {self.max_marks} marks a {self.unit}"
        excluded = "marks on excluded findings ignored" if self.uses_excluded else "no exclusion list"
        read = "interpolated on the curve" if self.reading == "interpolated" else "at the nearest operating point"
        return f"{found}, {marks}, {excluded}, sensitivity {read}"

    def changed(
        self,
        fp_rates: Sequence[float] | None = None,
        max_marks: int | None = None,
        hit: Hit | None = None,
        min_iou: float | None = None,
    ) -> ScoringProtocol:
        """Return the protocol with other settings, and a name that tells what differs; None keeps a setting.

        Raises:
            ValueError: a setting is out of its range, or an overlap is given where hits are told by distance.

        Example:
            >>> LUNA16.changed(max_marks=50, hit="distance").name
            'luna16 (max_marks=50)'
        """
        if min_iou is not None and (hit or self.hit) != "iou":
            raise ValueError(f"min_iou={min_iou} has no say where hits are told by distance; choose hit 'iou', too")
        wanted = {
            "fp_rates": None if fp_rates is None else tuple(float(rate) for rate in fp_rates),
            "max_marks": max_marks,
            "hit": hit,
            "min_iou": min_iou,
        }
        news = {key: value for key, value in wanted.items() if value is not None and value != getattr(self, key)}
        if not news:
            return self
        told = ", ".join(f"{key}={value}" for key, value in news.items())
        return replace(self, name=f"{self.name} ({told})", **news)  # type: ignore[arg-type]


LUNA16 = ScoringProtocol("luna16", max_marks=100, uses_excluded=True)
"""The official evaluation of LUNA16 (Setio et al., Medical Image Analysis 42, 2017)."""

SIMPLIFIED = ScoringProtocol("simplified", reading="nearest")
"""A simplified CPM in circulation since 2025: no exclusion list, all marks, the nearest corner of the curve."""

DEEPLESION = ScoringProtocol("deeplesion", fp_rates=DEEPLESION_FP_RATES, hit="iou", min_iou=0.5, unit="image")
"""Detection on DeepLesion's key slices: sensitivity at 0.5 to 16 false positives per image, IoU of at least 0.5."""

PROTOCOLS = {protocol.name: protocol for protocol in (LUNA16, SIMPLIFIED, DEEPLESION)}


def find_protocol(protocol: str | ScoringProtocol) -> ScoringProtocol:
    """Return the protocol of this name, or the protocol itself.

    Raises:
        ValueError: no protocol has the name.
    """
    if isinstance(protocol, ScoringProtocol):
        return protocol
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")
    return PROTOCOLS[protocol]
