"""What lesions have to do with each other: where they are, what looks alike, what is the same one later."""

from .classifier_file import ClassifierFile, ClassifierFileError
from .description import describe_measured
from .embedded import EmbeddedLesions
from .embedded_file import EmbeddedFileError, load_embedded, save_embedded
from .fit_distance import fit_distance_weights, fit_threshold, score_histories
from .fit_score_scale import LabelledScan, fit_score_scale
from .index import LesionIndex, build_index
from .lesion_distance import DistanceWeights, lesion_distances
from .lesion_relations import LesionFacts, RelationLimits, relations, unlikeness
from .mark_calibration import MarkCalibration
from .measure_nodule import measure_nodule
from .measured import measured_from_datalist, measured_from_deeplesion
from .measurement_error import MeasurementError
from .nodule_answers import NoduleAnswers
from .retrieval import Answers, LesionRetrieval, random_answers
from .score_scale import ScoreScale, ScoreScaleError
from .sequences import find_histories
from .slice_scores import judge_slices
from .triplet_sampling import SEQUENCE_LENGTH, SequenceSampler
from .volume_doubling import VolumeGrowth, volume_growth

__all__ = [
    "SEQUENCE_LENGTH",
    "Answers",
    "ClassifierFile",
    "ClassifierFileError",
    "DistanceWeights",
    "EmbeddedFileError",
    "EmbeddedLesions",
    "LabelledScan",
    "LesionFacts",
    "LesionIndex",
    "LesionRetrieval",
    "MarkCalibration",
    "MeasurementError",
    "NoduleAnswers",
    "RelationLimits",
    "ScoreScale",
    "ScoreScaleError",
    "SequenceSampler",
    "VolumeGrowth",
    "build_index",
    "describe_measured",
    "find_histories",
    "fit_distance_weights",
    "fit_score_scale",
    "fit_threshold",
    "judge_slices",
    "lesion_distances",
    "load_embedded",
    "measure_nodule",
    "measured_from_datalist",
    "measured_from_deeplesion",
    "random_answers",
    "relations",
    "save_embedded",
    "score_histories",
    "unlikeness",
    "volume_growth",
]
