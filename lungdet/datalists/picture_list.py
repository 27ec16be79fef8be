"""A training list of labelled pictures as a file: JSON with a published schema, checked on the way out and in."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from lungdet import __version__
from lungdet.records import ClassList
from lungdet.reports import write_files

from .identities import find_shared
from .picture_entry import PictureEntry
from .schema import KNOWN_LEAKS, DatalistError, read_checked, refuse_leaks, to_text
from .split import PARTS

FORMAT = "lungdet-radiographs/1"


def picture_list_content(
    name: str,
    classes: ClassList,
    parts: Mapping[str, Sequence[PictureEntry]],
    *,
    options: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Build the JSON of a list.

    Args:
        name: of the data set.
        classes: what the labels mean.
        parts: entries of ``training``, ``validation`` and ``test``; absent ones are empty.
        options: how the list was made: seed, shares and so on.
        notes: what a user of the list should know.

    Raises:
        ValueError: there is a part of another name.
    """
    if not set(parts) <= set(PARTS):
        raise ValueError(f"parts are {', '.join(PARTS)}, got {', '.join(parts)}")
    return {
        "format": FORMAT,
        "name": name,
        "classes": list(classes.names),
        "multi_label": classes.multi_label,
        "software": {"name": "lungdet", "version": __version__},
        "options": dict(options or {}),
        "notes": list(notes),
        **{part: [entry.to_json(classes.multi_label) for entry in parts.get(part, ())] for part in PARTS},
    }


def write_picture_list(path: str | Path, content: Mapping[str, Any]) -> None:
    """Check a list, and write it atomically, an entry a line.

    Raises:
        DatalistError: it does not fit the schema, contradicts itself, or leaks.
        OSError: the disk refused.
    """
    check_picture_list(content)
    write_files(Path(path).parent, {Path(path).name: to_text(content).encode("ascii")})


def read_picture_list(path: str | Path) -> dict[str, Any]:
    """Read a list that :func:`write_picture_list` wrote.

    Raises:
        DatalistError: it is none; the message names the file and the place in it.
        OSError: it cannot be opened.
    """
    return read_checked(path, check_picture_list)


def picture_entries(content: Mapping[str, Any]) -> dict[str, list[PictureEntry]]:
    """Take the entries of a list that was read, by part."""
    return {part: [PictureEntry.from_json(item) for item in content[part]] for part in PARTS}


def find_picture_leaks(parts: Mapping[str, Sequence[PictureEntry]]) -> list[str]:
    """Tell which patients, studies, images and contents are in more than one part, one line for each.

    Example:
        >>> a, b = PictureEntry("a.png", (0,), "1", content="f00d"), PictureEntry("b.png", (0,), "2", content="f00d")
        >>> find_picture_leaks({"training": [a], "test": [b]})
        ['content f00d is in training and test']
    """
    return find_shared({part: [entry.identities for entry in entries] for part, entries in parts.items()})


@functools.cache
def load_picture_schema() -> Any:
    """Return the schema of a list (JSON Schema 2020-12), as published with the package."""
    return json.loads(resources.files(__package__).joinpath("radiographs.schema.json").read_text(encoding="utf-8"))


def check_picture_list(content: Any) -> None:
    """Check the content of a list against the schema, and what a schema cannot say.

    Raises:
        DatalistError: a field is wrong, a label is no class, or a list of single labels holds several; the message
            names the place. Or the parts share a patient, a study, an image or a content, and ``options.known_leaks``
            does not say so.
    """
    import jsonschema  # type: ignore[import-untyped]  # 0.1 s that only those who read or write a list shall pay

    fault = next(jsonschema.Draft202012Validator(load_picture_schema()).iter_errors(content), None)
    if fault is not None:
        raise DatalistError(f"does not fit the schema of {FORMAT} at {fault.json_path}: {fault.message[:300]}")
    for part in PARTS:
        for number, item in enumerate(content[part]):
            _check_label(item["label"], content, f"$.{part}[{number}]")
    refuse_leaks(find_picture_leaks(picture_entries(content)), content["options"].get(KNOWN_LEAKS))


def _check_label(label: Any, content: Mapping[str, Any], place: str) -> None:
    if isinstance(label, list) != content["multi_label"]:
        wanted = "a list of classes, for multi_label is true" if content["multi_label"] else "one class"
        raise DatalistError(f"{place}: label is {label}, wanted {wanted}")
    labels = label if isinstance(label, list) else [label]
    if labels != sorted(labels) or any(one >= len(content["classes"]) for one in labels):
        raise DatalistError(f"{place}: label is {label}; there are {len(content['classes'])} classes, in rising order")
