"""What the caller of ``read_ct`` allows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from .dicom_limits import DEFAULT_LIMITS, ReadLimits

DEFAULT_MAX_BYTES = 8 << 30
INT16_ENDS = (-32768, 32767)


def allow(name: str, value: str) -> str:
    """Tell how to allow something, in Python and on the command line.

    Example:
        >>> allow("on_single", "thickness")
        "on_single='thickness' (--on-single thickness)"
    """
    return f"{name}={value!r} (--{name.replace('_', '-')} {value})"


@dataclass(frozen=True)
class ReadOptions:
    """How to go on where a series is not what it should be; by default not at all.

    Attributes:
        on_gap: missing slices: ``error``, or ``interpolate`` them linearly from their neighbours.
        on_tilt: tilted gantry, shear, slices shifted sideways: ``error``, or ``resample`` within each slice onto a
            rectangular grid that holds all of them.
        on_spacing: steps that change: ``error``, or ``resample`` linearly to the typical (lower median) step.
        on_duplicate: slices at one place: ``drop`` repeats with the same pixels and refuse others, ``error`` on any,
            or keep the ``first`` by file name whatever the others hold.
        on_single: a single slice, which has no step: ``error``, or take SpacingBetweenSlices, else SliceThickness, as
            the step (``thickness``).
        padding_hu: HU that padding and values outside the field of view become; None keeps them as they are.
            -32768 to 32767, as every volume can hold that.
        max_bytes: a volume that needs more is refused before memory is taken.
        dtype: ``auto`` gives int16 where that is exact, else float32; ``float32`` gives that always.
        limits: budgets for each file.
    """

    on_gap: Literal["error", "interpolate"] = "error"
    on_tilt: Literal["error", "resample"] = "error"
    on_spacing: Literal["error", "resample"] = "error"
    on_duplicate: Literal["drop", "error", "first"] = "drop"
    on_single: Literal["error", "thickness"] = "error"
    padding_hu: float | None = -1000.0
    max_bytes: int = DEFAULT_MAX_BYTES
    dtype: Literal["auto", "float32"] = "auto"
    limits: ReadLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            allowed = get_args(hint)
            if (name.startswith("on_") or name == "dtype") and getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        if self.padding_hu is not None and not math.isfinite(self.padding_hu):
            raise ValueError(f"padding_hu must be finite or None, got {self.padding_hu}")
        if self.padding_hu is not None and not INT16_ENDS[0] <= self.padding_hu <= INT16_ENDS[1]:
            raise ValueError(f"padding_hu must be between {INT16_ENDS[0]} and {INT16_ENDS[1]}, got {self.padding_hu}")
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes must be positive, got {self.max_bytes}")
        if not isinstance(self.limits, ReadLimits):
            raise TypeError(f"limits must be ReadLimits, got {type(self.limits).__name__}")
