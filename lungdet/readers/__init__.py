"""Files in, facts and arrays out; what cannot be trusted is refused.

``read_ct`` reads a CT volume, ``list_series`` lists what there is to read.
"""

from __future__ import annotations

from .ct_series import list_series, read_ct
from .errors import DicomFileError, MissingCodecError, NotDicomError, SeriesError
from .series_groups import SeriesCandidate

__all__ = [
    "DicomFileError",
    "MissingCodecError",
    "NotDicomError",
    "SeriesCandidate",
    "SeriesError",
    "list_series",
    "read_ct",
]
