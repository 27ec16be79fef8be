"""What a router needs of a network: the logits, and where the picture lies among those of the training."""

from __future__ import annotations

from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor


class EmbeddingInferer(Inferer):
    """Call a picture classifier in two steps, and give back both, in float32.

    Args:
        dtype: ``"bfloat16"``, ``"float16"`` (CUDA only) or ``"float32"`` (no autocast).

    Raises:
        ValueError: ``dtype`` is none of them.
    """

    def __init__(self, dtype: str = "float32") -> None:
        super().__init__()
        if dtype not in ("bfloat16", "float16", "float32"):
            raise ValueError(f"dtype must be bfloat16, float16 or float32, got {dtype!r}")
        self.dtype = getattr(torch, dtype)

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Return ``logits`` ``(B, K)`` and ``embedding`` ``(B, D)`` of ``inputs`` ``(B, 1, rows, columns)``.

        Args:
            inputs: pictures.
            network: has ``embed`` and ``classify``, as :class:`lungdet.networks.nets.PictureClassifier`.
            args: not used.
            kwargs: not used.
        """
        with torch.autocast(inputs.device.type, dtype=self.dtype, enabled=self.dtype is not torch.float32):
            embedding = network.embed(inputs)
            logits = network.classify(embedding)
        return {"logits": logits.float(), "embedding": embedding.float()}
