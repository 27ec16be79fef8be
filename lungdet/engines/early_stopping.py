"""Stop a training that no longer gets better."""

from __future__ import annotations

import logging
from typing import Any

from ignite.engine import Engine, Events

logger = logging.getLogger(__name__)


class StopWhenStale:
    """Ignite handler of a trainer: end it when so many epochs have passed since the best validation.

    It asks the evaluator for the epoch of its best score, and keeps no count of its own, so it goes on rightly when a
    training does; ``monai.handlers.EarlyStopHandler`` would start to count anew. In a distributed run all processes
    know the same score and stop together. Attach it after the validation's handler.

    Args:
        evaluator: the validation's evaluator, with a key metric.
        patience: epochs without a better score; None never stops.

    Raises:
        ValueError: ``patience`` is not positive.
    """

    def __init__(self, evaluator: Engine, patience: int | None) -> None:
        if patience is not None and patience < 1:
            raise ValueError(f"patience must be at least 1 epoch, or None, got {patience}")
        self.evaluator, self.patience = evaluator, patience

    def attach(self, engine: Engine) -> None:
        """Look when an epoch ends."""
        if self.patience is not None:
            engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Stop ``engine`` if the best score is too old."""
        state: Any = self.evaluator.state
        if self.patience is None or state.best_metric_epoch == -1:
            return
        if engine.state.epoch - state.best_metric_epoch >= self.patience:
            logger.info("no better score since epoch %d: stopping", state.best_metric_epoch)
            engine.terminate()
