"""Whole networks."""

from .nodule_detector import NoduleDetector, TwoStageOutput

__all__ = ["NoduleDetector", "TwoStageOutput"]
