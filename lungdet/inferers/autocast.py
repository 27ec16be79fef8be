"""Run a network in lower precision on any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor


class AutocastInferer(Inferer):
    """Call the network under ``torch.autocast`` of the input's own device, and give back float32.

    MONAI's trainers know ``amp=True``, but ask for CUDA's autocast whatever the device is, so that on a CPU they run in
    float32 without a word. With this as their ``inferer``, bfloat16 is real on CPUs, too.

    Args:
        dtype: ``"bfloat16"``, ``"float16"`` (CUDA only) or ``"float32"`` (no autocast).

    Raises:
        ValueError: ``dtype`` is none of them; at the call, float16 on a CPU.
    """

    def __init__(self, dtype: str = "bfloat16") -> None:
        super().__init__()
        if dtype not in ("bfloat16", "float16", "float32"):
            raise ValueError(f"dtype must be bfloat16, float16 or float32, got {dtype!r}")
        self.dtype = getattr(torch, dtype)

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return ``network(inputs)``, a tensor or a named tuple of tensors, in float32."""
        device = inputs.device.type
        if device == "cpu" and self.dtype is torch.float16:
            raise ValueError("float16 has no fast kernels on a CPU; use dtype='bfloat16'")
        with torch.autocast(device, dtype=self.dtype, enabled=self.dtype is not torch.float32):
            outputs = network(inputs, *args, **kwargs)
        if isinstance(outputs, tuple):  # a NamedTuple of tensors
            return type(outputs)(*(each.float() for each in outputs))
        return outputs.float()
