"""A small JSON that belongs to weights and lies beside them: written whole, read with distrust."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lungdet.reports import write_files

_MOST_BYTES = 1 << 20


class OfWeights(Protocol):
    """What knows its weights."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights; empty for none in particular."""
        ...


Found = TypeVar("Found", bound=OfWeights)


def write_beside_weights(path: str | Path, file_format: str, facts: Mapping[str, Any]) -> None:
    """Write facts as JSON; the file is there whole or not at all."""
    text = json.dumps({"format": file_format, **facts}, indent=1, allow_nan=False)
    write_files(Path(path).parent, {Path(path).name: (text + "\n").encode("ascii")})


def read_beside_weights(path: str | Path, file_format: str, build: Callable[[dict[str, Any]], Found]) -> Found:
    """Read facts, and make of them what they are.

    Args:
        path: the JSON.
        file_format: that it must name.
        build: takes its content.

    Raises:
        ValueError: the content will not do; in a few words, without the path.
        OSError: it cannot be read.
    """
    with open(path, "rb") as stream:
        data = stream.read(_MOST_BYTES + 1)
    try:
        return build(_content(data, file_format))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:200] or type(error).__name__) from error


def other_weights(found: OfWeights, weights_sha256: str) -> str:
    """Say that facts belong to other weights; empty if they belong to these, or these are not named."""
    if not weights_sha256 or weights_sha256 == found.weights_sha256:
        return ""
    known = found.weights_sha256[:12] or "no weights in particular"
    return f"fitted to {known}, but the network's weights are {weights_sha256[:12]}"


def _content(data: bytes, file_format: str) -> dict[str, Any]:
    if len(data) > _MOST_BYTES:
        raise ValueError(f"more than {_MOST_BYTES >> 20} MiB")
    content: dict[str, Any] = json.loads(data)
    if content.get("format") != file_format:
        raise ValueError(f"wanted the format {file_format!r}, got {str(content.get('format'))[:40]!r}")
    return content
