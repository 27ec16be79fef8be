"""Go on with a training that was stopped, as if it never had been."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn

from .save_model import save_atomically, unwrapped

logger = logging.getLogger(__name__)
FORMAT = "lungdet-training/1"
LENGTHS = ("epoch", "iteration", "max_epochs", "epoch_length")


class TrainingState:
    """Ignite handler of a trainer: write ``last.pt`` after each epoch, and start from it if asked to.

    The file holds the weights, the state of the optimizer, the learning rate's schedule and the loss scale, the epoch,
    and the best validation so far. It is replaced atomically, by the first process only, so that a training may be
    killed at any time. Random generators are not in it: see :class:`SeedEpochs` and :class:`SeededCacheDataset`.

    Attach it after all handlers that act at the end of an epoch.

    Args:
        path: the file.
        network: perhaps wrapped in ``DistributedDataParallel``; a state goes on with or without.
        optimizer: of the network.
        lr_scheduler: of the optimizer; None if there is none.
        evaluator: the validation's evaluator, which knows the best score; None if there is none.
        resume: start from the file, or from the beginning where there is none yet. ``"true"`` and ``"false"``, as they
            come from a command line, are understood.
        extras: more that has ``state_dict`` and ``load_state_dict``, by a name of its own, such as averaged weights.

    Raises:
        ValueError: ``resume`` is neither true nor false, or the name of an extra is taken.
    """

    def __init__(
        self,
        path: str | Path,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        lr_scheduler: Any = None,
        evaluator: Engine | None = None,
        resume: bool | str = False,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        self.path, self.network, self.evaluator = Path(path), network, evaluator
        self.stateful: dict[str, Any] = {"optimizer": optimizer}
        if lr_scheduler is not None:
            self.stateful["lr_scheduler"] = lr_scheduler
        taken = {"format", "network", "scaler", "best", "optimizer", "lr_scheduler", *LENGTHS} & set(extras or {})
        if taken:
            raise ValueError(f"{', '.join(sorted(taken))}: give the extra another name, this one is taken")
        self.stateful |= extras or {}
        if str(resume).lower() not in ("true", "false"):
            raise ValueError(f"resume must be true or false, got {resume!r}")
        self.resume = str(resume).lower() == "true"

    def attach(self, engine: Engine) -> None:
        """Restore when the training starts, and save when an epoch ends."""
        engine.add_event_handler(Events.STARTED, self.restore)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def save(self, engine: Any) -> None:
        """Write the state of ``engine`` and of all that it trains."""
        if idist.get_rank() != 0:
            return
        content = {
            "format": FORMAT,
            **{name: int(getattr(engine.state, name)) for name in LENGTHS},
            "network": unwrapped(self.network).state_dict(),
            "scaler": None if engine.scaler is None else engine.scaler.state_dict(),
            "best": self._best(),
            **{name: item.state_dict() for name, item in self.stateful.items()},
        }
        save_atomically(self.path, content)

    def restore(self, engine: Any) -> None:
        """Bring everything to where the file says.

        Raises:
            ValueError: the file is none, or of a training of another length, for which the schedule would be wrong.
        """
        if not self.path.is_file():
            if self.resume:
                logger.info("%s: not there yet, starting from the beginning", self.path)
            return
        if not self.resume:
            logger.warning("%s: of an earlier training, will be replaced; resume=true goes on with it", self.path)
            return
        content = torch.load(self.path, map_location=engine.state.device, weights_only=True)
        self._check(content, engine)
        load_weights_as_stored(unwrapped(self.network), content["network"])
        for name, item in self.stateful.items():
            item.load_state_dict(content[name])
        if engine.scaler is not None and content["scaler"] is not None:
            engine.scaler.load_state_dict(content["scaler"])
        engine.state.epoch, engine.state.iteration = content["epoch"], content["iteration"]
        if self.evaluator is not None and content["best"] is not None:
            state: Any = self.evaluator.state
            state.best_metric, state.best_metric_epoch = content["best"]["score"], content["best"]["epoch"]
        logger.info("%s: going on after epoch %d of %d", self.path, content["epoch"], content["max_epochs"])

    def _best(self) -> dict[str, float] | None:
        state: Any = None if self.evaluator is None else self.evaluator.state
        if state is None or state.best_metric_epoch == -1:
            return None
        return {"score": float(state.best_metric), "epoch": int(state.best_metric_epoch)}

    def _check(self, content: Any, engine: Any) -> None:
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"{self.path}: no state of a training ({FORMAT}) that could go on")
        missing = sorted(set(self.stateful) - set(content))
        if missing:
            raise ValueError(f"{self.path}: holds no {', '.join(missing)}; give the same settings, or start anew")
        for name, what in (("max_epochs", "epochs"), ("epoch_length", "steps an epoch")):
            stored, now = content[name], getattr(engine.state, name)
            if stored != now:
                raise ValueError(
                    f"{self.path}: of a training of {stored} {what}, this one has {now}, and the schedule of its "
                    "learning rate would not fit; give the same settings, or start anew without resume"
                )


def load_weights_as_stored(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load a state dictionary, and lay the parameters out in memory as they were when it was made.

    ``load_state_dict`` keeps the layout of the network. Convolutions round differently in ``channels_last``, to which
    an inferer may have turned the network during the training, so its continuation would differ in the last digits.
    """
    network.load_state_dict(weights)
    for name, parameter in network.named_parameters():
        if parameter.stride() != weights[name].stride():
            parameter.data = weights[name].to(parameter)
