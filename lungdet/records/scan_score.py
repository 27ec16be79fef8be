"""Where in the body the slices of one CT lie, by a score that rises towards the feet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from .model_info import ModelInfo
from .series import SeriesInfo

BodyRegion = Literal["chest", "abdomen", "pelvis"]
BODY_REGIONS: tuple[BodyRegion, ...] = get_args(BodyRegion)
FlagKind = Literal[
    "empty", "few_slices", "upside_down", "no_order", "gap", "reversed", "foreign", "outside", "spacing", "no_lungs"
]
FLAG_KINDS: tuple[FlagKind, ...] = get_args(FlagKind)


@dataclass(frozen=True)
class ScoreFlag:
    """Something about a scan that a person should look at.

    Attributes:
        kind: ``empty`` no body in a slice; ``few_slices`` too few for a line; ``upside_down`` the body runs against the
            positions; ``no_order`` the score does not follow the positions; ``gap`` slices are missing; ``reversed`` a
            part of the slices runs backwards; ``foreign`` slices that do not fit among the others; ``outside`` slices
            of a part of the body that the regressor does not know; ``spacing`` the score runs too fast or too slowly
            for the positions; ``no_lungs`` no slice holds lung.
        message: the same in words, with numbers.
        rows: the slices that it is about, as rows of the table; empty if it is about all.
    """

    kind: FlagKind
    message: str
    rows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in FLAG_KINDS:
            raise ValueError(f"no such flag: {self.kind!r}; there are {', '.join(FLAG_KINDS)}")


@dataclass(frozen=True)
class ScoreLine:
    """The robust line through the scores of one scan.

    Attributes:
        rate_per_mm: rise of the score per mm towards the feet; negative if the scan is upside down.
        at_zero: score of the line at ``z = 0`` mm.
        tau: Kendall's tau between score and way to the feet, -1 to 1.
        r2: part of the scores' variance that the line explains, at most 1.
        scatter_mm: median distance of a score from the line, in mm along the body.
    """

    rate_per_mm: float
    at_zero: float
    tau: float
    r2: float
    scatter_mm: float

    def at(self, z_mm: float) -> float:
        """Score of the line at a height in LPS mm."""
        return self.at_zero - self.rate_per_mm * z_mm


@dataclass(frozen=True)
class CoveredRegion:
    """A part of the body that a scan covers.

    Attributes:
        region: ``chest``, ``abdomen`` or ``pelvis``.
        top_mm, bottom_mm: LPS z of its ends, half a slice beyond the centres of the outermost slices.
        slices: how many slices show it.
    """

    region: BodyRegion
    top_mm: float
    bottom_mm: float
    slices: int

    @property
    def extent_mm(self) -> float:
        """From end to end."""
        return self.top_mm - self.bottom_mm


@dataclass(frozen=True)
class ScanScore:
    """What the scores of a scan's slices say. Rows run from the head to the feet, by the scan's own positions.

    Attributes:
        series: what was read.
        model: which regressor looked.
        slice_index: ``(N,)`` index of each row's slice in the image as read, counted from 0.
        z_mm: ``(N,)`` LPS height of each slice's middle; it falls.
        score: ``(N,)`` 0 at the top of the trunk to 1 at its bottom; None for a slice without a body.
        region: ``(N,)`` part of the body that each slice shows; "" for a slice without a body, or of a part of the body
            that is not known.
        line: through the scores; None if there are too few.
        covered: parts of the body that the scan covers, from the head to the feet; empty for ``no_order``.
        lungs_mm: LPS z of the upper and the lower end of the slices that hold lung; None for ``no_lungs`` and
            ``no_order``.
        flags: what a person should look at.
    """

    series: SeriesInfo
    model: ModelInfo
    slice_index: tuple[int, ...]
    z_mm: tuple[float, ...]
    score: tuple[float | None, ...]
    region: tuple[BodyRegion | Literal[""], ...]
    line: ScoreLine | None
    covered: tuple[CoveredRegion, ...]
    lungs_mm: tuple[float, float] | None
    flags: tuple[ScoreFlag, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.slice_index), len(self.z_mm), len(self.score), len(self.region)}
        if len(lengths) != 1:
            raise ValueError(f"{self.series.source}: columns of a scan's scores differ in length: {sorted(lengths)}")
        if not all(math.isfinite(value) for value in (*self.z_mm, *(s for s in self.score if s is not None))):
            raise ValueError(f"{self.series.source}: heights and scores must be finite")
        if any(lower >= upper for upper, lower in zip(self.z_mm, self.z_mm[1:], strict=False)):
            raise ValueError(f"{self.series.source}: rows must run from the head to the feet")

    def has(self, kind: FlagKind) -> bool:
        """Tell whether there is such a flag."""
        return any(flag.kind == kind for flag in self.flags)

    @property
    def holds_lungs(self) -> bool:
        """Whether slices hold lung; that is known even where they are in no order."""
        return self.lungs_mm is not None or (self.has("no_order") and not self.has("no_lungs"))
