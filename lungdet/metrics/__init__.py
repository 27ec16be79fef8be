"""Metrics with reset, update and compute, and the functions that they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungdet.late_names import late_names

from .binary_scores import BinaryScores, binary_scores
from .box_overlap import pairwise_iou
from .calibration_error import Reliability, brier_score, negative_log_likelihood, reliability
from .class_choices import choose_classes, truth_matrix
from .classification import ClassificationScores, classification_scores
from .classification_bootstrap import ClassificationIntervals, bootstrap_classification
from .confusion import confusion_matrix
from .coverage import CoverageCurve, auroc, coverage_curve
from .detection_matching import match_detections
from .froc_bootstrap import FrocIntervals, bootstrap_froc
from .froc_curve import FrocResult, Stratum, froc
from .label_errors import LabelError, find_label_errors
from .nodule_matching import ScanMatch, match_boxes, match_scan
from .nodule_strata import size_labels
from .nodule_types import TypeScores, type_scores
from .ordinal_scores import OrdinalScores, ordinal_scores, quadratic_kappa
from .patient_draws import Estimate, estimate, weighted_auroc, weighted_mean
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
from .retrieval import RetrievalScores, retrieval_scores
from .sequence_pairs import PrecisionRecallF1, SequenceScores, sequence_scores

if TYPE_CHECKING:
    from .average_precision import AveragePrecision
    from .lesion_neighbours import LesionNeighbours
    from .macro_f1 import MacroF1
    from .nodule_froc import NoduleFROC
    from .nodule_heads import NoduleHeads
    from .slice_order import SliceOrder

__all__ = [
    "DEEPLESION",
    "DEEPLESION_FP_RATES",
    "LUNA16",
    "LUNA16_FP_RATES",
    "PROTOCOLS",
    "SIMPLIFIED",
    "AveragePrecision",
    "BinaryScores",
    "ClassificationIntervals",
    "ClassificationScores",
    "CoverageCurve",
    "Estimate",
    "FrocIntervals",
    "FrocResult",
    "LabelError",
    "LesionNeighbours",
    "MacroF1",
    "NoduleFROC",
    "NoduleHeads",
    "OrdinalScores",
    "PrecisionRecall",
    "PrecisionRecallF1",
    "Reliability",
    "RetrievalScores",
    "ScanMatch",
    "ScoringProtocol",
    "SequenceScores",
    "SliceOrder",
    "Stratum",
    "TypeScores",
    "auroc",
    "binary_scores",
    "bootstrap_classification",
    "bootstrap_froc",
    "brier_score",
    "choose_classes",
    "classification_scores",
    "confusion_matrix",
    "coverage_curve",
    "estimate",
    "find_label_errors",
    "find_protocol",
    "froc",
    "match_boxes",
    "match_detections",
    "match_scan",
    "negative_log_likelihood",
    "ordinal_scores",
    "pairwise_iou",
    "precision_recall",
    "precision_recall_of_scans",
    "quadratic_kappa",
    "reliability",
    "retrieval_scores",
    "sequence_scores",
    "size_labels",
    "truth_matrix",
    "type_scores",
    "weighted_auroc",
    "weighted_mean",
]

_HOMES = {  # scoring CSV files needs neither torch nor Ignite
    "AveragePrecision": "average_precision",
    "LesionNeighbours": "lesion_neighbours",
    "MacroF1": "macro_f1",
    "NoduleFROC": "nodule_froc",
    "NoduleHeads": "nodule_heads",
    "SliceOrder": "slice_order",
}
__getattr__, __dir__ = late_names(__name__, _HOMES)
