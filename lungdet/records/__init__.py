"""Facts: frozen records that are valid once constructed. No torch, no files."""

from .finding import DetectionReport, Finding, ModelInfo
from .series import CTVolume, SeriesInfo

__all__ = ["CTVolume", "DetectionReport", "Finding", "ModelInfo", "SeriesInfo"]
