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
        max_marks: marks in one file; real ones have up to some 130, and grouping compares each with each.
        max_members: files in an archive.
        max_archive_bytes: bytes of an archive's files together, after decompression.
    """

    max_file_bytes: int = 64 * MIB
    max_token_bytes: int = MIB
    max_text: int = 4096
    max_depth: int = 32
    max_marks: int = 5000
    max_members: int = 200_000
    max_archive_bytes: int = 16 * GIB

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ValueError(f"{name} must be positive, got {value}")


DEFAULT_LIDC_LIMITS = LidcLimits()
