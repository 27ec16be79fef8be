"""Text of a file as it may be shown: a hostile one must not steer the terminal, nor a log or a table."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Leave out control characters, line ends and marks that turn the direction of writing.

    Example:
        >>> printable("CHEST\x1b[2J\n\u202e 5mm")
        'CHEST[2J 5mm'
    """
    return text if text.isprintable() else "".join(letter for letter in text if letter.isprintable())
