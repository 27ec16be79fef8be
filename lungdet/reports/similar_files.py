"""Lesions that look alike as lines, as CSV and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from lungdet import __version__
from lungdet.records.similar_lesion import SimilarLesion

from .csv_rows import table_to_csv
from .escaped_name import escaped_name
from .json_file import time_stamp

COLUMNS = (
    "place", "distance", "key", "patient", "study", "lesion_type", "same_type", "long_mm", "short_mm", "x", "y", "z",
    "image",
)  # fmt: skip


def similar_line(answer: SimilarLesion) -> str:
    """Write one line: place, distance, key, type and size, with tabs between them.

    Example:
        >>> size, where = (12.34, 8.0), (None, None, None)
        >>> answer = SimilarLesion(1, 0.25, "000007_01_02_013.png#0", "000007", 1, "liver", size, where, "", True)
        >>> similar_line(answer).split(chr(9))
        ['1', '0.2500', '000007_01_02_013.png#0', 'liver', '12.3 x 8.0 mm']
    """
    cells = str(answer.place), f"{answer.distance:.4f}", escaped_name(answer.key), answer.lesion_type, answer.size_text
    return "\t".join(cells)


def similar_to_csv(answers: Iterable[SimilarLesion]) -> bytes:
    """Write the answers, one row each; what is not known is left empty."""
    return table_to_csv(COLUMNS, map(_cells, answers))


def similar_to_json(
    query: SimilarLesion, answers: Iterable[SimilarLesion], about: dict[str, Any], created: datetime | None = None
) -> bytes:
    """Write the lesion that was asked for, and the answers.

    Args:
        query: what was asked for.
        answers: what was found.
        about: what else is worth keeping, such as the number of lesions searched.
        created: time stamp; now if None.

    Returns:
        ASCII text.
    """
    content = {
        "created": time_stamp(created),
        "software": f"lungdet {__version__}",
        **about,
        "query": {name: value for name, value in asdict(query).items() if name not in ("place", "distance")},
        "answers": [asdict(answer) for answer in answers],
    }
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def _cells(answer: SimilarLesion) -> list[Any]:
    return [
        *(answer.place, answer.distance, answer.key, answer.patient, answer.study, answer.lesion_type),
        "" if answer.same_type is None else ("yes" if answer.same_type else "no"),
        *answer.size_mm,
        *answer.location,
        answer.image,
    ]
