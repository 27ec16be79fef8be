"""Facts: frozen records that are valid once constructed. No torch, no files."""

from .finding import DetectionReport, Finding, ModelInfo
from .lesion import LESION_TYPES, Lesion
from .series import CTVolume, SeriesInfo

__all__ = ["LESION_TYPES", "CTVolume", "DetectionReport", "Finding", "Lesion", "ModelInfo", "SeriesInfo"]
