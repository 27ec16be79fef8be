"""A training list as a file: JSON with a published schema, checked on the way out and on the way in."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from lungdet import __version__
from lungdet.readers.label_errors import AnnotationError
from lungdet.readers.label_json import load_label_json
from lungdet.readers.read_options import ReadOptions
from lungdet.reports import write_files

from .entry import FRAME_MEANINGS, ScanEntry
from .split import PARTS, find_leaks

_log = logging.getLogger(__name__)
FORMAT = "lungdet-datalist/1"
KNOWN_LEAKS = "known_leaks"  # among the options: leaks of an official split, which a list may keep


class DatalistError(ValueError):
    """A training list cannot be trusted: it is no JSON, does not fit the schema, or contradicts itself."""


def datalist_content(
    name: str,
    parts: Mapping[str, Sequence[ScanEntry]],
    *,
    labels: Mapping[int, str] | None = None,
    options: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Build the JSON of a list.

    Args:
        name: of the data set.
        parts: entries of ``training``, ``validation`` and ``test``; absent ones are empty.
        labels: name of each class; ``{0: "nodule"}`` if None.
        options: how the list was made: seed, shares, readers and so on.
        notes: what a user of the list should know.

    Raises:
        ValueError: there is a part of another name.
    """
    if not set(parts) <= set(PARTS):
        raise ValueError(f"parts are {', '.join(PARTS)}, got {', '.join(parts)}")
    frames = sorted({entry.box_frame for entries in parts.values() for entry in entries})
    return {
        "format": FORMAT,
        "name": name,
        "labels": {str(label): text for label, text in (labels or {0: "nodule"}).items()},
        "software": {"name": "lungdet", "version": __version__},
        "options": dict(options or {}),
        "frames": {frame: FRAME_MEANINGS[frame] for frame in frames},
        "notes": list(notes),
        **{part: [entry.to_json() for entry in parts.get(part, ())] for part in PARTS},
    }


def write_datalist(path: str | Path, content: Mapping[str, Any]) -> None:
    """Check a list, and write it atomically, an entry a line.

    Raises:
        DatalistError: it does not fit the schema.
        OSError: the disk refused.
    """
    validate(content)
    write_files(Path(path).parent, {Path(path).name: to_text(content).encode("ascii")})


def read_datalist(path: str | Path) -> dict[str, Any]:
    """Read a list that :func:`write_datalist` wrote.

    Raises:
        DatalistError: it is none; the message names the file and the place in it.
        OSError: it cannot be opened.
    """
    return read_checked(path, validate)


def read_checked(path: str | Path, check: Callable[[Any], None]) -> dict[str, Any]:
    """Read a list of any kind, if its check finds no fault.

    Raises:
        DatalistError: it is no JSON, or the check refused it; the message names the file.
        OSError: it cannot be opened.
    """
    try:
        content = load_label_json(path)
    except AnnotationError as error:
        raise DatalistError(str(error)) from error
    try:
        check(content)
    except DatalistError as error:
        raise DatalistError(f"{path}: {error}") from error
    checked: dict[str, Any] = content
    return checked


def load_entries(path: str | Path, part: str = "training", base_dir: str | Path | None = None) -> list[dict[str, Any]]:
    """Read one part for a MONAI data set, image paths joined to their base folder.

    Args:
        path: the list.
        part: ``training``, ``validation`` or ``test``.
        base_dir: folder that the images are relative to; that of the list if None.

    Returns:
        Dictionaries with ``image``, ``box``, ``label``, ``ignore_box`` and what else the list holds.
    """
    content = read_datalist(path)
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
    base = Path(path).parent if base_dir is None else Path(base_dir)
    return [{**entry, "image": str(base / entry["image"])} for entry in content[part]]


def load_reading(path: str | Path) -> dict[str, Any]:
    """Tell how the CTs of a list were read, for whoever reads them again.

    Returns:
        Those options of :func:`lungdet.readers.read_ct` that allow what is refused by default, such as
        ``{"on_gap": "interpolate"}``.

    Raises:
        DatalistError: the list is none, or such an option has a value that is not allowed.
        OSError: it cannot be opened.
    """
    told = read_datalist(path)["options"]
    usual = {name: value for name, value in vars(ReadOptions()).items() if name.startswith("on_")}
    reading = {name: told[name] for name, value in usual.items() if told.get(name, value) != value}
    try:
        ReadOptions(**reading)
    except ValueError as error:
        raise DatalistError(f"{path}: options: {error}; make the list again") from error
    return reading


@functools.cache
def load_schema() -> Any:
    """Return the schema of a list (JSON Schema 2020-12), as published with the package."""
    return json.loads(resources.files(__package__).joinpath("datalist.schema.json").read_text(encoding="utf-8"))


def validate(content: Any) -> None:
    """Check the content of a list against the schema, and what a schema cannot say.

    Raises:
        DatalistError: a field is wrong, boxes do not match their labels, or a box has no size; the message names the
            place. Or a patient, study, series or image is in two parts or folds, and ``options.known_leaks`` does not
            say so.
    """
    import jsonschema  # type: ignore[import-untyped]  # 0.1 s that only those who read or write a list shall pay

    validator = jsonschema.Draft202012Validator(load_schema())
    fault = next(validator.iter_errors(content), None)
    if fault is not None:
        raise DatalistError(f"does not fit the schema of {FORMAT} at {fault.json_path}: {fault.message[:300]}")
    parts: dict[str, list[ScanEntry]] = {part: [] for part in PARTS}
    for part in PARTS:
        for number, entry in enumerate(content[part]):
            try:
                parts[part].append(ScanEntry.from_json(entry))
            except (ValueError, OverflowError) as error:
                raise DatalistError(f"$.{part}[{number}]: {error}") from error
    refuse_leaks(find_leaks(parts), content["options"].get(KNOWN_LEAKS))


def refuse_leaks(leaks: Sequence[str], known: Any) -> None:
    """Warn of leaks that a list of any kind knows of.

    Raises:
        DatalistError: there are others.
    """
    allowed = set(map(str, known)) if isinstance(known, list) else set()
    unknown = [leak for leak in leaks if leak not in allowed]
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise DatalistError(f"the list leaks: {unknown[0]}{more}; split it again, by patient")
    if leaks:
        _log.warning("%d known leaks between the parts of an official split, such as: %s", len(leaks), leaks[0])


def to_text(content: Mapping[str, Any]) -> str:
    """Write an entry a line: long lists stay readable, and differences show."""
    lines = []
    for key, value in content.items():
        if key in PARTS:
            rows = ",\n  ".join(json.dumps(entry, allow_nan=False) for entry in value)
            lines.append(f'"{key}": [' + (f"\n  {rows}\n" if value else "") + "]")
        else:
            lines.append(f'"{key}": {json.dumps(value, allow_nan=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
