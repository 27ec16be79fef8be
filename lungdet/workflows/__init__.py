"""Open a bundle, and process one study or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungdet.late_names import late_names

from .bundle import BundleError, bundle_names, bundle_root, open_bundle

if TYPE_CHECKING:
    from .analyze_studies import analyze
    from .body_scorer import BodyScorer
    from .bundle_settings import told_settings
    from .candidate_embedder import CandidateEmbedder, classifier_network
    from .candidate_finder import CandidateFinder, cut_candidates
    from .describe import DescribedLesions, describe_lesions
    from .detector import Detector
    from .embedded_table import EmbeddedTable, embed_table
    from .evaluate import FrocEvaluation, evaluate_froc
    from .label_radiographs import LabelSummary, label
    from .lesion_embedder import EmbeddingResult, LesionEmbedder, LesionProblem, MarkedLesion, embed_lesions
    from .many_studies import detect
    from .nodule_classifier import NoduleRater, UnratedMark
    from .radiograph_labeller import RadiographLabeller
    from .route_radiographs import RouteSummary, route
    from .scan_candidates import CandidateResult, CandidateSummary, find_candidates
    from .scan_risk import ScanRiskModel
    from .score_studies import ScoredStudy, ScoreSummary, score
    from .similar_lesions import SimilarLesions, query_lesions
    from .studies import StudyJob, find_studies
    from .study_settings import StudySettings
    from .summary import DetectSummary, StudyResult

__all__ = [
    "BodyScorer",
    "BundleError",
    "CandidateEmbedder",
    "CandidateFinder",
    "CandidateResult",
    "CandidateSummary",
    "DescribedLesions",
    "DetectSummary",
    "Detector",
    "EmbeddedTable",
    "EmbeddingResult",
    "FrocEvaluation",
    "LabelSummary",
    "LesionEmbedder",
    "LesionProblem",
    "MarkedLesion",
    "NoduleRater",
    "RadiographLabeller",
    "RouteSummary",
    "ScanRiskModel",
    "ScoreSummary",
    "ScoredStudy",
    "SimilarLesions",
    "StudyJob",
    "StudyResult",
    "StudySettings",
    "UnratedMark",
    "analyze",
    "bundle_names",
    "bundle_root",
    "classifier_network",
    "cut_candidates",
    "describe_lesions",
    "detect",
    "embed_lesions",
    "embed_table",
    "evaluate_froc",
    "find_candidates",
    "find_studies",
    "label",
    "open_bundle",
    "query_lesions",
    "route",
    "score",
    "told_settings",
]

_HOMES = {
    "CandidateEmbedder": "candidate_embedder",
    "ScanRiskModel": "scan_risk",
    "classifier_network": "candidate_embedder",
    "CandidateFinder": "candidate_finder",
    "CandidateResult": "scan_candidates",
    "CandidateSummary": "scan_candidates",
    "cut_candidates": "candidate_finder",
    "find_candidates": "scan_candidates",
    "EmbeddedTable": "embedded_table",
    "EmbeddingResult": "lesion_embedder",
    "LesionEmbedder": "lesion_embedder",
    "LesionProblem": "lesion_embedder",
    "MarkedLesion": "lesion_embedder",
    "embed_lesions": "lesion_embedder",
    "embed_table": "embedded_table",
    "BodyScorer": "body_scorer",
    "DescribedLesions": "describe",
    "DetectSummary": "summary",
    "Detector": "detector",
    "FrocEvaluation": "evaluate",
    "LabelSummary": "label_radiographs",
    "RadiographLabeller": "radiograph_labeller",
    "RouteSummary": "route_radiographs",
    "ScoreSummary": "score_studies",
    "ScoredStudy": "score_studies",
    "SimilarLesions": "similar_lesions",
    "StudyJob": "studies",
    "StudyResult": "summary",
    "StudySettings": "study_settings",
    "describe_lesions": "describe",
    "NoduleRater": "nodule_classifier",
    "UnratedMark": "nodule_classifier",
    "analyze": "analyze_studies",
    "detect": "many_studies",
    "evaluate_froc": "evaluate",
    "find_studies": "studies",
    "label": "label_radiographs",
    "query_lesions": "similar_lesions",
    "route": "route_radiographs",
    "score": "score_studies",
    "told_settings": "bundle_settings",
}
__getattr__, __dir__ = late_names(__name__, _HOMES)
