"""Read a JSON of labels, and say what is wrong with it in the same way as for a table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from .label_errors import AnnotationError, LabelProblem

MAX_FILE_BYTES = 1 << 30
MAX_DIGITS = 300  # floats end at 308 digits


def load_label_json(path: str | Path) -> Any:
    """Parse a JSON file; whole numbers too large for a float become infinity, as decimal ones do.

    Raises:
        AnnotationError: it is no JSON, holds NaN or infinity, nests too deeply, or is larger than 1 GiB.
        OSError: it cannot be opened.
    """
    if Path(path).stat().st_size > MAX_FILE_BYTES:
        raise AnnotationError([LabelProblem(str(path), None, f"larger than {MAX_FILE_BYTES} bytes")])
    try:
        return json.loads(Path(path).read_bytes(), parse_constant=_refuse_constant, parse_int=_whole)
    except json.JSONDecodeError as error:
        what = f"no JSON: {error.msg} in column {error.colno}; write the file again"
        raise AnnotationError([LabelProblem(str(path), error.lineno, what)]) from error
    except (ValueError, RecursionError) as error:
        raise AnnotationError([LabelProblem(str(path), None, f"no JSON: {error}")]) from error


def is_number(value: Any) -> bool:
    """Tell a finite number from everything else; ``true`` is none.

    Example:
        >>> is_number(3), is_number(True), is_number("3")
        (True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _whole(text: str) -> int | float:
    return int(text) if len(text) <= MAX_DIGITS else float(text)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number that JSON knows; remove it")
