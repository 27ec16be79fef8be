"""Losses that MONAI and torch lack."""

from .center_focal import CenterFocalLoss
from .hungarian import HungarianLoss, HungarianParts, match_steps

__all__ = ["CenterFocalLoss", "HungarianLoss", "HungarianParts", "match_steps"]
