"""What became of one file that was routed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

DECISIONS = ("answer", "review", "error")
AGREEMENTS = ("agree", "disagree", "unknown", "")


@dataclass(frozen=True)
class RoutedFile:
    """One row of a manifest. It holds no name, birth date or other identity of a patient but the UIDs.

    Attributes:
        file: absolute path of the source.
        size: its bytes when it was read.
        mtime_ns: its time of change, in nanoseconds.
        ctime_ns: when the system last changed the file or what it knows of it, in nanoseconds.
        inode: its number on the disk.
        sha256: of its content; empty if it could not be read.
        sop_uid: SOPInstanceUID; empty where the format has none.
        series_uid: SeriesInstanceUID, likewise.
        study_uid: StudyInstanceUID, likewise.
        modality: as the header says; empty if it says nothing.
        body_part_examined: as the header says, likewise.
        label: the answer, ``review`` where the router passed, empty where the file could not be read.
        probability: calibrated, of the most probable class; None without one.
        decision: ``answer``, ``review`` or ``error``.
        reason: why it is to be reviewed, in words.
        out_of_domain: score of "not one of mine"; None if there is none.
        top: the most probable classes with their probabilities, falling.
        agreement: ``agree`` or ``disagree``: header and answer; ``unknown`` where the header says nothing usable;
            empty where there is no answer.
        rule: which rule matched, in words.
        folder: where the rule sends it, relative to the destination.
        target: path of the copy, relative to the destination; empty if there is none.
        how: ``copied``, ``linked`` or ``there`` (it was already); empty likewise.
        next_bundle: which bundle is to see it next; empty if none.
        error: why there is no copy; empty if there is one.

    Raises:
        ValueError: ``decision`` or ``agreement`` is unknown.
    """

    file: str
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    sha256: str = ""
    sop_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    modality: str = ""
    body_part_examined: str = ""
    label: str = ""
    probability: float | None = None
    decision: str = "error"
    reason: str = ""
    out_of_domain: float | None = None
    top: tuple[tuple[str, float], ...] = ()
    agreement: str = ""
    rule: str = ""
    folder: str = ""
    target: str = ""
    how: str = ""
    next_bundle: str = ""
    error: str = ""

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise ValueError(f"decision must be one of {', '.join(DECISIONS)}, got {self.decision!r}")
        if self.agreement not in AGREEMENTS:
            raise ValueError(f"agreement must be agree, disagree, unknown or empty, got {self.agreement!r}")

    def to_json(self) -> str:
        """Return the record as one line of ASCII."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RoutedFile:
        """Read back what :meth:`to_json` wrote.

        Raises:
            ValueError: the text is no such record.

        Example:
            >>> routed = RoutedFile("a.dcm", label="chest", decision="answer", top=(("chest", 0.9),))
            >>> RoutedFile.from_json(routed.to_json()) == routed
            True
        """
        fields: dict[str, Any] = json.loads(text)
        try:
            top = tuple((str(name), float(value)) for name, value in fields["top"])
            return cls(**{**fields, "top": top})
        except (TypeError, KeyError) as error:
            raise ValueError(f"no record of a routed file: {text[:80]}") from error
