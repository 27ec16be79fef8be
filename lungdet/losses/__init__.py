"""Losses that MONAI and torch lack."""

from .center_focal import CenterFocalLoss

__all__ = ["CenterFocalLoss"]
