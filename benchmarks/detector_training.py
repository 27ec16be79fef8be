"""Train anything for a given number of seconds, with a schedule that always comes to its end."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from detector_machine import clock
from detector_patches import Batch
from torch import Tensor, nn

RESOLUTION = 1000  # steps into which the schedule cuts the budget
CLIP_NORM = 5.0


@dataclass
class TrainingLog:
    """What a training did with its time.

    Attributes:
        losses: of each step.
        seconds: of the whole loop, with the making of patches.
        data_seconds: of the making of patches alone.
        patches: how many were seen.
    """

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    data_seconds: float = 0.0
    patches: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers for the file of results."""
        tenth = max(1, len(self.losses) // 10)
        return {
            "steps": len(self.losses),
            "patches": self.patches,
            "seconds": self.seconds,
            "data_seconds": self.data_seconds,
            "loss_first_tenth": statistics.mean(self.losses[:tenth]) if self.losses else None,
            "loss_last_tenth": statistics.mean(self.losses[-tenth:]) if self.losses else None,
        }


def train(
    loss_of: Callable[[Tensor, list[dict[str, Tensor]]], Tensor],
    parameters: Sequence[nn.Parameter],
    batches: Iterable[Batch],
    seconds: float,
    learning_rate: float,
    device: torch.device | str = "cpu",
    report_every: float = 60.0,
) -> TrainingLog:
    """Train with AdamW and one cycle of the learning rate, which follows the seconds spent and not the steps.

    So a slow network sees fewer patches than a fast one, but both end with a finished schedule.

    Args:
        loss_of: the loss of a batch, ready for ``backward``.
        parameters: what learns.
        batches: endless.
        seconds: CPU seconds of the loop, the making of patches included; on a GPU seconds of the wall.
        learning_rate: at the top of the cycle.
        device: where batches go.
        report_every: seconds between lines on the screen.

    Raises:
        FloatingPointError: the loss is not finite.
    """
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=RESOLUTION, pct_start=0.2)
    now, log, reported = clock(device), TrainingLog(), 0.0
    start, source = now(), iter(batches)
    while (spent := now() - start) < seconds:
        _advance(cycle, spent / seconds)
        images, targets = next(source)
        images = images.to(device)
        targets = [{key: value.to(device) for key, value in target.items()} for target in targets]
        log.data_seconds += now() - start - spent
        optimizer.zero_grad()
        loss = loss_of(images, targets)
        if not math.isfinite(value := float(loss.detach())):
            raise FloatingPointError(f"the loss of step {len(log.losses)} is {value}")
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        optimizer.step()
        log.losses.append(value)
        log.patches += len(images)
        if spent - reported > report_every:
            reported = spent
            print(
                f"  {spent:6.0f} s  {log.patches:7} patches  loss {statistics.mean(log.losses[-20:]):.3f}", flush=True
            )
    log.seconds = now() - start
    return log


def _advance(cycle: Any, fraction: float) -> None:
    while cycle.last_epoch < min(int(fraction * RESOLUTION), RESOLUTION - 1):
        cycle.optimizer._opt_called = True  # torch warns of a schedule that runs ahead of the optimizer; it may here
        cycle.step()
