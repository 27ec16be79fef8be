"""Labels to training lists: one entry for each image, split by patient, as JSON with a schema. No torch."""

from .build_deeplesion import DeepLesionChoice, build_deeplesion, deeplesion_groups, lesion_boxes_lps
from .build_lidc import LidcChoice, build_lidc
from .build_luna16 import build_luna16
from .build_tensorbox import build_tensorbox, to_tensorbox
from .built import BuiltList
from .consensus import find_nodules
from .detection_list import detection_list_content, read_detection_list
from .entry import IgnoredBox, LabelledBox, ScanEntry
from .grouping import GroupingRule, group_marks
from .nndetection import read_nndetection, write_nndetection
from .patients import read_patients
from .schema import DatalistError, datalist_content, load_entries, load_schema, read_datalist, write_datalist
from .split import PARTS, LeakError, assign_folds, check_leaks, find_leaks, split_by_patient
from .summary import summarise

__all__ = [
    "PARTS",
    "BuiltList",
    "DatalistError",
    "DeepLesionChoice",
    "GroupingRule",
    "IgnoredBox",
    "LabelledBox",
    "LeakError",
    "LidcChoice",
    "ScanEntry",
    "assign_folds",
    "build_deeplesion",
    "build_lidc",
    "build_luna16",
    "build_tensorbox",
    "check_leaks",
    "datalist_content",
    "deeplesion_groups",
    "detection_list_content",
    "find_leaks",
    "find_nodules",
    "group_marks",
    "lesion_boxes_lps",
    "load_entries",
    "load_schema",
    "read_datalist",
    "read_detection_list",
    "read_nndetection",
    "read_patients",
    "split_by_patient",
    "summarise",
    "to_tensorbox",
    "write_datalist",
    "write_nndetection",
]
