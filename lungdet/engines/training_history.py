"""A table of a training, a row for each epoch."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events

from lungdet.reports import write_files

from .training_scalars import training_scalars

Row = dict[str, str]


class TrainingHistory:
    """Ignite handler of a trainer: ``history.csv`` with the means of each epoch's losses, and the validation's scores.

    Columns are ``epoch``, ``train_loss``, its parts as ``train_loss_<part>``, ``gradient_norm``, ``learning_rate`` at
    the epoch's end, ``seconds`` and the evaluator's metrics, such as ``cpm``, empty where there was no validation. The
    first process writes; losses are those of its own batches. A training that goes on keeps the rows of the epochs
    before. Attach it after the validation's handler, and before :class:`TrainingState`.

    Args:
        path: the file; replaced atomically after each epoch.
        loss_function: see :func:`training_scalars`.
        optimizer: likewise.
        evaluator: the validation's evaluator; None if there is none.
    """

    def __init__(
        self, path: str | Path, loss_function: Any = None, optimizer: Any = None, evaluator: Engine | None = None
    ) -> None:
        self.path, self.evaluator = Path(path), evaluator
        self.scalars = training_scalars(loss_function, optimizer)
        self._rows: list[Row] | None = None
        self._sums: dict[str, float] = {}
        self._latest: dict[str, float] = {}
        self._count, self._since = 0, time.monotonic()

    def attach(self, engine: Engine) -> None:
        """Sum up every iteration, and write when an epoch ends."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.add)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.write)

    def add(self, engine: Engine) -> None:
        """Add the losses of an iteration."""
        output: Any = engine.state.output
        self._latest = self.scalars(output)
        for name, value in self._latest.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def write(self, engine: Engine) -> None:
        """Write the rows up to the epoch of ``engine``."""
        if idist.get_rank() != 0:
            return
        epoch = int(engine.state.epoch)
        if self._rows is None:
            self._rows = [row for row in read_rows(self.path) if int(row["epoch"]) < epoch]
        self._rows.append({"epoch": str(epoch), **{name: f"{value:.6g}" for name, value in self._row(epoch).items()}})
        write_files(self.path.parent, {self.path.name: rows_to_csv(self._rows).encode()})

    def _start_epoch(self) -> None:
        self._sums, self._latest = {}, {}
        self._count, self._since = 0, time.monotonic()

    def _row(self, epoch: int) -> dict[str, float]:
        means = {_column(name): value / self._count for name, value in self._sums.items()}
        if "train/learning_rate" in self._latest:
            means["learning_rate"] = self._latest["train/learning_rate"]
        metrics: dict[str, Any] = {}
        if self.evaluator is not None and self.evaluator.state.epoch == epoch:  # it has seen the weights of this epoch
            metrics = self.evaluator.state.metrics
        scores = {name: float(value) for name, value in metrics.items() if not math.isnan(float(value))}
        return {**means, "seconds": time.monotonic() - self._since, **scores}


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a history; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def rows_to_csv(rows: list[Row]) -> str:
    r"""Write rows as CSV; a row without some column has an empty cell there.

    Example:
        >>> rows_to_csv([{"epoch": "1", "train_loss": "2"}, {"epoch": "2", "train_loss": "1", "cpm": "0.5"}])
        'epoch,train_loss,cpm\n1,2,\n2,1,0.5\n'
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _column(tag: str) -> str:
    """Name the column of a TensorBoard tag.

    Example:
        >>> _column("train/loss_center"), _column("train/gradient_norm")
        ('train_loss_center', 'gradient_norm')
    """
    name = tag.removeprefix("train/")
    return f"train_{name}" if name.startswith("loss") else name
