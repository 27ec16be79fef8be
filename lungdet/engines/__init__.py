"""What MONAI's stock trainer and evaluator need beside them."""

from .detections import detections_from_engine
from .prepare_batch import prepare_detection_batch

__all__ = ["detections_from_engine", "prepare_detection_batch"]
