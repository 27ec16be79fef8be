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
        max_elements: data elements before the pixels, those inside wanted sequences included. An enhanced CT has about
            40 for each frame.
        max_depth: sequences inside sequences.
        max_pixel_bytes: rows x columns x frames x bytes per pixel.
        max_frame_bytes: rows x columns x bytes per pixel of compressed frames: decoders work on a frame at a time, and
            take up to eight times as much.
        max_inflated_bytes: size of a deflated data set after inflating, pixels included.
        max_compression: pixel bytes for each compressed byte, for images above 64 MiB.
    """

    max_header_bytes: int = 64 * MIB
    max_elements: int = 200_000
    max_depth: int = 48
    max_pixel_bytes: int = 4 * GIB
    max_frame_bytes: int = 64 * MIB
    max_inflated_bytes: int = 512 * MIB
    max_compression: int = 500

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} must be positive, got {value}")


DEFAULT_LIMITS = ReadLimits()
