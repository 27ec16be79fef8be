"""MONAI's 3D RetinaNet: the network of the model zoo, and a small one as large as ours.

The zoo's settings are those of its bundle ``lung_nodule_ct_detection``: a ResNet-50 with a pyramid of three levels,
three anchor shapes, an ATSS matcher and a sampler of hard negatives. The small one keeps all of that but the backbone,
the width of pyramid and heads, their first weights, and the anchors, which are for voxels of 1.4 mm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
from monai.networks.blocks.backbone_fpn_utils import BackboneWithFPN
from monai.networks.nets.resnet import ResNet, ResNetBlock, resnet50
from torch import Tensor, nn

from .torchvision_names import give_torchvision_names

ZOO_SPACING_MM = (0.703125, 0.703125, 1.25)
ZOO_PATCH, ZOO_WINDOW = (192, 192, 80), (512, 512, 192)  # of training, and of the sliding window at inference
ZOO_ANCHORS = ((6, 8, 4), (8, 6, 5), (10, 10, 6))
OVERLAP = 0.25
# Three to an octave from 4.2 mm on: 3 to 19 voxels over the three levels, which holds most of the phantoms' nodules.
SMALL_ANCHORS = tuple((side, side, side) for side in (3.0, 3.8, 4.8))
MIN_SCORE, MAX_BOXES = 0.01, 100
# Each negative that is learnt from is the hardest of so many; 20 keep a beginner from learning.
ZOO_POOL, SMALL_POOL = 20, 4
SAMPLED_POSITIVE = 0.3  # share of nodules among the anchors that the loss sees


class AutocastRetinaNet(RetinaNet):
    """A RetinaNet whose convolutions run in bfloat16 and whose answers are float32.

    MONAI's detector gives boxes the type of the answers, and bfloat16 cannot tell voxel 255 from 256.
    """

    precision = torch.bfloat16

    def forward(self, images: Tensor) -> Any:
        """Return the maps of each level; see :class:`RetinaNet`."""
        with torch.autocast(images.device.type, self.precision, enabled=self.precision is not torch.float32):
            answers = super().forward(images)
        return {name: [level.float() for level in levels] for name, levels in answers.items()}


class ExactAnchors(AnchorGeneratorWithAnchorShape):
    """Anchors as long as asked for; MONAI's own rounds half of a side, which is much for a nodule of four voxels."""

    @staticmethod
    def generate_anchors_using_shape(
        anchor_shapes: Tensor, dtype: torch.dtype = torch.float32, device: torch.device | None = None
    ) -> Tensor:
        """Return ``(N, 6)`` boxes about the origin for ``(N, 3)`` sides."""
        return torch.cat([-anchor_shapes, anchor_shapes], dim=1).to(dtype=dtype, device=device) / 2


class IgnoringDetector(RetinaNetDetector):
    """A detector that learns nothing from anchors in regions that are neither nodule nor background.

    MONAI's own knows no such regions, and would be punished for nodules that the border of a patch cuts.
    """

    ignored: Sequence[Tensor] = ()

    def compute_anchor_matched_idxs(self, anchors: Any, targets: Any, num_anchor_locs_per_level: Any) -> Any:
        """Set anchors whose centre lies in an ignored box aside, unless they belong to a nodule."""
        matched = super().compute_anchor_matched_idxs(anchors, targets, num_anchor_locs_per_level)
        for index, boxes in enumerate(self.ignored):
            if len(boxes):
                centers = (anchors[index][:, None, :3] + anchors[index][:, None, 3:]) / 2  # (anchors, 1, 3)
                inside = ((centers >= boxes[:, :3]) & (centers < boxes[:, 3:])).all(dim=2).any(dim=1)
                matched[index][inside & (matched[index] < 0)] = -2
        return matched


def zoo_detector() -> RetinaNetDetector:
    """The model zoo's network for lung nodules, without its weights."""
    give_torchvision_names()
    backbone = resnet50(spatial_dims=3, n_input_channels=1, conv1_t_stride=[2, 2, 1], conv1_t_size=[7, 7, 7])
    extractor = resnet_fpn_feature_extractor(backbone, 3, False, [1, 2], None)
    return _detector(extractor, AnchorGeneratorWithAnchorShape((1, 2, 4), ZOO_ANCHORS))


def small_detector(
    width: int = 24, pyramid_channels: int = 48, anchors: Sequence[Sequence[float]] = SMALL_ANCHORS
) -> RetinaNetDetector:
    """A RetinaNet of about 0.8 million parameters with cells of 4 x 4 x 2 voxels, the zoo's and ours.

    Args:
        width: of the first level of the backbone, a ResNet of one basic block a level.
        pyramid_channels: of the pyramid and the heads, a multiple of 8.
        anchors: shapes in voxels. They are doubled from level to level.
    """
    give_torchvision_names()
    widths = [width * 2**level for level in range(4)]
    backbone = ResNet(ResNetBlock, [1, 1, 1, 1], widths, 3, 1, [7, 7, 7], [2, 2, 1], feed_forward=False)
    names, channels = {"layer1": "0", "layer2": "1"}, widths[:2]
    extractor = BackboneWithFPN(backbone, names, channels, pyramid_channels, spatial_dims=3)
    detector = _detector(extractor, ExactAnchors((1, 2, 4), anchors), SMALL_POOL)
    start_heads_from_scratch(detector.network)
    return detector


def start_heads_from_scratch(network: RetinaNet, prior: float = SAMPLED_POSITIVE) -> None:
    """Help the heads to learn early: weights that pass a signal on, a sensible first answer, batch normalisation.

    MONAI's own start, deviations of 0.01 and a rate of 1 %, is meant for a backbone that has learnt before and for a
    focal loss; from scratch and with a sampler of negatives a short training spends itself on leaving it. Its group
    normalisation looks at the whole image, so that a nodule's answer would depend on how much is shown around it.
    """
    for head in (network.classification_head, network.regression_head):
        for index, layer in enumerate(head.conv):
            if isinstance(layer, nn.Conv3d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            elif isinstance(layer, nn.GroupNorm):
                head.conv[index] = nn.BatchNorm3d(layer.num_channels)
    nn.init.constant_(network.classification_head.cls_logits.bias, math.log(prior / (1 - prior)))


def _detector(extractor: nn.Module, anchors: AnchorGeneratorWithAnchorShape, pool: int = ZOO_POOL) -> RetinaNetDetector:
    network = AutocastRetinaNet(3, 1, anchors.num_anchors_per_location()[0], extractor, size_divisible=(16, 16, 8))
    detector = IgnoringDetector(network, anchors)
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    detector.set_hard_negative_sampler(
        batch_size_per_image=64, positive_fraction=SAMPLED_POSITIVE, pool_size=pool, min_neg=16
    )
    detector.set_target_keys(box_key="box", label_key="label")
    detector.set_box_selector_parameters(
        score_thresh=MIN_SCORE, topk_candidates_per_level=1000, nms_thresh=0.22, detections_per_img=MAX_BOXES
    )
    return detector


def loss_of(detector: RetinaNetDetector, images: Tensor, targets: Sequence[Mapping[str, Tensor]]) -> Tensor:
    """The sum of both losses for images ``(B, 1, X, Y, Z)`` and a target with ``box`` and ``ignore_box`` each."""
    boxes = [target["box"] for target in targets]
    detector.ignored = [target["ignore_box"] for target in targets]
    wanted = [{"box": box, "label": torch.zeros(len(box), dtype=torch.long, device=box.device)} for box in boxes]
    losses = detector(images, wanted)
    loss: Tensor = losses[detector.cls_key] + losses[detector.box_reg_key]
    return loss


def find(detector: RetinaNetDetector, image: Tensor, window: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
    """Boxes and scores of one image, ``(1, 1, X, Y, Z)``.

    Args:
        detector: in evaluation mode.
        image: scaled as in training.
        window: patch of a sliding window with a quarter of overlap; None takes the whole image at once.
    """
    if window is not None:
        detector.set_sliding_window_inferer(roi_size=list(window), overlap=OVERLAP, sw_batch_size=1, mode="constant")
    with torch.no_grad():
        answer = detector(image, use_inferer=window is not None)[0]
    return answer["box"].cpu(), answer["label_scores"].cpu()
