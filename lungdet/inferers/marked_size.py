"""A lesion's vector with the size of its mark as one number more."""

from __future__ import annotations

import math
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from .autocast import AutocastInferer

MARK_CHANNEL = 5  # of the far view, in lungdet.transforms.LoadLesion
USUAL_MM, FACTOR = 20.0, 4.0


class MarkedSizeInferer(Inferer):
    """Call an embedding network, and append the logarithm of the mark's diameter to its vectors.

    A mark tells a lesion's size better than a network can learn to; appended, it takes part in every distance. The
    diameter is that of a circle of the area that the mark's outline encloses in the far view; the number is
    ``size_weight * log(diameter / 20 mm) / log(4)``, so marks of which one is four times as wide as the other are at
    least ``size_weight`` apart.

    Args:
        dtype: of the network, see :class:`AutocastInferer`.
        size_weight: 0 appends nothing.
        pixel_mm: of the far view.

    Raises:
        ValueError: a number is out of range, or there is no such ``dtype``.

    Example:
        >>> crops = torch.zeros(1, 6, 64, 64)
        >>> crops[0, 5, 30:34, 30:34] = 1  # 24 x 24 mm
        >>> vectors = MarkedSizeInferer(size_weight=0.5, pixel_mm=6.0)(crops, lambda crops: torch.ones(1, 2))
        >>> [round(value, 3) for value in vectors[0].tolist()]
        [1.0, 1.0, 0.109]
    """

    def __init__(self, dtype: str = "float32", size_weight: float = 0.5, pixel_mm: float = 6.0) -> None:
        super().__init__()
        if size_weight < 0 or pixel_mm <= 0:
            raise ValueError(f"wanted size_weight of 0 or more and a positive pixel_mm, got {size_weight}, {pixel_mm}")
        self.network_inferer = AutocastInferer(dtype)
        self.size_weight, self.pixel_mm = float(size_weight), float(pixel_mm)

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Return ``(B, D + 1)`` float32 for crops ``(B, 6, rows, columns)``; ``(B, D)`` without a weight."""
        vectors: Tensor = self.network_inferer(inputs, network, *args, **kwargs)
        if not self.size_weight:
            return vectors
        pixels = inputs[:, MARK_CHANNEL].float().sum(dim=(1, 2)).clamp(min=1e-3)  # a mark has some area
        diameters_mm = (4 / math.pi * pixels).sqrt() * self.pixel_mm
        sizes = self.size_weight * (diameters_mm / USUAL_MM).log() / math.log(FACTOR)
        return torch.cat([vectors, sizes[:, None].to(vectors)], dim=1)
