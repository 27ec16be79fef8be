"""What ``detect`` and ``analyze`` have in common to set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lungdet.readers.read_options import ReadOptions

from .summary import StudyResult

DETECTOR = "nodule_detector"


@dataclass(frozen=True)
class StudySettings:
    """How studies are read, by which detector they are searched, and what is written of them.

    Attributes:
        bundle: of the detector: name of a shipped one, or the root of another one that you trust; None takes
            ``nodule_detector``.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        series: which series to read: a key, a SeriesInstanceUID or its unique beginning.
        choose: ``"thinnest"`` takes the thinnest axial series of each study; None refuses to choose.
        on_gap: missing slices: ``"error"`` or ``"interpolate"``; None leaves it, like the next three, to the
            detector's bundle; without a detector it is ``"error"``.
        on_tilt: tilted gantry: ``"error"`` or ``"resample"``.
        on_spacing: steps that change: ``"error"`` or ``"resample"``.
        on_single: a single slice: ``"error"``, or ``"thickness"`` to believe its own step.
        overrides: new values of other settings of the detector's bundle, by id, such as ``{"min_score": 0.3}``; values,
            not expressions.
        max_pictures: findings of a study that get pictures of their own.
        guard: warn, in the log and in the report, of a scan that holds no lungs or is upside down, by the shipped
            body-part regressor; without its weights there is no guard.
        lungs_margin_mm: leave out what is marked further from the lungs than that; None keeps all marks, and so does a
            scan in which no lungs are found.
        progress: show a bar, if the error stream is a terminal.
        on_result: called with each study's result as soon as it is there; what it raises is logged.

    Raises:
        ValueError: ``max_pictures`` is negative, or what to do about a scan is no such word.
    """

    bundle: str | Path | None = None
    device: str | None = None
    series: str | None = None
    choose: Literal["thinnest"] | None = "thinnest"
    on_gap: Literal["error", "interpolate"] | None = None
    on_tilt: Literal["error", "resample"] | None = None
    on_spacing: Literal["error", "resample"] | None = None
    on_single: Literal["error", "thickness"] | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    max_pictures: int = 10
    guard: bool = True
    lungs_margin_mm: float | None = None
    progress: bool = True
    on_result: Callable[[StudyResult], None] | None = None

    def __post_init__(self) -> None:
        ReadOptions(**self.reading)  # refuse what is wrong before the first study
        if self.max_pictures < 0:
            raise ValueError(f"max_pictures must not be negative, got {self.max_pictures}")

    @property
    def detector(self) -> str | Path:
        """The detector's bundle."""
        return DETECTOR if self.bundle is None else self.bundle

    @property
    def reading(self) -> dict[str, Any]:
        """What :func:`lungdet.readers.read_ct` may do about a scan that is not what it should be, where set."""
        names = ("on_gap", "on_tilt", "on_spacing", "on_single")
        return {name: value for name in names if (value := getattr(self, name)) is not None}
