"""What a training shows of itself at every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from ignite.engine import Engine
from ignite.handlers import ProgressBar


def training_scalars(
    loss_function: Any = None, optimizer: torch.optim.Optimizer | None = None
) -> Callable[[Mapping[str, Any]], dict[str, float]]:
    """Make the ``output_transform`` of ``TensorBoardStatsHandler`` for a trainer.

    Args:
        loss_function: its ``latest_parts``, a mapping of names to numbers, are shown if it has them.
        optimizer: its learning rate is shown.

    Returns:
        A function of the trainer's output that gives tags and numbers.

    Example:
        >>> training_scalars()({"loss": torch.tensor(0.5), "gradient_norm": 2.0})
        {'train/loss': 0.5, 'train/gradient_norm': 2.0}
    """

    def read(output: Mapping[str, Any]) -> dict[str, float]:
        scalars = {"train/loss": float(output["loss"].detach())}
        for name, value in getattr(loss_function, "latest_parts", {}).items():
            scalars[f"train/loss_{name}"] = float(value)
        if "gradient_norm" in output:
            scalars["train/gradient_norm"] = float(output["gradient_norm"])
        if optimizer is not None:
            scalars["train/learning_rate"] = float(optimizer.param_groups[0]["lr"])
        return scalars

    return read


class TrainingProgress(ProgressBar):
    """Ignite's progress bar with the loss at its end; silent where nobody looks at a terminal.

    Args:
        kwargs: see ``ignite.handlers.ProgressBar``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"disable": None, **kwargs})  # to tqdm, None means: unless on a terminal

    def attach(self, engine: Engine, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Attach it, with the loss of the trainer's output."""
        super().attach(engine, output_transform=lambda output: {"loss": float(output["loss"].detach())})
