"""Files in, facts and arrays out; what cannot be trusted is refused.

``read_ct`` reads a CT volume, ``list_series`` lists what there is to read.
"""

from __future__ import annotations

from .ct_series import list_series, read_ct
from .deeplesion import DeepLesionTable, read_deeplesion
from .deeplesion_mark import MarkedSlice
from .deeplesion_png import read_deeplesion_group, write_deeplesion_group
from .dicom_limits import ReadLimits
from .errors import DicomFileError, MissingCodecError, NotDicomError, RadiographError, SeriesError
from .label_errors import AnnotationError, LabelProblem
from .lidc import LidcReport, read_lidc
from .luna16 import Luna16, read_luna16
from .luna16_tables import (
    read_luna16_annotations,
    read_luna16_candidates,
    read_luna16_excluded,
    read_luna16_predictions,
    read_luna16_series_uids,
)
from .radiograph import read_radiograph
from .radiograph_files import list_radiographs
from .scan_labels import read_scan_labels
from .series_candidate import SeriesCandidate
from .tensorbox import TensorBoxImage, TensorBoxList, read_tensorbox, tensorbox_content

__all__ = [
    "AnnotationError",
    "DeepLesionTable",
    "DicomFileError",
    "LabelProblem",
    "LidcReport",
    "Luna16",
    "MarkedSlice",
    "MissingCodecError",
    "NotDicomError",
    "RadiographError",
    "ReadLimits",
    "SeriesCandidate",
    "SeriesError",
    "TensorBoxImage",
    "TensorBoxList",
    "list_radiographs",
    "list_series",
    "read_ct",
    "read_deeplesion",
    "read_deeplesion_group",
    "read_lidc",
    "read_luna16",
    "read_luna16_annotations",
    "read_luna16_candidates",
    "read_luna16_excluded",
    "read_luna16_predictions",
    "read_luna16_series_uids",
    "read_radiograph",
    "read_scan_labels",
    "read_tensorbox",
    "tensorbox_content",
    "write_deeplesion_group",
]
