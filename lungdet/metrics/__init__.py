"""Metrics with reset, update and compute, and the functions that they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .box_overlap import pairwise_iou
from .class_choices import choose_classes, truth_matrix
from .classification import ClassificationScores, classification_scores
from .detection_matching import match_detections
from .froc_bootstrap import FrocIntervals, bootstrap_froc
from .froc_curve import FrocResult, Stratum, froc
from .nodule_matching import ScanMatch, match_boxes, match_scan
from .nodule_strata import size_labels
from .precision_recall import PrecisionRecall, precision_recall, precision_recall_of_scans
from .protocols import (
    DEEPLESION,
    DEEPLESION_FP_RATES,
    LUNA16,
    LUNA16_FP_RATES,
    PROTOCOLS,
    SIMPLIFIED,
    ScoringProtocol,
    find_protocol,
)

if TYPE_CHECKING:
    from .average_precision import AveragePrecision
    from .macro_f1 import MacroF1
    from .nodule_froc import NoduleFROC

__all__ = [
    "DEEPLESION",
    "DEEPLESION_FP_RATES",
    "LUNA16",
    "LUNA16_FP_RATES",
    "PROTOCOLS",
    "SIMPLIFIED",
    "AveragePrecision",
    "ClassificationScores",
    "FrocIntervals",
    "FrocResult",
    "MacroF1",
    "NoduleFROC",
    "PrecisionRecall",
    "ScanMatch",
    "ScoringProtocol",
    "Stratum",
    "bootstrap_froc",
    "choose_classes",
    "classification_scores",
    "find_protocol",
    "froc",
    "match_boxes",
    "match_detections",
    "match_scan",
    "pairwise_iou",
    "precision_recall",
    "precision_recall_of_scans",
    "size_labels",
    "truth_matrix",
]

_HOMES = {"AveragePrecision": "average_precision", "MacroF1": "macro_f1", "NoduleFROC": "nodule_froc"}


def __getattr__(name: str) -> Any:
    """Import torch and Ignite only for the classes: scoring CSV files needs neither."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    """List the classes, too, for documentation and completion."""
    return sorted(set(globals()) | set(__all__))
