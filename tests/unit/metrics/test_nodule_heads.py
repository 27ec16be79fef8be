import numpy as np
import pytest
import torch
from ignite.engine import Engine
from ignite.exceptions import NotComputableError
from monai.handlers import from_engine
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from lungdet.metrics import NoduleHeads

COUNT = 60
PARTS = ("nodule", "kind", "ratings", "mean")


def batch(seed: int = 0, count: int = COUNT) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(0, 1, (count, 33))).float()
    shares = np.sort(rng.random((count, 7, 4)), axis=2)[..., ::-1].copy()
    targets = {
        "nodule": torch.from_numpy(rng.integers(0, 2, count)).float(),
        "kind": torch.from_numpy(rng.integers(0, 4, count)),
        "ratings": torch.from_numpy(shares).float(),
    }
    return logits, targets


def score(part: str, *batches: tuple[torch.Tensor, dict[str, torch.Tensor]]) -> float:
    metric = NoduleHeads(part)
    for pair in batches:
        metric.update(pair)
    return metric.compute()


def test_parts_are_what_scikit_learn_and_a_plain_sum_say():
    logits, targets = batch()
    said = torch.sigmoid(logits[:, 5:]).reshape(-1, 7, 4).double().numpy()
    error = np.abs(said.sum(axis=2) - targets["ratings"].double().numpy().sum(axis=2)).mean()
    expected = {
        "nodule": roc_auc_score(targets["nodule"], logits[:, 0]),
        "kind": balanced_accuracy_score(targets["kind"], logits[:, 1:5].argmax(dim=1)),
        "ratings": 1 - error / 4,
    }
    expected["mean"] = float(np.mean(list(expected.values())))
    assert {part: score(part, (logits, targets)) for part in PARTS} == pytest.approx(expected)


def test_batches_and_lists_give_what_one_batch_gives():
    logits, targets = batch()
    parts = slice(25), slice(25, 60)
    halves = [(logits[rows], {name: part[rows] for name, part in targets.items()}) for rows in parts]
    rows = [{name: part[row] for name, part in targets.items()} for row in range(COUNT)]
    for part in PARTS:
        whole = score(part, (logits, targets))
        assert score(part, *halves) == whole
        assert score(part, (list(logits), rows)) == whole


def test_what_is_unknown_is_left_out():
    logits, targets = batch()
    hidden = {name: part.clone() for name, part in targets.items()}
    hidden["nodule"][30:], hidden["kind"][30:], hidden["ratings"][30:] = -1, -1, torch.nan
    kept = {name: part[:30] for name, part in targets.items()}
    for part in PARTS:
        assert score(part, (logits, hidden)) == pytest.approx(score(part, (logits[:30], kept)))
    alone = score("mean", (logits, {"nodule": targets["nodule"]}))
    assert alone == score("nodule", (logits, targets))
    assert np.isnan(score("kind", (logits, {"nodule": targets["nodule"]})))


def test_predictions_that_are_not_finite_are_never_the_best():
    logits, targets = batch()
    logits[3, 7] = torch.inf
    assert np.isnan(score("nodule", (logits, targets)))


def test_without_a_cube_there_is_no_score():
    with pytest.raises(NotComputableError, match="at least one cube"):
        NoduleHeads().compute()
    metric = NoduleHeads()
    metric.update(batch())
    metric.reset()
    with pytest.raises(NotComputableError):
        metric.compute()


def test_it_works_in_an_engine_that_decollates_or_not():
    logits, targets = batch()
    rows = [{"pred": logits[row], "label": {k: v[row] for k, v in targets.items()}} for row in range(COUNT)]
    for output in (rows, {"pred": logits, "label": targets}):
        engine = Engine(lambda engine, _, output=output: output)
        transform = from_engine(["pred", "label"]) if output is rows else lambda out: (out["pred"], out["label"])
        NoduleHeads(output_transform=transform).attach(engine, "heads")
        assert engine.run([0]).metrics["heads"] == pytest.approx(score("mean", (logits, targets)))


def test_what_does_not_fit_is_refused():
    logits, targets = batch(count=4)
    metric = NoduleHeads()
    with pytest.raises(ValueError, match="wanted 33 logits"):
        metric.update((logits[:, :20], targets))
    with pytest.raises(ValueError, match="targets must be there for each of 3 cubes"):
        metric.update((logits[:3], targets))
    with pytest.raises(ValueError, match="part must be one of"):
        NoduleHeads("auc")
    with pytest.raises(ValueError, match="a type and two levels"):
        NoduleHeads(levels=1)
