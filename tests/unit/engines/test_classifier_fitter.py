"""Temperatures and the threshold of a nodule classifier."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from sklearn.metrics import log_loss
from torch import Tensor, nn

from lungdet.engines import ClassifierFitter, fit_classifier_file
from lungdet.engines.classifier_fitter import FEWEST_RATED, learnt_ratings
from lungdet.lesions import ClassifierFile, NoduleAnswers
from lungdet.records import ORDINAL_RATINGS


def validation(count: int = 4000, too_sure: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits, and truths drawn from the probabilities that the logits divided by ``too_sure`` tell."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (count, 33))
    nodule = rng.random(count) < 1 / (1 + np.exp(-logits[:, 0]))
    chances = np.exp(logits[:, 1:5])
    kind = (rng.random((count, 1)) > (chances / chances.sum(axis=1, keepdims=True)).cumsum(axis=1)).sum(axis=1)
    ratings = 1 / (1 + np.exp(-logits[:, 5:])).reshape(count, 7, 4)
    ratings[::2] = np.nan
    told = {
        "nodule": torch.tensor(nodule, dtype=torch.float32),
        "kind": torch.tensor(np.where(nodule, np.minimum(kind, 3), -1)),
        "ratings": torch.tensor(ratings, dtype=torch.float32),
    }
    return torch.tensor(logits * too_sure), told


@pytest.mark.parametrize("too_sure", [0.5, 1.0, 3.0])
def test_temperatures_undo_what_is_too_sure(too_sure: float) -> None:
    found = fit_classifier_file(*validation(too_sure=too_sure))
    assert (found.nodule, found.kind) == pytest.approx((too_sure, too_sure), rel=0.1)
    assert found.ratings == pytest.approx(too_sure, rel=1e-3)


def test_no_other_temperature_has_less_loss(tmp_path: Path) -> None:
    logits, told = validation(600, too_sure=2.0)
    found = fit_classifier_file(logits, told)
    losses = []
    for factor in (0.9, 1.0, 1.1):
        ClassifierFile(found.nodule * factor, found.kind * factor).save(tmp_path / "one.json")
        answers = NoduleAnswers(tmp_path / "one.json")(logits)
        nodule = log_loss(told["nodule"].numpy(), [answer.nodule for answer in answers])
        typed = told["kind"] >= 0
        kinds = [answer.kinds for answer, is_typed in zip(answers, typed, strict=True) if is_typed]
        losses.append((nodule, log_loss(told["kind"][typed].numpy(), kinds, labels=range(4))))
    assert np.argmin(losses, axis=0).tolist() == [1, 1]


def test_the_threshold_keeps_the_nodules_that_it_should() -> None:
    logits, told = validation()
    found = fit_classifier_file(logits, told, sensitivity=0.9)
    said = 1 / (1 + np.exp(-logits[told["nodule"] > 0.5, 0].numpy() / found.nodule))
    assert float((said >= found.threshold).mean()) == pytest.approx(0.9, abs=0.002)


def test_what_is_unknown_is_left_out() -> None:
    logits, told = validation(200)
    more = torch.cat([logits, torch.full((50, 33), 9.0)])
    unknown = {"nodule": -torch.ones(50), "kind": -torch.ones(50).long(), "ratings": torch.full((50, 7, 4), math.nan)}
    same = fit_classifier_file(more, {name: torch.cat([told[name], unknown[name]]) for name in told})
    assert same == fit_classifier_file(logits, told)


def test_nothing_to_tell_apart() -> None:
    logits, told = validation(20)
    with pytest.raises(ValueError, match="look-alikes"):
        fit_classifier_file(logits, {**told, "nodule": torch.ones(20)})


def test_types_and_ratings_may_be_unknown() -> None:
    logits, told = validation(50)
    told = {**told, "kind": torch.full((50,), -1), "ratings": torch.full((50, 7, 4), math.nan)}
    found = fit_classifier_file(logits, told)
    assert (found.kind, found.ratings, found.learnt) == (1.0, 1.0, ())


def rated(levels: np.ndarray) -> np.ndarray:
    """Shares above 1, 2, 3, 4 where all readers agree on ``(B,)`` levels: ``(B, 7, 4)``."""
    return np.repeat((levels[:, None] > np.arange(1, 5)).astype(float)[:, None], 7, axis=1)


def said(levels: np.ndarray) -> np.ndarray:
    return 8.0 * rated(levels) - 4.0


def test_learnt_is_what_agrees_with_the_readers() -> None:
    levels = np.random.default_rng(0).integers(1, 6, 400)
    logits = said(levels)
    logits[:, 1] = said(np.random.default_rng(1).integers(1, 6, 400))[:, 0]  # by chance
    logits[:, 2] = said(np.full(400, 3))[:, 0]  # always the mean
    logits[:, 3] = said(6 - levels)[:, 0]  # the other way round
    assert learnt_ratings(logits, rated(levels)) == ("malignancy", "margin", "sphericity", "subtlety")


@pytest.mark.parametrize(("wrong", "learnt"), [(14, True), (16, False)])
def test_learnt_by_hand(wrong: int, learnt: bool) -> None:
    """Half 2 and half 4; of both as many are taken for the other: kappa is 1 - 2 * (share of wrong ones)."""
    true = np.repeat([2, 4], 25)
    answers = true.copy()
    answers[: wrong // 2], answers[25 : 25 + wrong // 2] = 4, 2
    assert bool(learnt_ratings(said(answers), rated(true))) == learnt == (1 - 2 * wrong / 50 >= 0.4)


def test_a_rating_that_few_or_none_have_given_is_not_learnt() -> None:
    levels = np.tile(np.arange(1, 6), 8)
    shares = rated(levels)
    shares[:, 0] = math.nan
    shares[FEWEST_RATED:, 1], shares[FEWEST_RATED - 1 :, 2] = math.nan, math.nan
    assert learnt_ratings(said(levels), shares) == tuple(
        name for name in ORDINAL_RATINGS if name not in ("malignancy", "lobulation")
    )
    assert learnt_ratings(said(np.full(40, 3)), rated(np.full(40, 3))) == ()  # no kappa of one level
    assert learnt_ratings(np.zeros((0, 7, 4)), np.zeros((0, 7, 4))) == ()


class Pixel(nn.Module):
    """Answer by the first voxel."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, cubes: Tensor) -> Tensor:
        return cubes[:, 0, 0, 0, :1].repeat(1, 33) * self.scale


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.save(Pixel().state_dict(), tmp_path / "model.pt")
    return tmp_path / "model.pt"


def fitter(weights: Path, network: nn.Module, count: int = 6) -> ClassifierFitter:
    items = [
        {"image": torch.full((1, 32, 32, 32), float(place % 3 - 1)), "nodule": float(place % 2)}
        for place in range(count)
    ]
    return ClassifierFitter(
        network, weights, weights.with_name("classifier.json"), items, lambda cubes, net: net(cubes), batch_size=4
    )


def test_it_fits_the_weights_of_the_file_when_the_training_ends(weights: Path) -> None:
    network = Pixel()
    nn.init.zeros_(network.scale)  # the training went on and got worse
    engine = Engine(lambda engine, batch: None)
    fitter(weights, network).attach(engine)
    engine.run([0], max_epochs=1)
    written = ClassifierFile.load(weights.with_name("classifier.json"))
    assert written.weights_sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert network.scale.item() == 0.0


def test_what_cannot_be_fitted_is_said(weights: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights.with_name("classifier.json").write_text("of earlier weights")
    fitter(weights, Pixel(), count=1)(Engine(lambda engine, batch: None))
    assert "is not written" in caplog.text
    fitter(weights, nn.Linear(1, 1))(Engine(lambda engine, batch: None))
    assert "weights of another network" in caplog.text
    assert not weights.with_name("classifier.json").exists()


def test_a_validation_of_one_kind_is_refused_before_the_training(weights: Path) -> None:
    steps: list[int] = []
    engine = Engine(lambda engine, batch: steps.append(batch))
    fitter(weights, Pixel(), count=1).attach(engine)
    with pytest.raises(ValueError, match="0 nodules and 1 look-alikes"):
        engine.run([0], max_epochs=1)
    assert steps == []
