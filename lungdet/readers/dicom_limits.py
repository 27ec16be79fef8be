"""How much one DICOM file may ask for before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class ReadLimits:
    """Budgets for reading one file; a file that wants more is refused before the memory is taken.

    Attributes:
        max_header_bytes: bytes of the data set before its pixels (after inflating, where the file is deflated).
        max_pixel_bytes: rows x columns x frames x samples x bytes per sample.
        max_inflated_bytes: size of a deflated data set after inflating, pixels included.
        max_depth: sequences inside sequences.
    """

    max_header_bytes: int = 64 * MIB
    max_pixel_bytes: int = 4 * GIB
    max_inflated_bytes: int = 512 * MIB
    max_depth: int = 48

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} must be positive, got {value}")


DEFAULT_LIMITS = ReadLimits()
