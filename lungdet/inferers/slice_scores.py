"""Score the slices of a CT with a body-part regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.inferers import Inferer
from numpy.typing import NDArray
from torch import Tensor, nn

from lungdet.geometry.axial_slices import axial_slices
from lungdet.geometry.hounsfield import scale_hu
from lungdet.records import CTVolume

from .autocast import AutocastInferer


def score_slices(
    network: nn.Module,
    volume: CTVolume,
    *,
    side: int = 128,
    pixel_mm: float | None = 3.5,
    centred: bool = True,
    masked: bool = False,
    mirrored: bool = False,
    low_hu: float = -1000.0,
    high_hu: float = 600.0,
    batch_size: int = 32,
    dtype: str = "float32",
    device: str | torch.device | None = None,
) -> NDArray[np.float64]:
    """Score every slice of a volume by itself: no slice knows of its neighbours, so any choice of them will do.

    Args:
        network: a :class:`lungdet.networks.nets.BodyPartRegressor`, ready for evaluation.
        volume: its axes may be permuted and turned.
        side: see :class:`lungdet.transforms.AxialSlices`; these must be as in the training.
        pixel_mm: see there.
        centred: see there.
        masked: see there.
        mirrored: score each slice as it is and mirrored, and take the mean: less noise for twice the work.
        low_hu: becomes 0.
        high_hu: becomes 1.
        batch_size: slices at once.
        dtype: see :class:`AutocastInferer`.
        device: where the network is; asked of its parameters if None.

    Returns:
        ``(Z,)`` raw scores, rising towards the feet, in the order of the volume's own axis along the body: the last
        one where its slices are axial.

    Raises:
        ValueError: no axis of the volume runs along the body.
    """
    found = axial_slices(volume.array, volume.affine_lps, side, pixel_mm, centred, masked)
    target = next(network.parameters()).device if device is None else torch.device(device)
    infer, scores = AutocastInferer(dtype), []
    with torch.no_grad():
        for part in scale_hu(found.images, low_hu, high_hu).split(batch_size):
            scores.append(_scored(part.to(target), network, infer, mirrored).cpu()[:, 0])
    raw = np.empty(len(found.slice_index))
    if scores:
        raw[found.slice_index] = torch.cat(scores).double().numpy()
    return raw


class SliceScorer:
    """:func:`score_slices` with the settings of a bundle.

    Args:
        settings: see :func:`score_slices`.

    Raises:
        ValueError: the window does not rise, or a size is not positive.
    """

    def __init__(self, **settings: Any) -> None:
        low, high = settings.get("low_hu", -1000.0), settings.get("high_hu", 600.0)
        if not low < high or min(settings.get("side", 128), settings.get("batch_size", 32)) < 1:
            raise ValueError(f"the window must rise, and sizes be positive, got {settings}")
        self.settings = settings

    def __call__(self, network: nn.Module, volume: CTVolume) -> NDArray[np.float64]:
        """Return ``(Z,)`` raw scores of ``volume``."""
        return score_slices(network, volume, **self.settings)


class StackInferer(Inferer):
    """Score stacks of slices with a network that takes slices.

    Args:
        dtype: see :class:`AutocastInferer`.
        most: slices at once; None for all, as a training needs.
        mirrored: see :func:`score_slices`.
    """

    def __init__(self, dtype: str = "float32", most: int | None = None, mirrored: bool = False) -> None:
        super().__init__()
        self.infer, self.most, self.mirrored = AutocastInferer(dtype), most, mirrored

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Return scores ``(B, M)`` of ``inputs`` ``(B, M, 1, rows, columns)``."""
        flat = inputs.flatten(0, 1)
        parts = [flat] if self.most is None else flat.split(self.most)
        scores = torch.cat([_scored(part, network, self.infer, self.mirrored) for part in parts])
        return scores.reshape(inputs.shape[:2])


def _scored(slices: Tensor, network: Any, infer: AutocastInferer, mirrored: bool) -> Tensor:
    """Scores ``(B, 1)`` of slices ``(B, 1, rows, columns)``."""
    scores: Tensor = infer(slices, network)
    return (scores + infer(slices.flip(3), network)) / 2 if mirrored else scores
