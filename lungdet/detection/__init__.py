"""Between a network's output and boxes: coder, targets, criterion, decode, suppression."""

from .coder import BoxCoder
from .criterion import DetectionCriterion
from .decode import decode, decode_batch, find_peaks
from .decode_boxes import DecodeBoxesd
from .nms import nms, nms_by_distance, nms_by_iou
from .targets import DetectionTarget, encode_targets, stack_targets

__all__ = [
    "BoxCoder",
    "DecodeBoxesd",
    "DetectionCriterion",
    "DetectionTarget",
    "decode",
    "decode_batch",
    "encode_targets",
    "find_peaks",
    "nms",
    "nms_by_distance",
    "nms_by_iou",
    "stack_targets",
]
