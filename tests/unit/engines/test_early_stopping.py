import pytest
from monai.handlers import ValidationHandler

from lungdet.engines import StopWhenStale


def epochs_run(make_trainer, make_evaluator, scores: list[float], patience: int | None, interval: int = 1) -> int:
    evaluator = make_evaluator(scores)
    trainer = make_trainer([ValidationHandler(interval, evaluator), StopWhenStale(evaluator, patience)], epochs=6)
    trainer.run()
    return trainer.state.epoch


@pytest.mark.parametrize(
    ("patience", "expected"),
    [(1, 3), (2, 4), (3, 6), (None, 6)],
)
def test_it_stops_so_many_epochs_after_the_best(make_trainer, make_evaluator, patience: int | None, expected: int):
    scores = [0.1, 0.5, 0.4, 0.3, 0.6, 0.2]
    assert epochs_run(make_trainer, make_evaluator, scores, patience) == expected


def test_it_never_stops_before_a_validation(make_trainer, make_evaluator):
    assert epochs_run(make_trainer, make_evaluator, [0.5], patience=1, interval=6) == 6


def test_patience_is_positive(make_evaluator):
    with pytest.raises(ValueError, match="at least 1"):
        StopWhenStale(make_evaluator([]), 0)
