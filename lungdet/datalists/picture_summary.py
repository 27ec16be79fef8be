"""What a list of labelled pictures holds, as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from .picture_entry import PictureEntry
from .summary import table_lines


def summarise_pictures(parts: Mapping[str, Sequence[PictureEntry]], classes: Sequence[str]) -> str:
    """Count the pictures, patients and labels of each part, a class a line; labels can be more than pictures.

    Example:
        >>> print(summarise_pictures({"training": [PictureEntry("a", (1,), "7")]}, ["chest", "hand"]))
                  training
        pictures         1
        patients         1
           chest         0
            hand         1
    """
    parts = {part: entries for part, entries in parts.items() if entries}
    if len(parts) > 1:
        parts["all"] = [entry for entries in parts.values() for entry in entries]
    counts = [Counter(label for entry in entries for label in entry.labels) for entries in parts.values()]
    rows = [
        ["", *parts],
        ["pictures", *(str(len(entries)) for entries in parts.values())],
        ["patients", *(str(len({entry.identities[0] for entry in entries})) for entries in parts.values())],
        *([name, *(str(count[number]) for count in counts)] for number, name in enumerate(classes)),
    ]
    if any(not entry.labels for entries in parts.values() for entry in entries):
        rows.append(["no label", *(str(sum(not entry.labels for entry in entries)) for entries in parts.values())])
    return "\n".join(table_lines(rows))
