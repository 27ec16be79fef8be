"""Labels of files as lines, as CSV and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lungdet import __version__
from lungdet.records import LabelledFile, ModelInfo

from .csv_rows import table_to_csv
from .escaped_name import escaped_name
from .json_file import time_stamp

COLUMNS = ("file", "label", "probability", "seconds", "decision")


def label_line(labelled: LabelledFile, top: int = 0) -> str:
    """Write one line: file, label, probability and seconds, with tabs between them.

    Args:
        labelled: a file that was read.
        top: append so many of the most probable classes, each as ``name probability``.

    Returns:
        The line without its end; what is not printable in the file's name is written with a backslash.
    """
    cells = [escaped_name(labelled.file), *_cells(labelled)]
    if top and labelled.decision is not None:
        cells += [f"{likely} {probability:.4f}" for likely, probability in labelled.decision.top[:top]]
    return "\t".join(cells)


def labels_to_csv(files: Iterable[LabelledFile]) -> bytes:
    """Write ``file,label,probability,seconds,decision``, one row a file, those that failed too."""
    return table_to_csv(COLUMNS, ([labelled.file, *_cells(labelled), labelled.outcome] for labelled in files))


def labels_to_json(
    files: Iterable[LabelledFile],
    model: ModelInfo,
    classes: Sequence[str],
    top: int = 5,
    created: datetime | None = None,
) -> bytes:
    """Write everything that is known of each file.

    Args:
        files: what was labelled, and what could not be.
        model: who labelled.
        classes: all labels that it knows, in the order of its network.
        top: so many of the most probable classes for each file.
        created: time stamp; now if None.

    Returns:
        ASCII text.
    """
    content = {
        "created": time_stamp(created),
        "software": f"lungdet {__version__}",
        "model": {"name": model.name, "version": model.version, "weights_sha256": model.weights_sha256},
        "classes": list(classes),
        "files": [_entry(labelled, top) for labelled in files],
    }
    return (json.dumps(content, indent=2) + "\n").encode("ascii")


def _cells(labelled: LabelledFile) -> list[str]:
    probability = "" if labelled.probability is None else f"{labelled.probability:.4f}"
    return [labelled.label, probability, f"{labelled.seconds:.3f}"]


def _entry(labelled: LabelledFile, top: int) -> Mapping[str, Any]:
    entry: dict[str, Any] = {
        "file": labelled.file,
        "label": labelled.label or None,
        "probability": labelled.probability,
        "seconds": round(labelled.seconds, 6),
        "decision": labelled.outcome,
    }
    decision, info = labelled.decision, labelled.info
    if decision is None:
        return {**entry, "error": labelled.error}
    entry |= {
        "reason": decision.reason,
        "out_of_domain": decision.out_of_domain,
        "top": [{"label": name, "probability": probability} for name, probability in decision.top[:top]],
    }
    return entry if info is None else {**entry, "radiograph": json.loads(info.to_json())}
