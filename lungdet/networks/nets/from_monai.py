"""MONAI's residual and efficient networks, dressed as classifiers of pictures."""

from __future__ import annotations

from collections import OrderedDict

from monai.networks.nets import EfficientNetBN, resnet18, resnet34
from torch import nn

from lungdet.networks.nets.picture_classifier import PictureClassifier

RESNETS = {18: resnet18, 34: resnet34}
RESNET_PARTS = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")


def residual_network(depth: int, num_classes: int, in_channels: int = 1, dropout: float = 0.0) -> PictureClassifier:
    """Return a ResNet (He et al., 2016) with stride 2 in its first layer, as published for pictures.

    Args:
        depth: 18 or 34.
        num_classes: answers for each picture.
        in_channels: channels of the pictures.
        dropout: share of the embedding that is dropped before the last layer, in training.

    Raises:
        ValueError: there is no such depth.
    """
    if depth not in RESNETS:
        raise ValueError(f"depth must be 18 or 34, got {depth}")
    whole = RESNETS[depth](
        spatial_dims=2, n_input_channels=in_channels, conv1_t_stride=2, bias_downsample=False, feed_forward=False
    )
    features = nn.Sequential(OrderedDict((name, getattr(whole, name)) for name in RESNET_PARTS))
    return PictureClassifier(features, whole.in_planes, num_classes, in_channels, dropout)


def efficient_network(
    name: str, num_classes: int, in_channels: int = 1, dropout: float = 0.0, drop_connect: float = 0.2
) -> PictureClassifier:
    """Return an EfficientNet (Tan and Le, 2019).

    The padding of each layer is that for the side it was published with (224, 240, 260); other sides are taken as well.

    Args:
        name: ``"efficientnet-b0"`` to ``"efficientnet-b7"``.
        num_classes: answers for each picture.
        in_channels: channels of the pictures.
        dropout: share of the embedding that is dropped before the last layer, in training.
        drop_connect: share of residual branches that are dropped at the deepest block, in training.

    Raises:
        ValueError: MONAI knows no such network.
    """
    whole = EfficientNetBN(name, pretrained=False, spatial_dims=2, in_channels=in_channels, num_classes=1)
    for module in whole.modules():
        if hasattr(module, "_swish"):
            module._swish = nn.SiLU(inplace=True)  # MONAI's own is slower, and cannot be exported
    parts = {
        "stem_padding": whole._conv_stem_padding,
        "stem": whole._conv_stem,
        "stem_norm": whole._bn0,
        "stem_act": nn.SiLU(inplace=True),
        "blocks": whole._blocks,
        "head_padding": whole._conv_head_padding,
        "head": whole._conv_head,
        "head_norm": whole._bn1,
        "head_act": nn.SiLU(inplace=True),
    }
    scale_drop_connect(whole, drop_connect)
    features = nn.Sequential(OrderedDict(parts))
    return PictureClassifier(features, whole._conv_head.out_channels, num_classes, in_channels, dropout)


def scale_drop_connect(network: EfficientNetBN, share: float) -> None:
    """Set the share of dropped branches: none at the first block, rising evenly to ``share`` beyond the last."""
    blocks = [block for stack in network._blocks.children() for block in stack.children()]
    for index, block in enumerate(blocks):
        setattr(block, "drop_connect_rate", share * index / len(blocks))  # noqa: B010 - torch types it as a module
