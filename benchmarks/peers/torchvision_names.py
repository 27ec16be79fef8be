"""The four things that MONAI's RetinaNet takes from torchvision, for machines where torchvision cannot be used.

Written from what their documentation promises and from how MONAI uses them. Where torchvision works, its own are used.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import torch
from torch import Tensor, nn


class IntermediateLayerGetter(nn.ModuleDict):
    """Run the children of a module one after the other and give back what some of them say.

    Args:
        model: its children must be called in the order in which they were registered.
        return_layers: names of children, and the name that each one's output is to have. Children after the last of
            them are dropped.
    """

    def __init__(self, model: nn.Module, return_layers: Mapping[str, str]) -> None:
        children = dict(model.named_children())
        missing = sorted(set(return_layers) - set(children))
        if missing:
            raise ValueError(f"return_layers names {missing}, but the model has {sorted(children)}")
        last = max(list(children).index(name) for name in return_layers)
        super().__init__(dict(list(children.items())[: last + 1]))
        self.return_layers = dict(return_layers)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Return the outputs asked for by their new names."""
        outputs: OrderedDict[str, Tensor] = OrderedDict()
        for name, child in self.items():
            x = child(x)
            if name in self.return_layers:
                outputs[self.return_layers[name]] = x
        return outputs


class Matcher:
    """Give each anchor the box that it overlaps most, or none.

    Args:
        high_threshold: from this overlap on, an anchor belongs to the box.
        low_threshold: below it, it belongs to none; between the two it does not count.
        allow_low_quality_matches: each box also gets the anchors that overlap it most, however little.
    """

    BELOW_LOW_THRESHOLD = -1
    BETWEEN_THRESHOLDS = -2

    def __init__(self, high_threshold: float, low_threshold: float, allow_low_quality_matches: bool = False) -> None:
        if low_threshold > high_threshold:
            raise ValueError(f"low_threshold {low_threshold} is above high_threshold {high_threshold}")
        self.high_threshold, self.low_threshold = high_threshold, low_threshold
        self.allow_low_quality_matches = allow_low_quality_matches

    def __call__(self, match_quality_matrix: Tensor) -> Tensor:
        """Map overlaps ``(boxes, anchors)`` to the index of a box for each anchor, or one of the two constants."""
        if match_quality_matrix.numel() == 0:
            raise ValueError("there are no boxes or no anchors to match")
        best, index = match_quality_matrix.max(dim=0)
        matches = index.clone()
        matches[best < self.high_threshold] = self.BETWEEN_THRESHOLDS
        matches[best < self.low_threshold] = self.BELOW_LOW_THRESHOLD
        if self.allow_low_quality_matches:
            best_of_box = match_quality_matrix.max(dim=1, keepdim=True).values
            rescued = (match_quality_matrix == best_of_box).any(dim=0)
            matches[rescued] = index[rescued]
        return matches


class BalancedPositiveNegativeSampler:
    """Draw anchors at random so that a fixed part of them, if there are enough, is positive.

    Args:
        batch_size_per_image: how many are drawn.
        positive_fraction: part of them that is positive at most.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float) -> None:
        self.batch_size_per_image, self.positive_fraction = batch_size_per_image, positive_fraction

    def __call__(self, matched_idxs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the positives and the negatives drawn; labels are -1 to ignore, 0 negative, 1 and above positive."""
        positive, negative = [], []
        for labels in matched_idxs:
            drawn = self._draw(labels >= 1, int(self.batch_size_per_image * self.positive_fraction))
            positive.append(drawn)
            negative.append(self._draw(labels == 0, self.batch_size_per_image - int(drawn.sum())))
        return positive, negative

    @staticmethod
    def _draw(candidates: Tensor, count: int) -> Tensor:
        index = candidates.nonzero().flatten()
        index = index[torch.randperm(len(index), device=index.device)[:count]]
        mask = torch.zeros_like(candidates, dtype=torch.uint8)
        mask[index] = 1
        return mask


def validate_trainable_layers(
    is_trained: bool, trainable_backbone_layers: int | None, max_value: int, default_value: int
) -> int:
    """How many layers of a backbone learn: all where it is untrained, else as asked, else the default."""
    if not is_trained:
        return max_value
    chosen = default_value if trainable_backbone_layers is None else trainable_backbone_layers
    if not 0 <= chosen <= max_value:
        raise ValueError(f"trainable_backbone_layers must be in [0, {max_value}], got {chosen}")
    return chosen


def give_torchvision_names() -> str:
    """Put these into MONAI's modules unless torchvision itself can be imported; say which of the two is in use."""
    try:
        import torchvision.models.detection  # noqa: F401
    except (ImportError, RuntimeError):  # a build that does not fit torch raises RuntimeError
        pass
    else:
        return "torchvision"
    from monai.apps.detection.networks import retinanet_detector, retinanet_network
    from monai.networks.blocks import backbone_fpn_utils

    retinanet_network._validate_trainable_layers = validate_trainable_layers
    retinanet_detector.Matcher = Matcher
    retinanet_detector.BalancedPositiveNegativeSampler = BalancedPositiveNegativeSampler
    backbone_fpn_utils.torchvision_models = SimpleNamespace(
        _utils=SimpleNamespace(IntermediateLayerGetter=IntermediateLayerGetter)
    )
    return "stand-in"
