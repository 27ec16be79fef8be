"""Say how many there are of something, in every room's messages."""

from __future__ import annotations


def counted(count: int | str, noun: str) -> str:
    """Put a number, as it is or as it is written, before its noun: in the plural unless it is 1.

    Example:
        >>> counted(1, "slice"), counted(f"{1.5:g}", "day"), counted(2, "study"), counted(2, "backward slice")
        ('1 slice', '1.5 days', '2 studies', '2 backward slices')
    """
    several = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{count} {noun if str(count) == '1' else several}"
