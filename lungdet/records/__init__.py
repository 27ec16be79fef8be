"""Facts: frozen records that are valid once constructed. No torch, no files."""

from .body_part import BodyPartClass, ClassList, is_snomed_code
from .decision import Decision
from .detection_report import DetectionReport
from .finding import Finding
from .labelled_file import LabelledFile
from .lesion import LESION_TYPES, Lesion
from .lesion_description import LesionDescription, Spread, StudyGrowth, StudySum, TypeSummary
from .lesion_key import lesion_keys
from .lesion_sequence import LesionSequence, PatientHistory, SequenceMark
from .lungs_found import LungsFound, LungSideFacts
from .mark import Contour, Mark, Rating, SeriesMarks
from .measured_lesion import MeasuredLesion
from .model_info import ModelInfo
from .nodule import Extent, Nodule, Placement, RatingSummary
from .nodule_answer import NoduleAnswer, RatingAnswer
from .nodule_growth import NoduleGrowth
from .nodule_measurement import LungSide, NoduleDensity, NoduleMeasurement
from .place import Point
from .radiograph import Radiograph, RadiographInfo
from .rating_target import NODULE_TYPES, ORDINAL_RATINGS, RATING_LEVELS, NoduleType, RatingTarget, nodule_type
from .routed_file import RoutedFile
from .scan_candidates import CUBE_SIDE, ScanCandidates, empty_scan
from .scan_risk_answer import ScanRiskAnswer
from .scan_score import BODY_REGIONS, CoveredRegion, FlagKind, ScanScore, ScoreFlag, ScoreLine
from .series import CTVolume, SeriesInfo
from .similar_lesion import SimilarLesion

__all__ = [
    "BODY_REGIONS",
    "CUBE_SIDE",
    "LESION_TYPES",
    "NODULE_TYPES",
    "ORDINAL_RATINGS",
    "RATING_LEVELS",
    "BodyPartClass",
    "CTVolume",
    "ClassList",
    "Contour",
    "CoveredRegion",
    "Decision",
    "DetectionReport",
    "Extent",
    "Finding",
    "FlagKind",
    "LabelledFile",
    "Lesion",
    "LesionDescription",
    "LesionSequence",
    "LungSide",
    "LungSideFacts",
    "LungsFound",
    "Mark",
    "MeasuredLesion",
    "ModelInfo",
    "Nodule",
    "NoduleAnswer",
    "NoduleDensity",
    "NoduleGrowth",
    "NoduleMeasurement",
    "NoduleType",
    "PatientHistory",
    "Placement",
    "Point",
    "Radiograph",
    "RadiographInfo",
    "Rating",
    "RatingAnswer",
    "RatingSummary",
    "RatingTarget",
    "RoutedFile",
    "ScanCandidates",
    "ScanRiskAnswer",
    "ScanScore",
    "ScoreFlag",
    "ScoreLine",
    "SequenceMark",
    "SeriesInfo",
    "SeriesMarks",
    "SimilarLesion",
    "Spread",
    "StudyGrowth",
    "StudySum",
    "TypeSummary",
    "empty_scan",
    "is_snomed_code",
    "lesion_keys",
    "nodule_type",
]
