"""Weights on disk: the best of a training, and files that are whole or not there."""

from __future__ import annotations

import copy
import hashlib
import io
import logging
import math
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch import Tensor, nn

from lungdet.reports import write_files

logger = logging.getLogger(__name__)


def better_score(new: float, best: float) -> bool:
    """Tell whether a score replaces the best one: of equals the later wins, and NaN never does.

    For ``metric_cmp_fn`` of MONAI's evaluators. A CPM is NaN where no scan has a nodule.

    Example:
        >>> better_score(0.5, 0.5), better_score(0.4, 0.5), better_score(0.0, float("nan")), better_score(math.nan, 0.5)
        (True, False, True, False)
    """
    return new >= best or math.isnan(best)


class BestModelSaver:
    """Ignite handler of a trainer: keep the weights of the best validation, atomically, from the first process only.

    The file is a plain state dictionary on the CPU, without what ``DistributedDataParallel`` adds to its names. A
    training that was never validated leaves its last weights.

    Args:
        network: whose weights are saved.
        path: the file, such as ``runs/model.pt``.
        evaluator: the validation's :class:`monai.engines.SupervisedEvaluator`, with a key metric.
        matrix_dtype: of the saved weights with two dimensions or more; None keeps theirs. Inference in bfloat16 casts
            convolutions and matrices anyway, so ``torch.bfloat16`` halves the file and changes none of its answers.
    """

    def __init__(
        self, network: nn.Module, path: str | Path, evaluator: Engine, matrix_dtype: torch.dtype | None = None
    ) -> None:
        self.network, self.path, self.evaluator, self.matrix_dtype = network, Path(path), evaluator, matrix_dtype

    def attach(self, engine: Engine) -> None:
        """Look after every validation, and at the end of the training."""
        self.evaluator.add_event_handler(Events.COMPLETED, self.save_if_best)
        engine.add_event_handler(Events.COMPLETED, self.save_if_none)

    def save_if_best(self, engine: Any) -> None:
        """Save if the validation that ends here was the best."""
        if engine.state.best_metric_epoch == engine.state.epoch:
            self._save()
            name = engine.state.key_metric_name
            logger.info("best %s so far, %.4f: %s", name, engine.state.best_metric, self.path)

    def save_if_none(self, engine: Engine) -> None:
        """Save the last weights if there was no validation."""
        best_epoch = getattr(self.evaluator.state, "best_metric_epoch", -1)
        if best_epoch == -1:
            self._save()

    def _save(self) -> None:
        if idist.get_rank() == 0:
            save_atomically(self.path, plain_weights(self.network, self.matrix_dtype))


def plain_weights(network: nn.Module, matrix_dtype: torch.dtype | None = None) -> dict[str, Tensor]:
    """Return the state dictionary of a network, or of what ``DistributedDataParallel`` wraps, on the CPU.

    Args:
        network: whose weights.
        matrix_dtype: what floats with two dimensions or more are cast to; None keeps all as they are.
    """
    weights: dict[str, Tensor] = unwrapped(network).state_dict()
    plain = {name: value.detach().cpu() for name, value in weights.items()}
    if matrix_dtype is None:
        return plain
    narrow = (name for name, value in plain.items() if value.ndim >= 2 and value.is_floating_point())
    return {**plain, **{name: plain[name].to(matrix_dtype) for name in narrow}}


def unwrapped(network: nn.Module) -> nn.Module:
    """Return the network without its ``DistributedDataParallel``."""
    return network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network


def saved_copy(network: nn.Module, path: str | Path, device: torch.device) -> tuple[nn.Module, str]:
    """Copy a network with the weights of a file, ready to answer, and return the file's SHA-256 beside it.

    Args:
        network: any state, which stays.
        path: of a state dictionary.
        device: where the copy works.

    Raises:
        ValueError: the weights do not fit the network.
        OSError: they cannot be read.
    """
    content = Path(path).read_bytes()
    copied = copy.deepcopy(unwrapped(network))
    try:
        copied.load_state_dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    except RuntimeError as error:
        raise ValueError(f"{path}: weights of another network: {error}") from error
    return copied.to(device).eval(), hashlib.sha256(content).hexdigest()


def save_atomically(path: str | Path, content: Any) -> None:
    """Write what ``torch.save`` can, under a temporary name first: a reader sees the old file or the new one.

    Raises:
        OSError: the disk refused; the old file is untouched.
    """
    stream = io.BytesIO()
    torch.save(content, stream)
    write_files(Path(path).parent, {Path(path).name: stream.getvalue()})
