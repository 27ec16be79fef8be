"""Which weights a weight decay pulls to zero."""

from __future__ import annotations

from typing import Any

from torch import nn


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Divide parameters for an optimizer: matrices and kernels decay, biases and the scales of norms do not.

    Example:
        >>> groups = parameter_groups(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), 0.05)
        >>> [(group["weight_decay"], len(group["params"])) for group in groups]
        [(0.05, 1), (0.0, 3)]
    """
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
