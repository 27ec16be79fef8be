"""``manifest.csv``, and ``manifest.parquet`` where pyarrow is installed: where each file went, and why."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from lungdet.records import RoutedFile

from .csv_rows import Digits, table_to_csv

COLUMNS = (
    "file", "sop_uid", "series_uid", "study_uid", "sha256", "label", "probability", "decision", "reason",
    "out_of_domain", "modality", "body_part_examined", "agreement", "rule", "folder", "target", "how", "next_bundle",
    "error",
)  # fmt: skip
_NUMBERS = ("probability", "out_of_domain")


def manifest_files(files: Sequence[RoutedFile]) -> dict[str, bytes]:
    """Return ``manifest.csv`` and, where pyarrow is installed, ``manifest.parquet`` with the same rows, by name."""
    content = {"manifest.csv": manifest_to_csv(files)}
    if importlib.util.find_spec("pyarrow") is not None:
        content["manifest.parquet"] = manifest_to_parquet(files)
    return content


def manifest_to_csv(files: Sequence[RoutedFile]) -> bytes:
    """Write one row a file, numbers with six digits, nothing where there is nothing.

    Example:
        >>> print(manifest_to_csv([RoutedFile("a.png", label="Hand", probability=0.9)]).decode().splitlines()[1])
        a.png,,,,,Hand,0.900000,error,,,,,,,,,,,
    """
    return table_to_csv(COLUMNS, ([_cell(getattr(routed, column)) for column in COLUMNS] for routed in files))


def manifest_to_parquet(files: Sequence[RoutedFile]) -> bytes:
    """Write the same rows and columns as Parquet; the two numbers are float64, everything else is text.

    Raises:
        ImportError: pyarrow is not installed.
    """
    try:
        pyarrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError("a Parquet manifest needs pyarrow: pip install lungdet[parquet]") from error
    kinds = {name: pyarrow.float64() if name in _NUMBERS else pyarrow.string() for name in COLUMNS}
    columns = {name: [_plain(getattr(routed, name)) for routed in files] for name in COLUMNS}
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns, schema=pyarrow.schema(list(kinds.items()))), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return Digits(f"{value:.6f}") if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """Make a text that is valid UTF-8, which the name of a file need not be."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
