"""Write the candidates of one scan, so that nobody need look for them again."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from lungdet.records import ScanCandidates
from lungdet.records.scan_candidates import CANDIDATES_FORMAT

from .atomic import write_files


def write_candidates(path: str | Path, candidates: ScanCandidates, settings: str = "") -> None:
    """Write candidates as a compressed ``.npz`` without pickles, atomically.

    Args:
        path: the file.
        candidates: of one scan.
        settings: what they depend on beside the scan and the detector, in words of the caller's.

    Raises:
        OSError: the disk refused; an older file is untouched.
    """
    about = {
        "format": CANDIDATES_FORMAT,
        "scan_id": candidates.scan_id,
        "detector": asdict(candidates.detector),
        "settings": settings,
    }
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        about=np.array(json.dumps(about, sort_keys=True)),
        cubes=candidates.cubes,
        scores=candidates.scores,
        centers_lps_mm=candidates.centers_lps_mm,
        inside=candidates.inside,
    )
    write_files(Path(path).parent, {Path(path).name: stream.getvalue()})
