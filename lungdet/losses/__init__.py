"""Losses that MONAI and torch lack."""

from .center_focal import CenterFocalLoss
from .hungarian import HungarianLoss, HungarianParts, match_steps
from .label_loss import LabelLoss

__all__ = ["CenterFocalLoss", "HungarianLoss", "HungarianParts", "LabelLoss", "match_steps"]
