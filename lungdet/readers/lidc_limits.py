"""How much one XML of marks, or an archive of them, may ask for before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from .dicom_limits import GIB, MIB


@dataclass(frozen=True)
class LidcLimits:
    """Budgets. LIDC-IDRI has 1,318 files of about 200 KiB, few of them more than 1 MiB.

    Attributes:
        max_file_bytes: bytes of one XML, after decompression.
        max_token_bytes: bytes of one tag with its attributes, or of one comment.
        max_text: characters between two tags.
        max_depth: elements inside elements; the format has 6.
        max_marks: marks of one series; real ones have up to 242, and grouping compares each with each.
        max_points: points of one outline; real ones have up to 373.
        max_edge_px: length of one outline in pixels; real ones have up to 372.
        max_region_px: pixels of the rectangle around one outline; real ones have up to 15,375, a whole slice 262,144.
        max_series_px: those of all outlines of a series together; real ones have up to 263,652.
        max_members: files in an archive.
        max_archive_bytes: bytes of an archive's files together, after decompression.
    """

    max_file_bytes: int = 64 * MIB
    max_token_bytes: int = MIB
    max_text: int = 4096
    max_depth: int = 32
    max_marks: int = 1000
    max_points: int = 5000
    max_edge_px: int = 16_384
    max_region_px: int = 512 * 512
    max_series_px: int = 1 << 21
    max_members: int = 200_000
    max_archive_bytes: int = 16 * GIB

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} must be positive, got {value}")


DEFAULT_LIDC_LIMITS = LidcLimits()
