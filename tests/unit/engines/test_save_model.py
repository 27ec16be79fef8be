from pathlib import Path

import pytest
import torch
from monai.handlers import ValidationHandler
from torch import nn

from lungdet.engines import BestModelSaver, better_score
from lungdet.engines.save_model import plain_weights, save_atomically


def weights_after(trainer, epochs: int) -> list[float]:
    """Weights that the same training has after so many epochs, by training again."""
    trainer.state.max_epochs = epochs
    trainer.run()
    return [value.item() for value in trainer.network.state_dict().values()]


def train(tmp_path: Path, make_trainer, make_evaluator, scores: list[float], interval: int = 1) -> list[float]:
    evaluator = make_evaluator(scores, metric_cmp_fn=better_score)
    trainer = make_trainer(epochs=4)
    validation = ValidationHandler(interval, evaluator)
    saver = BestModelSaver(trainer.network, tmp_path / "model.pt", evaluator)
    for handler in (validation, saver):
        handler.attach(trainer)
    trainer.run()
    return [value.item() for value in torch.load(tmp_path / "model.pt", weights_only=True).values()]


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.1, 0.5, 0.3, 0.2], 2),
        ([0.1, 0.2, 0.3, 0.4], 4),
        ([0.0, 0.0, 0.0, 0.0], 4),  # of equals the later
        ([float("nan"), 0.2, float("nan"), 0.1], 2),
    ],
)
def test_the_best_weights_stay(tmp_path: Path, make_trainer, make_evaluator, scores: list[float], best: int):
    saved = train(tmp_path, make_trainer, make_evaluator, scores)
    assert saved == weights_after(make_trainer(), best)


def test_without_a_validation_the_last_weights_stay(tmp_path: Path, make_trainer, make_evaluator):
    saved = train(tmp_path, make_trainer, make_evaluator, [], interval=9)
    assert saved == weights_after(make_trainer(), 4)


def test_the_names_are_those_of_the_bare_network():
    assert list(plain_weights(nn.Linear(1, 1))) == ["weight", "bias"]


def test_matrices_can_be_saved_at_half_the_size():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2, bias=False))
    network[0].weight.data.fill_(1 + 2**-9)  # bfloat16 keeps 8 bits
    kinds = {name: str(value.dtype)[6:] for name, value in plain_weights(network, torch.bfloat16).items()}
    assert kinds == {
        "0.weight": "bfloat16",
        "0.bias": "float32",
        **{f"1.{name}": "float32" for name in ("weight", "bias", "running_mean", "running_var")},
        "1.num_batches_tracked": "int64",
        "2.weight": "bfloat16",
    }
    network.load_state_dict(plain_weights(network, torch.bfloat16))
    assert (network[0].weight == 1).all()
    assert network[0].weight.dtype == torch.float32


def test_a_file_is_replaced_whole(tmp_path: Path):
    save_atomically(tmp_path / "runs" / "a.pt", {"x": 1})
    with pytest.raises(Exception, match="pickle"):
        save_atomically(tmp_path / "runs" / "a.pt", {"x": lambda: None})
    assert torch.load(tmp_path / "runs" / "a.pt") == {"x": 1}
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["a.pt"]
