import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.handlers import LrScheduleHandler, ValidationHandler
from torch import nn

from lungdet.engines import SeedEpochs, TrainingState, better_score
from lungdet.engines.training_state import load_weights_as_stored


class Stop(RuntimeError):
    """The power went out."""


class StopAfter:
    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def attach(self, engine: Any) -> None:
        engine.add_event_handler("EPOCH_STARTED", self)

    def __call__(self, engine: Any) -> None:
        if engine.state.epoch > self.epoch:
            raise Stop


class Dropped(nn.Module):
    """Draws from the global generator."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(1, 16), nn.Dropout(0.5), nn.Linear(16, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def train(
    path: Path, make_trainer, make_evaluator, scores, stop_after: int = 99, resume: Any = False, epochs: int = 4
) -> Any:
    torch.manual_seed(0)
    network = Dropped()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=epochs, steps_per_epoch=2)
    evaluator = make_evaluator(scores, metric_cmp_fn=better_score)
    handlers = [
        SeedEpochs(7),
        LrScheduleHandler(scheduler, print_lr=False, epoch_level=False),
        ValidationHandler(1, evaluator),
        TrainingState(path, network, optimizer, scheduler, evaluator, resume),
        StopAfter(stop_after),
    ]
    trainer = make_trainer(handlers, epochs=epochs, network=network, optimizer=optimizer)
    if stop_after < epochs:
        with pytest.raises(Stop):
            trainer.run()
    else:
        trainer.run()
    return trainer, evaluator


def test_a_stopped_training_ends_as_one_that_was_not(tmp_path: Path, make_trainer, make_evaluator):
    scores = [0.1, 0.4, 0.3, 0.2]
    whole, _ = train(tmp_path / "whole.pt", make_trainer, make_evaluator, scores)
    train(tmp_path / "last.pt", make_trainer, make_evaluator, scores, stop_after=2)
    resumed, evaluator = train(tmp_path / "last.pt", make_trainer, make_evaluator, scores[2:], resume="true")
    assert resumed.state.iteration == whole.state.iteration == 8
    assert (evaluator.state.best_metric, evaluator.state.best_metric_epoch) == (0.4, 2)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    files = [torch.load(tmp_path / name, weights_only=True) for name in ("whole.pt", "last.pt")]
    assert files[0]["lr_scheduler"] == files[1]["lr_scheduler"]
    assert files[0]["best"] == files[1]["best"] == {"score": 0.4, "epoch": 2}


def test_a_finished_training_stays_finished(tmp_path: Path, make_trainer, make_evaluator):
    scores = [0.1, 0.4, 0.3, 0.2]
    whole, _ = train(tmp_path / "last.pt", make_trainer, make_evaluator, scores)
    again, _ = train(tmp_path / "last.pt", make_trainer, make_evaluator, [], resume=True)
    assert again.state.iteration == whole.state.iteration
    assert torch.equal(again.network.layers[0].weight, whole.network.layers[0].weight)


def test_without_a_file_it_starts_from_the_beginning(tmp_path: Path, make_trainer, make_evaluator):
    trainer, _ = train(tmp_path / "new" / "last.pt", make_trainer, make_evaluator, [0.1, 0.2, 0.3, 0.4], resume=True)
    assert trainer.state.epoch == 4
    assert (tmp_path / "new" / "last.pt").is_file()


def test_a_file_that_is_not_asked_for_is_replaced_with_a_warning(
    tmp_path: Path, make_trainer, make_evaluator, caplog: pytest.LogCaptureFixture
):
    train(tmp_path / "last.pt", make_trainer, make_evaluator, [0.1, 0.2, 0.3, 0.4])
    with caplog.at_level(logging.WARNING):
        trainer, _ = train(tmp_path / "last.pt", make_trainer, make_evaluator, [0.1, 0.2, 0.3, 0.4])
    assert "will be replaced" in caplog.text
    assert trainer.state.iteration == 8


def test_another_length_is_refused(tmp_path: Path, make_trainer, make_evaluator):
    train(tmp_path / "last.pt", make_trainer, make_evaluator, [0.1, 0.2, 0.3, 0.4])
    with pytest.raises(ValueError, match=r"of 4 epochs, this one has 5"):
        train(tmp_path / "last.pt", make_trainer, make_evaluator, [0.1] * 5, resume=True, epochs=5)


def test_weights_alone_are_refused(tmp_path: Path, make_trainer, make_evaluator):
    torch.save(Dropped().state_dict(), tmp_path / "last.pt")
    with pytest.raises(ValueError, match="no state of a training"):
        train(tmp_path / "last.pt", make_trainer, make_evaluator, [], resume=True)


def test_resume_is_true_or_false(tmp_path: Path):
    network = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="true or false"):
        TrainingState(tmp_path / "last.pt", network, torch.optim.SGD(network.parameters()), resume="yes")


def test_the_layout_in_memory_is_that_of_the_file():
    stored = nn.Conv2d(8, 8, 3).to(memory_format=torch.channels_last).state_dict()
    network = nn.Conv2d(8, 8, 3)
    parameter = network.weight
    load_weights_as_stored(network, stored)
    assert network.weight is parameter  # the optimizer's own
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.weight, stored["weight"])


def test_extras_are_stored_and_restored(tmp_path: Path, make_trainer, make_evaluator):
    averaged, restored = nn.Linear(2, 2), nn.Linear(2, 2)
    for network, resume in ((averaged, False), (restored, True)):
        trainer = make_trainer([])
        state = TrainingState(
            tmp_path / "last.pt", trainer.network, trainer.optimizer, resume=resume, extras={"average": network}
        )
        state.attach(trainer)
        trainer.run()
    assert torch.equal(averaged.weight, restored.weight)


def test_an_extra_may_not_take_a_name(tmp_path: Path):
    network = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    with pytest.raises(ValueError, match="network: give the extra another name"):
        TrainingState(tmp_path / "last.pt", network, optimizer, extras={"network": network})


def test_a_state_without_the_extra_is_refused(tmp_path: Path, make_trainer):
    for extras in (None, {"average": nn.Linear(1, 1)}):
        trainer = make_trainer([])
        handler = TrainingState(
            tmp_path / "last.pt", trainer.network, trainer.optimizer, resume=extras is not None, extras=extras
        )
        handler.attach(trainer)
        if extras is None:
            trainer.run()
        else:
            with pytest.raises(ValueError, match="holds no average"):
                trainer.run()
