"""Numbers among the arguments, and what is said of those that are none."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole(least: int = 0) -> Callable[[str], int]:
    """Make a type of whole numbers.

    Example:
        >>> whole(1)("6")
        6
        >>> whole(1)("many")
        Traceback (most recent call last):
        argparse.ArgumentTypeError: wanted a whole number, 1 or more, got 'many'
    """

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"wanted a whole number, {least} or more, got {text!r}")
        return value

    return read


def real(most: float = float("inf"), *, positive: bool = False) -> Callable[[str], float]:
    """Make a type of finite numbers from 0, or above it, to ``most``.

    Example:
        >>> real(1.0)("0.25")
        0.25
        >>> real(positive=True)("nan")
        Traceback (most recent call last):
        argparse.ArgumentTypeError: wanted a number above 0, got 'nan'
    """
    limits = "above 0" if positive else "0 or more" if most == float("inf") else f"from 0 to {most:g}"

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not 0.0 <= value <= most or value == float("inf") or (positive and value == 0.0):
            raise argparse.ArgumentTypeError(f"wanted a number {limits}, got {text!r}")
        return value

    return read
