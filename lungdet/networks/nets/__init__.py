"""Whole networks."""

from .nodule_detector import NoduleDetector

__all__ = ["NoduleDetector"]
