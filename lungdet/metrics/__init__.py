"""Metrics with reset, update and compute."""

from .froc_curve import LUNA16_FP_RATES, FrocResult, froc
from .nodule_froc import NoduleFROC
from .nodule_matching import ScanMatch, match_scan

__all__ = ["LUNA16_FP_RATES", "FrocResult", "NoduleFROC", "ScanMatch", "froc", "match_scan"]
