"""Read the candidates of one scan, as :func:`lungdet.reports.candidate_file.write_candidates` writes them."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lungdet.records import ModelInfo, ScanCandidates
from lungdet.records.scan_candidates import CANDIDATES_FORMAT

ARRAYS = ("cubes", "scores", "centers_lps_mm", "inside")
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError)
MOST_BYTES = 1 << 28  # 2,000 cubes; a file that unpacks to more is none of ours


class CandidateFileError(ValueError):
    """A file holds no candidates, or is damaged."""


def read_candidates(path: str | Path) -> ScanCandidates:
    """Read the candidates of one scan. Nothing is unpickled.

    Raises:
        CandidateFileError: the file is none, is damaged, or is of another version.
        OSError: it cannot be opened.
    """
    with _opened(path) as stored:
        about = _about(stored, path)
        try:
            arrays = {name: stored[name] for name in ARRAYS}
            return ScanCandidates(about["scan_id"], detector=ModelInfo(**about["detector"]), **arrays)
        except (KeyError, TypeError, ValueError, *BROKEN) as error:
            raise _damaged(path, error) from error


def candidate_settings(path: str | Path) -> tuple[ModelInfo, str]:
    """Tell with which detector and which settings a file was made, without reading its cubes.

    Raises:
        CandidateFileError: see :func:`read_candidates`.
        OSError: likewise.
    """
    with _opened(path) as stored:
        about = _about(stored, path)
        try:
            return ModelInfo(**about["detector"]), str(about["settings"])
        except (KeyError, TypeError) as error:
            raise _damaged(path, error) from error


def _opened(path: str | Path) -> Any:
    try:
        stored = np.load(path, allow_pickle=False)
        if not isinstance(stored, np.lib.npyio.NpzFile):
            raise ValueError("one array, and no archive")
        size = sum(entry.file_size for entry in zipfile.ZipFile(path).infolist())
        if size > MOST_BYTES:
            stored.close()
            raise ValueError(f"it unpacks to {size} bytes")
    except (ValueError, *BROKEN) as error:
        raise _damaged(path, error) from error
    return stored


def _about(stored: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    try:
        about = json.loads(str(stored["about"][()]))
    except (KeyError, ValueError, *BROKEN) as error:
        raise _damaged(path, error) from error
    if not isinstance(about, dict) or about.get("format") != CANDIDATES_FORMAT:
        raise _damaged(path, ValueError(f"wanted the format {CANDIDATES_FORMAT}"))
    return about


def _damaged(path: str | Path, error: Exception) -> CandidateFileError:
    return CandidateFileError(f"{path}: holds no candidates of a scan ({error}); make it again: lungdet candidates")
