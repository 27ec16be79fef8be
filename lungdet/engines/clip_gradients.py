"""Bound the gradient of each step."""

from __future__ import annotations

import math
from typing import Any

import torch
from ignite.engine import Engine
from monai.engines import IterationEvents

from .non_finite import fail_on_batch

MOST_OVERFLOWS = 10  # in a row; the scale of the loss, halved each time, is a thousandth by then


class GradientClipper:
    """Ignite handler: scale the gradient down to a norm, between the backward pass and the optimizer's step.

    Attach it to a :class:`monai.engines.SupervisedTrainer`, which has no such option. Under ``amp=True`` the gradient
    is first freed of the loss scale; a step that overflowed is then left out by the scaler, as always, but ten of them
    in a row end the training, for no scale mends a loss that gives no gradient. The norm before clipping goes to
    ``engine.state.output["gradient_norm"]``. Gradients that are summed up over several iterations are not for this
    handler.

    Args:
        max_norm: the largest Euclidean norm of all gradients together; None or infinity only measures it.

    Raises:
        ValueError: ``max_norm`` is not positive.
    """

    def __init__(self, max_norm: float | None) -> None:
        self.max_norm, self.overflows = math.inf if max_norm is None else float(max_norm), 0
        if not self.max_norm > 0:
            raise ValueError(f"max_norm must be positive, got {max_norm}")

    def attach(self, engine: Engine) -> None:
        """Act after every backward pass."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        """Clip the gradients of ``engine.network``.

        Raises:
            FloatingPointError: the norm is NaN or infinite, and no loss scale is to blame, or ten times in a row.
        """
        if engine.scaler is not None:
            engine.scaler.unscale_(engine.optimizer)
        norm = float(torch.nn.utils.clip_grad_norm_(engine.network.parameters(), self.max_norm))
        self.overflows = 0 if math.isfinite(norm) else self.overflows + 1
        if self.overflows and engine.scaler is None:
            fail_on_batch(engine, f"the norm of the gradient is {norm}")
        if self.overflows >= MOST_OVERFLOWS:
            fail_on_batch(engine, f"the norm of the gradient is {norm}, not finite {self.overflows} times in a row,")
        engine.state.output["gradient_norm"] = norm
