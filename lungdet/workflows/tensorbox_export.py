"""A training list of 2D slices back to TensorBox."""

from __future__ import annotations

import json
from pathlib import Path

from lungdet.datalists import PARTS, ScanEntry, read_datalist, to_tensorbox
from lungdet.readers import tensorbox_content
from lungdet.reports import write_files

from .targets import prepare_file, refuse_inputs

ENDINGS = {"training": "_train", "validation": "_val", "test": "_test"}


def export_tensorbox(source: str | Path, output: str | Path) -> list[Path]:
    """Write the parts of a list, each as a TensorBox list, so named that reading them gives the parts again.

    Args:
        source: a training list of 2D slices.
        output: ``OUT.json``; the parts become ``OUT_train.json``, ``OUT_val.json`` and ``OUT_test.json``. An empty part
            has no file.

    Returns:
        The files; what TensorBox cannot say is not in them.

    Raises:
        DatalistError: the source is no training list.
        ValueError: it is not of 2D slices, or a file to write is an input.
        OSError: a file cannot be read or written.
    """
    target = prepare_file(output, [source])
    content = read_datalist(source)
    parts = {part: [ScanEntry.from_json(entry) for entry in content[part]] for part in PARTS}
    files = {
        f"{target.stem}{ENDINGS[part]}.json": json.dumps(tensorbox_content(to_tensorbox(entries)), indent=1)
        for part, entries in parts.items()
        if entries
    }
    refuse_inputs([target.with_name(name) for name in files], [source])
    write_files(target.parent, {name: text.encode("ascii") for name, text in files.items()})
    return [target.with_name(name) for name in files]
