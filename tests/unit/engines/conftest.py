"""A trainer small enough to be run hundreds of times."""

from typing import Any

import pytest
import torch
from monai.data.utils import no_collation
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from torch import Tensor, nn


class Parts(nn.Module):
    """A loss that knows its parts."""

    def forward(self, outputs: Tensor, targets: Any) -> Tensor:
        loss = (outputs - 1).square().mean()
        self.latest_parts = {"center": loss.detach()}
        return loss


def prepare(batch: list[dict], device: Any, non_blocking: bool) -> tuple[Tensor, list]:
    return torch.stack([item["image"] for item in batch]), []


@pytest.fixture
def make_trainer():
    """Make a trainer of a linear layer over ``values``, one item a value, two items a batch."""

    def make(handlers=(), values=(1.0, 2.0, 3.0, 4.0), epochs: int = 1, learning_rate: float = 0.01, **options: Any):
        torch.manual_seed(0)
        network = options.pop("network", None) or nn.Linear(1, 1)
        items = [{"seed": number, "image": torch.tensor([value])} for number, value in enumerate(values)]
        return SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=epochs,
            train_data_loader=torch.utils.data.DataLoader(items, batch_size=2, collate_fn=no_collation),
            network=network,
            optimizer=options.pop("optimizer", None) or torch.optim.SGD(network.parameters(), lr=learning_rate),
            loss_function=Parts(),
            prepare_batch=prepare,
            train_handlers=list(handlers),
            decollate=False,
            **options,
        )

    return make


@pytest.fixture
def make_evaluator():
    """Make an evaluator whose key metric, ``cpm``, is read from a list, one value for each run."""
    from ignite.metrics import Metric

    class Scripted(Metric):
        def __init__(self, scores: list[float]) -> None:
            self.scores = scores
            super().__init__()

        def reset(self) -> None:
            pass

        def update(self, output: Any) -> None:
            pass

        def compute(self) -> float:
            return self.scores.pop(0)

    def make(scores: list[float], network: nn.Module | None = None, **options: Any):
        return SupervisedEvaluator(
            device=torch.device("cpu"),
            val_data_loader=torch.utils.data.DataLoader(
                [{"image": torch.zeros(1), "label": torch.zeros(1)}], batch_size=1
            ),
            network=network or nn.Linear(1, 1),
            key_val_metric={"cpm": Scripted(list(scores))},
            **options,
        )

    return make
