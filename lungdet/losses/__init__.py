"""Losses that MONAI and torch lack."""

from .body_part_order import BodyPartOrderLoss
from .center_focal import CenterFocalLoss
from .hungarian import HungarianLoss, HungarianParts, match_steps
from .label_loss import LabelLoss
from .nodule_heads import NoduleHeadsLoss
from .sequential_triplet import SequentialTripletLoss
from .view_contrast import ViewContrastLoss, partners_found

__all__ = [
    "BodyPartOrderLoss",
    "CenterFocalLoss",
    "HungarianLoss",
    "HungarianParts",
    "LabelLoss",
    "NoduleHeadsLoss",
    "SequentialTripletLoss",
    "ViewContrastLoss",
    "match_steps",
    "partners_found",
]
