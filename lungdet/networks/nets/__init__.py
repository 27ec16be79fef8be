"""Whole networks."""

from .body_part_densenet import BodyPartDenseNet
from .body_part_regressor import REGRESSORS, BodyPartRegressor, body_part_regressor
from .contrast_network import ContrastNetwork
from .cube_risk import CubeRisk
from .from_monai import efficient_network, residual_network
from .lesion_embedding import LesionEmbedding
from .mobilenet_v1 import MobileNetV1
from .mobilenet_v2 import MobileNetV2
from .nodule_classifier import NoduleClassifier, NoduleLogits, split_answers
from .nodule_detector import NoduleDetector, TwoStageOutput
from .nodule_weights import StartedFrom, start_nodule_classifier
from .picture_classifier import PictureClassifier
from .picture_weights import load_picture_weights
from .radiograph_network import RADIOGRAPH_NETWORKS, radiograph_network
from .scan_risk import ScanRisk, pack_candidates

__all__ = [
    "RADIOGRAPH_NETWORKS",
    "REGRESSORS",
    "BodyPartDenseNet",
    "BodyPartRegressor",
    "ContrastNetwork",
    "CubeRisk",
    "LesionEmbedding",
    "MobileNetV1",
    "MobileNetV2",
    "NoduleClassifier",
    "NoduleDetector",
    "NoduleLogits",
    "PictureClassifier",
    "ScanRisk",
    "StartedFrom",
    "TwoStageOutput",
    "body_part_regressor",
    "efficient_network",
    "load_picture_weights",
    "pack_candidates",
    "radiograph_network",
    "residual_network",
    "split_answers",
    "start_nodule_classifier",
]
