"""A list of scans with one label each, and where the candidates of each are: ``candidates.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lungdet.records import ModelInfo
from lungdet.reports import write_files

from .schema import DatalistError
from .stratify import stratify

FORMAT = "lungdet-scans/1"
LIST_NAME = "candidates.json"
UNLABELLED = "unlabelled"
PARTS = ("training", "validation", "test", UNLABELLED)


@dataclass(frozen=True)
class ScanListEntry:
    """One scan of a list.

    Attributes:
        id: its name, as the labels name it: the plain name of a file or folder.
        file: its candidates, relative to the list.
        part: one of ``PARTS``.
        label: 1 for positive, 0 for negative; None where it is not known, and then the part is ``unlabelled``.
        candidates: how many there are.

    Raises:
        ValueError: the name leads elsewhere, the part is none, or label and part do not fit.
    """

    id: str
    file: str
    part: str
    label: int | None
    candidates: int

    def __post_init__(self) -> None:
        if not is_plain_name(self.id) or not is_plain_name(self.file):
            raise ValueError(f"{self.id!r}, {self.file!r}: wanted plain names without folders")
        if self.part not in PARTS or self.label not in (None, 0, 1) or self.candidates < 0:
            raise ValueError(f"{self.id}: {self.part=}, {self.label=}, {self.candidates=}")
        if (self.label is None) != (self.part == UNLABELLED):
            raise ValueError(f"{self.id}: a scan of {self.part} with the label {self.label}")


@dataclass(frozen=True)
class ScanList:
    """Scans, and how their candidates were found.

    Attributes:
        scans: by name.
        detector: which looked.
        top: candidates of a scan at most.
        least_score: of a candidate.
        failed: why a scan has no candidates, by its name; not the same as a scan in which nothing was found.
        split: by which label, seed and shares the parts were chosen, in words; empty if nobody said so.
    """

    scans: tuple[ScanListEntry, ...]
    detector: ModelInfo
    top: int
    least_score: float
    failed: Mapping[str, str]
    split: str = ""


def is_plain_name(name: str) -> bool:
    r"""Tell whether a name is that of a file or folder, and nothing that leads elsewhere.

    Example:
        >>> [is_plain_name(name) for name in ("scan 1", "..", "a/b", "a\\b", "", ".hidden", "a\n")]
        [True, False, False, False, False, False, False]
    """
    return bool(name) and name.isprintable() and not name.startswith(".") and not set(name) & set('/\\:"')


def split_scans(labels: Mapping[str, int], shares: Mapping[str, float], seed: int = 0) -> dict[str, str]:
    """Give every labelled scan to a part, positives and negatives in their share, whatever the order of the scans.

    Example:
        >>> found = split_scans({f"s{n}": int(n < 10) for n in range(40)}, {"training": 0.75, "test": 0.25})
        >>> [sum(found[f"s{n}"] == "test" for n in some) for some in (range(10), range(10, 40))]
        [2, 8]
    """
    return stratify({scan: [label] for scan, label in labels.items()}, shares, seed)


def weak_parts(scans: Sequence[ScanListEntry], parts: Iterable[str]) -> tuple[str, ...]:
    """Tell which parts of a split cannot teach or test a label: they have no scan, or none of one label.

    Args:
        scans: of the list.
        parts: that are wanted.

    Example:
        >>> one = ScanListEntry("a", "a.npz", "training", 1, 6)
        >>> weak_parts([one], ("training", "test"))
        ('training has no negative scan (1 in all)', 'test has no scan')
    """
    weak = []
    for part in parts:
        labels = [scan.label for scan in scans if scan.part == part]
        missing = [name for label, name in ((1, "positive"), (0, "negative")) if label not in labels]
        if missing and labels:
            weak.append(f"{part} has no {missing[0]} scan ({len(labels)} in all)")
        elif missing:
            weak.append(f"{part} has no scan")
    return tuple(weak)


def write_scan_list(folder: str | Path, scans: ScanList) -> Path:
    """Write ``candidates.json`` into the folder of the candidates, atomically."""
    content = {
        "format": FORMAT,
        "detector": asdict(scans.detector),
        "top": scans.top,
        "least_score": scans.least_score,
        "split": scans.split,
        "scans": [asdict(scan) for scan in scans.scans],
        "failed": [{"id": scan, "error": error} for scan, error in sorted(scans.failed.items())],
    }
    write_files(folder, {LIST_NAME: (json.dumps(content, indent=1) + "\n").encode("ascii")})
    return Path(folder) / LIST_NAME


def read_scan_list(path: str | Path) -> ScanList:
    """Read a ``candidates.json``.

    Raises:
        DatalistError: it is none, or names a scan twice.
        OSError: it cannot be opened.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such list of scans; lungdet candidates writes one, as {LIST_NAME}")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"wanted the format {FORMAT}, got {content['format']!r}")
        scans = tuple(ScanListEntry(**scan) for scan in content["scans"])
        _check_once([scan.id for scan in scans])
        failed = {str(scan["id"]): str(scan["error"]) for scan in content["failed"]}
        detector = ModelInfo(**content["detector"])
        limits = int(content["top"]), float(content["least_score"])
        return ScanList(scans, detector, *limits, failed, str(content.get("split", "")))
    except (KeyError, TypeError, ValueError) as error:
        raise DatalistError(f"{path}: no list of scans ({error}); lungdet candidates writes one") from error


def _check_once(names: Sequence[Any]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise ValueError(f"{', '.join(twice[:5])}: there more than once")
