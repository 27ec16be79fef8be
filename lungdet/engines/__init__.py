"""What MONAI's stock trainer and evaluator need beside them."""

from .average_buffers import BufferAverager
from .average_weights import WeightAverager, averaged_copy
from .balanced_sampler import BalancedSampler
from .calibration_fitter import CalibrationFitter
from .classification_evaluation import ClassificationEvaluation, evaluate_pictures
from .classification_files import classification_files
from .classifier_fitter import ClassifierFitter, fit_classifier_file
from .clip_gradients import GradientClipper
from .detections import detections_from_engine
from .draw_nodule_cubes import draw_nodule_cubes
from .early_stopping import StopWhenStale
from .evaluation_files import evaluation_files
from .evaluation_scores import EvaluationScores, score_scans
from .label_weights import count_labels, label_weights
from .lesion_sequences import LesionSequenceSampler
from .list_items import list_items
from .list_lesions import list_lesions
from .list_nodules import list_nodules, rating_shares
from .list_pictures import list_pictures, picture_classes
from .list_pictures_of import list_pictures_of
from .list_scans import list_scans
from .nodule_answer_files import nodule_answer_files
from .nodule_answer_scores import NoduleAnswerScores, score_cubes
from .nodule_cube_cache import CubeProblem, NoduleCubeCache, list_nodule_cubes
from .non_finite import StopOnNonFinite
from .pack_candidates import FlatCubes, PackCandidatesd
from .parameter_groups import parameter_groups
from .picture_gallery import PictureGallery
from .prepare_batch import prepare_detection_batch
from .prepare_lesion_batch import PrepareLesionBatch
from .prepare_nodule_batch import prepare_nodule_batch
from .prepare_picture_batch import prepare_picture_batch
from .prepare_slice_batch import prepare_slice_batch
from .prepare_view_batch import prepare_view_batch
from .save_classification import ClassificationEvaluationSaver
from .save_embedding import EmbeddingSaver, embedding_scores
from .save_evaluation import EvaluationSaver
from .save_finding_answers import FindingAnswersSaver
from .save_findings import FindingsSaver, read_model_info, save_study, volume_of
from .save_labels import LabelSaver
from .save_model import BestModelSaver, better_score
from .save_nodule_answers import NoduleAnswerSaver
from .save_scan_risk import ScanRiskSaver
from .save_slice_scores import SliceScoreSaver
from .scan_sampler import ScanSampler
from .score_scale_fitter import ScoreScaleFitter, labelled_scan
from .scored_cube import CubeKeys, ScoredCube, read_scored_cube
from .scored_picture import DisturbedOutput, PictureKeys, ScoredPicture, read_scored_picture
from .scored_scan import EvaluationKeys, ScoredScan, read_scored_scan
from .seed_epochs import SeedEpochs
from .seeded_dataset import EpochItem, EpochSampler, SeededCacheDataset
from .show_validation import ValidationPictures
from .training_history import TrainingHistory
from .training_scalars import TrainingProgress, training_scalars
from .training_state import TrainingState
from .worst_cubes import WorstCubes
from .write_bundle import BundleWriter

__all__ = [
    "BalancedSampler",
    "BestModelSaver",
    "BufferAverager",
    "BundleWriter",
    "CalibrationFitter",
    "ClassificationEvaluation",
    "ClassificationEvaluationSaver",
    "ClassifierFitter",
    "CubeKeys",
    "CubeProblem",
    "DisturbedOutput",
    "EmbeddingSaver",
    "EpochItem",
    "EpochSampler",
    "EvaluationKeys",
    "EvaluationSaver",
    "EvaluationScores",
    "FindingAnswersSaver",
    "FindingsSaver",
    "FlatCubes",
    "GradientClipper",
    "LabelSaver",
    "LesionSequenceSampler",
    "NoduleAnswerSaver",
    "NoduleAnswerScores",
    "NoduleCubeCache",
    "PackCandidatesd",
    "PictureGallery",
    "PictureKeys",
    "PrepareLesionBatch",
    "ScanRiskSaver",
    "ScanSampler",
    "ScoreScaleFitter",
    "ScoredCube",
    "ScoredPicture",
    "ScoredScan",
    "SeedEpochs",
    "SeededCacheDataset",
    "SliceScoreSaver",
    "StopOnNonFinite",
    "StopWhenStale",
    "TrainingHistory",
    "TrainingProgress",
    "TrainingState",
    "ValidationPictures",
    "WeightAverager",
    "WorstCubes",
    "averaged_copy",
    "better_score",
    "classification_files",
    "count_labels",
    "detections_from_engine",
    "draw_nodule_cubes",
    "embedding_scores",
    "evaluate_pictures",
    "evaluation_files",
    "fit_classifier_file",
    "label_weights",
    "labelled_scan",
    "list_items",
    "list_lesions",
    "list_nodule_cubes",
    "list_nodules",
    "list_pictures",
    "list_pictures_of",
    "list_scans",
    "nodule_answer_files",
    "parameter_groups",
    "picture_classes",
    "prepare_detection_batch",
    "prepare_nodule_batch",
    "prepare_picture_batch",
    "prepare_slice_batch",
    "prepare_view_batch",
    "rating_shares",
    "read_model_info",
    "read_scored_cube",
    "read_scored_picture",
    "read_scored_scan",
    "save_study",
    "score_cubes",
    "score_scans",
    "training_scalars",
    "volume_of",
]
