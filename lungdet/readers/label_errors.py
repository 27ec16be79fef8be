"""What is wrong with a file of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHOWN = 5


@dataclass(frozen=True)
class LabelProblem:
    """One fault in a file of labels.

    Attributes:
        path: the file.
        line: where in it, counted from 1; None if the fault is not in one line.
        what: what is wrong, with the values, and what would be right.

    Example:
        >>> print(LabelProblem("a.csv", 3, "diameter_mm is -4"))
        a.csv, line 3: diameter_mm is -4
    """

    path: str
    line: int | None
    what: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}, line {self.line}"
        return f"{place}: {self.what}"


class AnnotationError(ValueError):
    """Labels cannot be trusted; the message names the file, the first faulty lines and the remedy.

    Args:
        problems: all faults that were found, at least one.
    """

    def __init__(self, problems: Sequence[LabelProblem]) -> None:
        super().__init__(tuple(problems))  # the faults themselves, so that the error survives pickling
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:_SHOWN]]
        more = len(self.problems) - _SHOWN
        return "\n".join(lines + ([f"... and {more} more"] if more > 0 else []))
