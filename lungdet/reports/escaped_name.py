"""Names of files on one line of a terminal, such that no two look alike."""

from __future__ import annotations

import os


def escaped_name(name: str) -> str:
    r"""Write what is not printable, such as tabs, line ends and signs that steer a terminal, with a backslash.

    A backslash itself is doubled where it can be part of a name, that is, where it does not part folders.

    Example:
        >>> print(escaped_name("a\tb\x1b[2J.dcm"))
        a\tb\x1b[2J.dcm
    """
    double = os.sep != "\\"
    return "".join(
        "\\\\" if letter == "\\" and double else letter if letter.isprintable() else _escape(letter) for letter in name
    )


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
