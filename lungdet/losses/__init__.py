"""Losses that MONAI and torch lack."""

from .body_part_order import BodyPartOrderLoss
from .center_focal import CenterFocalLoss
from .hungarian import HungarianLoss, HungarianParts, match_steps
from .label_loss import LabelLoss
from .sequential_triplet import SequentialTripletLoss

__all__ = [
    "BodyPartOrderLoss",
    "CenterFocalLoss",
    "HungarianLoss",
    "HungarianParts",
    "LabelLoss",
    "SequentialTripletLoss",
    "match_steps",
]
