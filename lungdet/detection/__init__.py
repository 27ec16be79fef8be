"""Between a network's output and boxes: coder, targets, criterion, decode, suppression."""

from .coder import BoxCoder
from .criterion import DetectionCriterion
from .decode import decode, decode_batch, find_peaks
from .decode_boxes import DecodeBoxesd
from .mark_filter import MarkFilter, fit_mark_filter
from .nms import nms, nms_by_distance, nms_by_iou
from .sequence_criterion import SequenceCriterion
from .sequence_decode import decode_sequence
from .sequence_targets import SEQUENCE_CODER, SequenceTarget, assign_to_cells
from .targets import DetectionTarget, encode_targets, stack_targets

__all__ = [
    "SEQUENCE_CODER",
    "BoxCoder",
    "DecodeBoxesd",
    "DetectionCriterion",
    "DetectionTarget",
    "MarkFilter",
    "SequenceCriterion",
    "SequenceTarget",
    "assign_to_cells",
    "decode",
    "decode_batch",
    "decode_sequence",
    "encode_targets",
    "find_peaks",
    "fit_mark_filter",
    "nms",
    "nms_by_distance",
    "nms_by_iou",
    "stack_targets",
]
