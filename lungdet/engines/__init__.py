"""What MONAI's stock trainer and evaluator need beside them."""

from .detections import detections_from_engine
from .prepare_batch import prepare_detection_batch
from .save_findings import FindingsSaver, read_model_info, save_study, volume_of
from .save_froc import FrocSaver

__all__ = [
    "FindingsSaver",
    "FrocSaver",
    "detections_from_engine",
    "prepare_detection_batch",
    "read_model_info",
    "save_study",
    "volume_of",
]
