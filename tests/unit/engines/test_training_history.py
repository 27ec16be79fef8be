import csv
from pathlib import Path

import pytest
from monai.handlers import ValidationHandler

from lungdet.engines import TrainingHistory, training_scalars


def train(
    path: Path, make_trainer, make_evaluator, scores: list[float], epochs: int, interval: int = 1, start: int = 0
):
    evaluator = make_evaluator(scores)
    trainer = make_trainer([ValidationHandler(interval, evaluator)], epochs=epochs)
    TrainingHistory(path, trainer.loss_function, trainer.optimizer, evaluator).attach(trainer)
    trainer.state.epoch, trainer.state.iteration = start, 2 * start
    trainer.run()
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_epoch_has_a_row(tmp_path: Path, make_trainer, make_evaluator):
    rows = train(tmp_path / "history.csv", make_trainer, make_evaluator, [0.25, 0.5], epochs=4, interval=2)
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["cpm"] for row in rows] == ["", "0.25", "", "0.5"]
    losses = [float(row["train_loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert [row["train_loss_center"] for row in rows] == [row["train_loss"] for row in rows]
    assert {row["learning_rate"] for row in rows} == {"0.01"}
    assert all(float(row["seconds"]) >= 0 for row in rows)


def test_a_loss_is_the_mean_of_its_epoch(tmp_path: Path, make_trainer, make_evaluator):
    seen = []

    class Listener:
        def attach(self, engine):
            engine.add_event_handler(
                "ITERATION_COMPLETED", lambda e: seen.append(float(e.state.output["loss"].detach()))
            )

    trainer = make_trainer([Listener()])
    TrainingHistory(tmp_path / "history.csv", trainer.loss_function).attach(trainer)
    trainer.run()
    row = (tmp_path / "history.csv").read_text().splitlines()[1].split(",")
    assert float(row[1]) == pytest.approx(sum(seen) / 2, rel=1e-5)


def test_a_training_that_goes_on_keeps_the_rows_before(tmp_path: Path, make_trainer, make_evaluator):
    first = train(tmp_path / "history.csv", make_trainer, make_evaluator, [0.1, 0.2, 0.3], epochs=3)
    second = train(tmp_path / "history.csv", make_trainer, make_evaluator, [0.6, 0.7], epochs=4, start=2)
    assert second[:2] == first[:2]
    assert [row["cpm"] for row in second] == ["0.1", "0.2", "0.6", "0.7"]


def test_a_new_training_starts_a_new_table(tmp_path: Path, make_trainer, make_evaluator):
    train(tmp_path / "history.csv", make_trainer, make_evaluator, [0.1, 0.2], epochs=2)
    assert len(train(tmp_path / "history.csv", make_trainer, make_evaluator, [0.3], epochs=1)) == 1


def test_an_unknown_score_is_an_empty_cell(tmp_path: Path, make_trainer, make_evaluator):
    rows = train(tmp_path / "history.csv", make_trainer, make_evaluator, [float("nan"), 0.5], epochs=2)
    assert [row["cpm"] for row in rows] == ["", "0.5"]


def test_scalars_have_the_parts_and_the_learning_rate(make_trainer):
    trainer = make_trainer()
    trainer.run()
    scalars = training_scalars(trainer.loss_function, trainer.optimizer)(trainer.state.output)
    assert scalars["train/loss"] == scalars["train/loss_center"]
    assert scalars["train/learning_rate"] == 0.01
