"""Files in, facts and arrays out; what cannot be trusted is refused.

``read_ct`` reads a CT volume, ``list_series`` lists what there is to read.
"""

from __future__ import annotations

from .ct_series import list_series, read_ct
from .errors import DicomFileError, MissingCodecError, NotDicomError, SeriesError
from .label_errors import AnnotationError, LabelProblem
from .lidc import LidcReport, read_lidc
from .series_groups import SeriesCandidate

__all__ = [
    "AnnotationError",
    "DicomFileError",
    "LabelProblem",
    "LidcReport",
    "MissingCodecError",
    "NotDicomError",
    "SeriesCandidate",
    "SeriesError",
    "list_series",
    "read_ct",
    "read_lidc",
]
