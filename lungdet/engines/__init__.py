"""What MONAI's stock trainer and evaluator need beside them."""

from .clip_gradients import GradientClipper
from .detections import detections_from_engine
from .early_stopping import StopWhenStale
from .list_items import list_items
from .non_finite import StopOnNonFinite
from .prepare_batch import prepare_detection_batch
from .save_findings import FindingsSaver, read_model_info, save_study, volume_of
from .save_froc import FrocSaver
from .save_model import BestModelSaver, better_score
from .scan_sampler import ScanSampler
from .seed_epochs import SeedEpochs
from .seeded_dataset import EpochItem, EpochSampler, SeededCacheDataset
from .show_validation import ValidationPictures
from .training_scalars import TrainingProgress, training_scalars
from .training_state import TrainingState

__all__ = [
    "BestModelSaver",
    "EpochItem",
    "EpochSampler",
    "FindingsSaver",
    "FrocSaver",
    "GradientClipper",
    "ScanSampler",
    "SeedEpochs",
    "SeededCacheDataset",
    "StopOnNonFinite",
    "StopWhenStale",
    "TrainingProgress",
    "TrainingState",
    "ValidationPictures",
    "better_score",
    "detections_from_engine",
    "list_items",
    "prepare_detection_batch",
    "read_model_info",
    "save_study",
    "training_scalars",
    "volume_of",
]
