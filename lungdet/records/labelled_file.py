"""One file that a router has looked at."""

from __future__ import annotations

from dataclasses import dataclass

from .decision import Decision
from .radiograph import RadiographInfo

ERROR = "error"


@dataclass(frozen=True)
class LabelledFile:
    """What a router says about one file, or why it says nothing.

    Attributes:
        file: as it was named, or found in a folder that was named.
        seconds: spent on reading it, and its share of the batch in which the network saw it.
        decision: the router's; None if the file could not be read.
        info: where the picture came from; None likewise.
        error: why there is no decision; empty if there is one.
        size: bytes of the file, where its content was hashed; else 0.
        mtime_ns: its time of change in nanoseconds, likewise.
        ctime_ns: when the system last changed the file or what it knows of it, likewise; nobody can set it back.
        inode: its number on the disk, likewise.
        sha256: of its content; empty where it was not asked for.

    Raises:
        ValueError: there is both a decision and an error, or neither.
    """

    file: str
    seconds: float
    decision: Decision | None = None
    info: RadiographInfo | None = None
    error: str = ""
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    sha256: str = ""

    def __post_init__(self) -> None:
        if (self.decision is None) != bool(self.error):
            raise ValueError(
                f"{self.file}: wanted either a decision or an error, got {self.decision} and {self.error!r}"
            )

    @property
    def label(self) -> str:
        """The answer; ``review`` where the router passes; empty where the file could not be read."""
        return self.decision.answer if self.decision is not None else ""

    @property
    def probability(self) -> float | None:
        """Calibrated probability of the most probable label; None where the file could not be read."""
        return self.decision.probability if self.decision is not None else None

    @property
    def outcome(self) -> str:
        """``answer``, ``review`` or ``error``.

        Example:
            >>> LabelledFile("a.dcm", 0.01, error="a.dcm: no pixels").outcome
            'error'
        """
        return self.decision.decision if self.decision is not None else ERROR
