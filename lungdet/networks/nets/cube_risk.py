"""A nodule classifier and the pooling of its answers in one network, trained through to the voxels."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .nodule_classifier import NoduleClassifier
from .picture_weights import read_weights
from .scan_risk import PRESENT, ScanRisk

SIDE = 48


class CubeRisk(nn.Module):
    """Judge a scan by the cubes of its candidates: :class:`ScanRisk` over what a classifier says of each.

    Where :class:`ScanRisk` takes features that a frozen classifier gave once, this one takes voxels, so the classifier
    learns, too. Its batch norms keep what they have counted: the few cubes of a step would spoil it.

    Args:
        classifier: which may have weights already.
        pooled_by: file of weights of a :class:`ScanRisk` with these settings, which was trained on this classifier's
            answers; empty starts the pooling afresh.
        settings: of :class:`ScanRisk`, all but its ``features``.

    Attributes:
        in_channels: 48 x 48 x 48 voxels, the detector's logit, and presence.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no weights, or those of another network.

    Example:
        >>> network = CubeRisk(NoduleClassifier(settings={"block_config": (1, 1)})).eval()
        >>> network.in_channels, tuple(network(torch.zeros(1, 3, network.in_channels)).shape)
        (110594, (1, 1))
    """

    def __init__(self, classifier: NoduleClassifier, pooled_by: str | PathLike[str] = "", **settings: Any) -> None:
        super().__init__()
        self.classifier = classifier
        self.answers: int = classifier.heads[-1].out_features  # type: ignore[assignment]
        self.risk = ScanRisk(classifier.embed_channels + self.answers, **settings)
        if pooled_by:
            self._go_on_from(pooled_by)
        self.in_channels = SIDE**3 + 2

    def _go_on_from(self, path: str | PathLike[str]) -> None:
        try:
            self.risk.load_state_dict(read_weights(path))
        except RuntimeError as error:
            raise ValueError(f"{Path(path)}: weights of another network than this pooling: {error}") from error

    def train(self, mode: bool = True) -> CubeRisk:
        """Train all but the counting of the classifier's batch norms."""
        super().train(mode)
        for module in self.classifier.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, candidates: Tensor) -> Tensor:
        """Judge scans.

        Args:
            candidates: ``(B, K, 48 ** 3 + 2)``: cubes in [0, 1], flat, the detector's logit, and 1 for a candidate or 0
                for an empty place, which is not looked at.

        Returns:
            ``(B, 1)`` float32 logits.

        Raises:
            ValueError: the shape is not as above.
        """
        if candidates.ndim != 3 or candidates.shape[2] != self.in_channels:
            raise ValueError(f"wanted (B, K, {self.in_channels}) packed cubes, got {tuple(candidates.shape)}")
        present = candidates[..., PRESENT] > 0.5
        cubes = candidates[..., : SIDE**3][present].unflatten(1, (1, SIDE, SIDE, SIDE))
        features = self.describe(cubes)
        packed = candidates.new_zeros(*candidates.shape[:2], features.shape[1])
        packed = packed.masked_scatter(present[..., None].expand_as(packed), features)
        logits: Tensor = self.risk(torch.cat([packed, candidates[..., SIDE**3 :]], dim=-1))
        return logits

    def describe(self, cubes: Tensor) -> Tensor:
        """Return features ``(N, F)`` float32 of cubes ``(N, 1, 48, 48, 48)``: the vector, then the answers."""
        if not len(cubes):
            return cubes.new_zeros(0, self.classifier.embed_channels + self.answers)
        vectors = self.classifier.embed(cubes)
        return torch.cat([vectors, self.classifier.answer(vectors)], dim=1).float()
