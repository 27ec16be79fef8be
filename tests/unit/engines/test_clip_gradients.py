import math

import pytest
import torch
from torch import nn

from lungdet.engines import GradientClipper, TrainingState


class Scaler:
    """A loss scale of 8, as ``torch.amp.GradScaler`` handles it."""

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad /= 8


class Engine:
    def __init__(self, gradient: list[float], scaler: Scaler | None = None) -> None:
        self.network = nn.Linear(len(gradient), 1, bias=False)
        self.network.weight.grad = torch.tensor([gradient])
        self.optimizer = torch.optim.SGD(self.network.parameters())
        self.scaler = scaler
        self.state = type("State", (), {"output": {}, "batch": [{"seed": 3}], "epoch": 2, "iteration": 7})()

    @property
    def gradient(self) -> list[float]:
        return self.network.weight.grad[0].tolist()


def test_a_gradient_of_norm_5_is_scaled_to_norm_1():
    engine = Engine([3.0, 4.0])
    GradientClipper(1.0)(engine)
    assert engine.gradient == pytest.approx([0.6, 0.8], abs=1e-5)
    assert engine.state.output["gradient_norm"] == 5.0


def test_a_short_gradient_is_left_alone():
    engine = Engine([0.3, 0.4])
    GradientClipper(1.0)(engine)
    assert engine.gradient == pytest.approx([0.3, 0.4])


@pytest.mark.parametrize("bound", [None, math.inf])
def test_without_a_bound_it_is_only_measured(bound: float | None):
    engine = Engine([3.0, 4.0])
    GradientClipper(bound)(engine)
    assert engine.gradient == [3.0, 4.0]
    assert engine.state.output["gradient_norm"] == 5.0


def test_the_loss_scale_is_taken_off_first():
    engine = Engine([2.4, 3.2], Scaler())
    GradientClipper(1.0)(engine)
    assert engine.gradient == pytest.approx([0.3, 0.4])
    assert engine.state.output["gradient_norm"] == pytest.approx(0.5)


def test_a_gradient_that_is_no_number_stops_and_names_the_batch():
    with pytest.raises(FloatingPointError, match=r"gradient is nan in epoch 2, iteration 7, on seed 3"):
        GradientClipper(1.0)(Engine([math.nan, 1.0]))


def test_the_scaler_may_overflow():
    engine = Engine([math.inf, 1.0], Scaler())
    GradientClipper(1.0)(engine)
    assert engine.state.output["gradient_norm"] == math.inf


def backward(engine: Engine, value: float) -> None:
    """Give the network a scaled gradient, as a loss scale of PyTorch's own has it."""
    engine.optimizer.zero_grad()
    engine.scaler.scale(engine.network(torch.full((1, 2), value)).sum()).backward()


def test_gradients_that_no_scale_mends_end_the_training():
    engine = Engine([0.0, 0.0], torch.amp.GradScaler("cpu"))
    clip = GradientClipper(1.0)
    before = engine.network.weight.detach().clone()
    for _ in range(9):
        backward(engine, math.nan)
        clip(engine)
        engine.scaler.step(engine.optimizer)
        engine.scaler.update()
    assert torch.equal(engine.network.weight, before)
    backward(engine, math.nan)
    with pytest.raises(
        FloatingPointError, match=r"gradient is nan, not finite 10 times in a row, in epoch 2, .* seed 3"
    ):
        clip(engine)


def test_a_sound_gradient_between_starts_the_count_anew():
    engine = Engine([0.0, 0.0], torch.amp.GradScaler("cpu"))
    clip = GradientClipper(1.0)
    for value in [*[math.inf] * 9, 1.0] * 3:
        backward(engine, value)
        clip(engine)
        engine.scaler.step(engine.optimizer)
        engine.scaler.update()
    assert math.isfinite(engine.state.output["gradient_norm"])


def test_it_acts_between_backward_and_step(make_trainer):
    trainer = make_trainer([GradientClipper(1e-3)], values=(1000.0, 1000.0), learning_rate=1.0)
    before = torch.cat([parameter.detach().flatten() for parameter in trainer.network.parameters()])
    trainer.run()
    after = torch.cat([parameter.detach().flatten() for parameter in trainer.network.parameters()])
    assert float((after - before).norm()) == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("bound", [0, -1.0, math.nan])
def test_a_bound_is_positive(bound: float):
    with pytest.raises(ValueError, match="positive"):
        GradientClipper(bound)


@pytest.fixture
def _loss_scale_on_a_cpu(monkeypatch: pytest.MonkeyPatch):
    """Let the trainer's ``amp`` scale the loss here as it does on CUDA."""
    monkeypatch.setattr(torch.cuda.amp, "GradScaler", lambda: torch.amp.GradScaler("cpu", init_scale=1024.0))


@pytest.mark.usefixtures("_loss_scale_on_a_cpu")
@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'")
def test_a_scaled_loss_gives_the_same_step(make_trainer, tmp_path):
    trainers = []
    for amp in (False, True):
        trainer = make_trainer([GradientClipper(0.01)], epochs=2, learning_rate=1.0, amp=amp)
        TrainingState(tmp_path / f"{amp}.pt", trainer.network, trainer.optimizer).attach(trainer)
        trainer.run()
        trainers.append(trainer)
    plain, scaled = ([p.detach().item() for p in trainer.network.parameters()] for trainer in trainers)
    assert scaled == pytest.approx(plain, rel=1e-6)

    again = make_trainer(epochs=2, amp=True)
    TrainingState(tmp_path / "True.pt", again.network, again.optimizer, resume=True).attach(again)
    again.run()  # it is at its end, and takes no step
    assert again.scaler.state_dict() == trainers[1].scaler.state_dict()
    assert again.scaler.state_dict()["_growth_tracker"] == 4
