import math
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError
from monai.handlers import from_engine
from sklearn.metrics import f1_score

from lungdet.metrics import MacroF1
from lungdet.metrics import macro_f1 as home

RNG = np.random.default_rng(0)
LOGITS = torch.tensor(RNG.normal(size=(60, 4)))
LABELS = torch.tensor(RNG.integers(0, 4, 60))
SEVERAL = torch.tensor(RNG.random((60, 4)) < 0.4)


def test_scikit_learn_agrees_for_one_label():
    metric = MacroF1(4)
    for start in range(0, 60, 7):
        metric.update((LOGITS[start : start + 7], LABELS[start : start + 7]))
    assert metric.compute() == pytest.approx(f1_score(LABELS, LOGITS.argmax(dim=1), average="macro"))


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_scikit_learn_agrees_for_several(threshold: float):
    wanted = f1_score(SEVERAL.numpy(), (LOGITS.sigmoid() >= threshold).numpy(), average="macro")
    logits, probabilities = MacroF1(4, True, threshold), MacroF1(4, True, threshold, logits=False)
    logits.update((LOGITS, SEVERAL.float()))
    probabilities.update((LOGITS.sigmoid(), SEVERAL.long()))
    assert logits.compute() == pytest.approx(wanted)
    assert probabilities.compute() == pytest.approx(wanted)


@pytest.mark.parametrize("logits", [False, True])
def test_labels_that_share_a_whole_are_chosen_by_their_share(logits: bool):
    said = LOGITS.softmax(dim=1)
    wanted = f1_score(SEVERAL.numpy(), (said >= 0.4 * said.amax(dim=1, keepdim=True)).numpy(), average="macro")
    metric = MacroF1(4, multi_label=True, share=0.4, logits=logits)
    metric.update((LOGITS if logits else said, SEVERAL))
    assert metric.compute() == pytest.approx(wanted)


@pytest.mark.parametrize("decollated", [False, True])
def test_an_evaluator_of_monai_can_choose_by_it(decollated: bool):
    def step(engine: Engine, batch: slice) -> Any:
        logits, labels = LOGITS[batch], LABELS[batch]
        if not decollated:
            return {"pred": logits, "label": labels}
        return [{"pred": row, "label": label} for row, label in zip(logits, labels, strict=True)]

    engine = Engine(step)
    MacroF1(4, output_transform=from_engine(["pred", "label"])).attach(engine, "macro_f1")
    state = engine.run([slice(0, 30), slice(30, 60)])
    assert state.metrics["macro_f1"] == pytest.approx(f1_score(LABELS, LOGITS.argmax(dim=1), average="macro"))


def test_labels_may_be_a_column_or_numbers():
    metric = MacroF1(2)
    metric.update((torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0], [1]])))
    metric.update(([torch.tensor([1.0, 0.0])], [0]))
    assert metric.compute() == 1.0


def test_predictions_may_be_mappings_with_logits():
    metric = MacroF1(2)
    metric.update(({"logits": torch.eye(2), "embedding": torch.ones(2, 5)}, torch.tensor([0, 1])))
    metric.update(([{"logits": torch.tensor([1.0, 0.0])}], [torch.tensor(0)]))
    assert metric.compute() == 1.0


def test_classes_without_an_example_are_left_out():
    metric = MacroF1(5)
    metric.update((torch.eye(5)[[0, 1]], torch.tensor([0, 1])))
    assert metric.compute() == 1.0


def test_no_example_at_all_and_broken_predictions_are_nan():
    metric = MacroF1(2)
    metric.update((torch.eye(2), torch.tensor([-1, -1])))
    assert math.isnan(metric.compute())
    metric.reset()
    metric.update((torch.tensor([[math.nan, 0.0]]), torch.tensor([0])))
    assert math.isnan(metric.compute())


def test_without_a_picture_there_is_nothing_to_compute():
    metric = MacroF1(3)
    metric.update(([], []))
    with pytest.raises(NotComputableError, match="at least one picture"):
        metric.compute()


def test_processes_are_joined(monkeypatch: pytest.MonkeyPatch):
    metric = MacroF1(2)
    metric.update((torch.tensor([[1.0, 0.0]]), torch.tensor([0])))
    other = (np.array([[0, 0], [1, 0], [0, 1]]), True, 1)  # a picture of class 1 taken for class 0
    monkeypatch.setattr(home, "gather", lambda parts: [*parts, other])
    assert metric.compute() == pytest.approx((2 / 3 + 0) / 2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 predictions for 1 labels"):
        MacroF1(2).update((torch.eye(2), torch.tensor([0])))
    with pytest.raises(ValueError, match="threshold"):
        MacroF1(2, threshold=1.0)
    with pytest.raises(ValueError, match="share"):
        MacroF1(2, share=0.0)
