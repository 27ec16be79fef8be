"""What MONAI's stock trainer and evaluator need beside them."""

from .prepare_batch import prepare_detection_batch

__all__ = ["prepare_detection_batch"]
