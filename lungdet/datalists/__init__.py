"""Labels to training lists: one entry for each image, split by patient, as JSON with a schema. No torch."""

from .build_ct import build_ct
from .build_deeplesion import DeepLesionChoice, build_deeplesion, deeplesion_groups, lesion_boxes_lps
from .build_lidc import LidcChoice, build_lidc
from .build_luna16 import build_luna16
from .build_radiographs import BuiltPictures, RadiographChoice, build_radiographs
from .build_tensorbox import build_tensorbox, to_tensorbox
from .built import BuiltList
from .consensus import find_nodules
from .detection_list import detection_list_content, read_detection_list
from .entry import IgnoredBox, LabelledBox, ScanEntry
from .grouping import GroupingRule, group_marks
from .nndetection import read_nndetection, write_nndetection
from .patients import read_patients
from .picture_entry import PictureEntry
from .picture_list import (
    find_picture_leaks,
    load_picture_schema,
    picture_entries,
    picture_list_content,
    read_picture_list,
    write_picture_list,
)
from .picture_summary import summarise_pictures
from .scan_list import ScanList, ScanListEntry, read_scan_list, split_scans, write_scan_list
from .schema import (
    DatalistError,
    datalist_content,
    load_entries,
    load_reading,
    load_schema,
    read_datalist,
    write_datalist,
)
from .split import PARTS, LeakError, assign_folds, check_leaks, find_leaks, split_by_patient
from .split_pictures import join_owners, split_pictures
from .stratify import stratify
from .summary import summarise

__all__ = [
    "PARTS",
    "BuiltList",
    "BuiltPictures",
    "DatalistError",
    "DeepLesionChoice",
    "GroupingRule",
    "IgnoredBox",
    "LabelledBox",
    "LeakError",
    "LidcChoice",
    "PictureEntry",
    "RadiographChoice",
    "ScanEntry",
    "ScanList",
    "ScanListEntry",
    "assign_folds",
    "build_ct",
    "build_deeplesion",
    "build_lidc",
    "build_luna16",
    "build_radiographs",
    "build_tensorbox",
    "check_leaks",
    "datalist_content",
    "deeplesion_groups",
    "detection_list_content",
    "find_leaks",
    "find_nodules",
    "find_picture_leaks",
    "group_marks",
    "join_owners",
    "lesion_boxes_lps",
    "load_entries",
    "load_picture_schema",
    "load_reading",
    "load_schema",
    "picture_entries",
    "picture_list_content",
    "read_datalist",
    "read_detection_list",
    "read_nndetection",
    "read_patients",
    "read_picture_list",
    "read_scan_list",
    "split_by_patient",
    "split_pictures",
    "split_scans",
    "stratify",
    "summarise",
    "summarise_pictures",
    "to_tensorbox",
    "write_datalist",
    "write_nndetection",
    "write_picture_list",
    "write_scan_list",
]
