"""The router answers, or asks for a person, and belongs to one file of weights."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.records import BodyPartClass, ClassList
from lungdet.routing import (
    Abstention,
    Calibration,
    LabelChoice,
    Router,
    RouterFileError,
    choose_threshold,
    fit_out_of_domain,
    fit_router,
    load_class_list,
)

NAMES = ClassList("three", (BodyPartClass("chest"), BodyPartClass("hand"), BodyPartClass("knee")))
SEVERAL = dataclasses.replace(NAMES, multi_label=True)
KNOWN = np.full((10, 4), 1.0) + np.arange(10)[:, None] / 10
ROUTER = Router(
    NAMES,
    Calibration(),
    LabelChoice(False, "softmax"),
    Abstention(threshold=0.8, target_accuracy=0.9),
    fit_out_of_domain(KNOWN, held_out=KNOWN + 0.05),
    "ab" * 32,
)


def test_a_sure_picture_is_answered():
    decision = ROUTER.decide([4.0, 0.0, 0.0], KNOWN[0], top=2)
    assert (decision.answer, decision.labels, decision.reason) == ("chest", ("chest",), "")
    assert decision.probability == pytest.approx(np.exp(4) / (np.exp(4) + 2))
    assert [name for name, _ in decision.top] == ["chest", "hand"]
    assert decision.out_of_domain == pytest.approx(0, abs=0.01)


def test_an_unsure_picture_goes_to_a_person():
    decision = ROUTER.decide([1.0, 0.0, 0.0], KNOWN[0])
    assert (decision.answer, decision.label) == ("review", "chest")
    assert decision.reason == "unsure: probability 0.576 below 0.800"


def test_what_it_does_not_know_goes_to_a_person_however_sure():
    decision = ROUTER.decide([40.0, 0.0, 0.0], [9.0, 0.0, 9.0, 0.0])
    assert decision.answer == "review"
    assert decision.probability == 1.0
    far = f"{decision.out_of_domain:.2f} times as far from the training pictures as the limit"
    assert decision.reason == f"not one of mine: {far}"


@pytest.mark.parametrize("spoil", ["logits", "embedding"])
def test_outputs_that_are_not_finite_go_to_a_person_and_the_rest_goes_on(spoil: str):
    logits, features = np.array([[4.0, 0, 0]] * 3), KNOWN[:3].copy()
    (logits if spoil == "logits" else features)[1, 0] = np.nan
    decisions = ROUTER.decide_batch(logits, features)
    assert [decision.answer for decision in decisions] == ["chest", "review", "chest"]
    assert "not finite" in decisions[1].reason


def test_a_target_out_of_reach_says_so():
    router = dataclasses.replace(ROUTER, abstention=choose_threshold([1.0], [0]))
    assert router.decide([99.0, 0, 0], KNOWN[0]).reason == "never sure enough for an accuracy of 0.99"


def test_a_batch_is_its_pictures_one_by_one():
    rng = np.random.default_rng(0)
    logits, features = torch.tensor(rng.normal(size=(20, 3)) * 3), torch.tensor(KNOWN[rng.integers(0, 10, 20)])
    together = ROUTER.decide_batch(logits, features)
    alone = [ROUTER.decide(*pair) for pair in zip(logits, features, strict=True)]
    assert [(d.label, d.decision) for d in together] == [(d.label, d.decision) for d in alone]
    assert [d.probability for d in together] == pytest.approx([d.probability for d in alone])
    assert len({d.decision for d in together}) == 2
    assert ROUTER.decide_batch(np.empty((0, 3)), np.empty((0, 4))) == []


def test_several_labels_that_share():
    router = Router(SEVERAL, Calibration(), LabelChoice(True, "softmax"), Abstention(0.9))
    decision = router.decide([4.0, 4.2, -4.0])
    assert (decision.label, decision.labels) == ("hand;chest", ("hand", "chest"))
    assert decision.decision == "answer"
    assert decision.probability > 0.99


def test_several_labels_or_none_by_thresholds():
    router = Router(SEVERAL, Calibration(activation="sigmoid"), LabelChoice(True, "sigmoid"), Abstention(0.6))
    assert router.decide([4.0, 4.2, -4.0]).labels == ("hand", "chest")
    nothing = router.decide([-4.0, -4.0, -4.0])
    assert (nothing.answer, nothing.label, nothing.reason) == ("review", "", "no label is probable enough")
    assert router.decide([4.0, 0.1, -4.0]).reason.startswith("unsure")


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="embedding"):
        ROUTER.decide([0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="logits"):
        ROUTER.decide([0.0, 0.0], KNOWN[0])
    with pytest.raises(ValueError, match="embeddings"):
        ROUTER.decide([0.0, 0.0, 0.0], [1.0])


@pytest.mark.parametrize(
    "changed",
    [
        {"calibration": Calibration(offsets=(0.0,))},
        {"calibration": Calibration(activation="sigmoid")},
        {"choice": LabelChoice(True, "softmax")},
        {"choice": LabelChoice(False, "softmax", thresholds=(0.5,))},
    ],
)
def test_parts_that_do_not_belong_together_are_refused(changed: dict):
    with pytest.raises(ValueError):
        dataclasses.replace(ROUTER, **changed)


def test_what_is_saved_decides_the_same(tmp_path: Path):
    ROUTER.save(tmp_path / "models" / "router.json")
    again = Router.load(tmp_path / "models" / "router.json", weights_sha256="ab" * 32)
    rng = np.random.default_rng(0)
    logits, features = rng.normal(size=(20, 3)), rng.random((20, 4)) * 2
    assert again.decide_batch(logits, features) == ROUTER.decide_batch(logits, features)
    for name in ("class_list", "calibration", "choice", "weights_sha256"):
        assert getattr(again, name) == getattr(ROUTER, name)
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "models" / "router.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.json", "models"]


def test_every_shipped_list_survives_the_file(tmp_path: Path):
    entries = load_class_list("unifesp22")
    Router(entries, Calibration(), LabelChoice(True, "softmax")).save(tmp_path / "router.json")
    assert Router.load(tmp_path / "router.json").class_list == entries


def test_other_weights_are_refused(tmp_path: Path):
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    right = dataclasses.replace(ROUTER, weights_sha256=hashlib.sha256(b"weights").hexdigest())
    right.save(tmp_path / "router.json")
    assert Router.load(tmp_path / "router.json", checkpoint=weights).weights_sha256 == right.weights_sha256
    weights.write_bytes(b"other weights")
    with pytest.raises(RouterFileError, match="fit it again"):
        Router.load(tmp_path / "router.json", checkpoint=weights)
    dataclasses.replace(ROUTER, weights_sha256="").save(tmp_path / "router.json")
    with pytest.raises(RouterFileError, match="no weights in particular"):
        Router.load(tmp_path / "router.json", checkpoint=weights)


def spoiled(tmp_path: Path, *keys: str, value: object) -> Path:
    """Save a router in which one value is another."""
    ROUTER.save(tmp_path / "router.json")
    content = json.loads((tmp_path / "router.json").read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    (tmp_path / "router.json").write_text(json.dumps(content))
    return tmp_path / "router.json"


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("format",), "lungdet router 99"),
        (("class_list",), None),
        (("class_list", "classes"), []),
        (("calibration", "temperature"), -1),
        (("calibration", "temperature"), float("nan")),
        (("calibration", "temperature"), "hot"),
        (("calibration", "more"), 1),
        (("choice", "thresholds"), ["x"]),
        (("abstention",), {}),
        (("abstention", "threshold"), None),
        (("out_of_domain", "references"), "!!!"),
        (("out_of_domain", "shape"), [3, 5]),
        (("out_of_domain", "shape"), [-1, 4]),
        (("out_of_domain", "limit"), 0),
    ],
)
def test_a_spoiled_file_is_refused_by_name(tmp_path: Path, keys: tuple[str, ...], value: object):
    path = spoiled(tmp_path, *keys, value=value)
    with pytest.raises(RouterFileError, match=r"router\.json"):
        Router.load(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "\x00\xff", "[" * 100_000])
def test_what_is_no_router_is_refused(tmp_path: Path, text: str):
    (tmp_path / "router.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(RouterFileError, match=r"router\.json"):
        Router.load(tmp_path / "router.json")
    with pytest.raises(FileNotFoundError):
        Router.load(tmp_path / "none.json")


def outputs(count: int, seed: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, labels and embeddings of a network that is too sure of itself and sometimes wrong."""
    rng = np.random.default_rng(seed)
    features = np.abs(rng.normal(1.0, 0.3, size=(count, 3))) + shift
    logits = 3 * rng.normal(size=(count, 3))
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances = (chances / chances.sum(axis=1, keepdims=True)).cumsum(axis=1)
    labels = (rng.random((count, 1)) > chances).sum(axis=1).clip(max=2)
    return 4 * logits, labels, features


def test_a_fitted_router_keeps_its_promises():
    logits, labels, features = outputs(2000, 0)
    router = fit_router(
        NAMES, logits, labels, features, train_embeddings=outputs(500, 1)[2], target_accuracy=0.9, weights_sha256="ab"
    )
    assert router.calibration.temperature == pytest.approx(4, rel=0.15)
    assert router.weights_sha256 == "ab"
    new_logits, new_labels, new_features = outputs(4000, 2)
    decisions = router.decide_batch(new_logits, new_features)
    right = [d.label == NAMES.names[k] for d, k in zip(decisions, new_labels, strict=True) if d.decision == "answer"]
    assert 0.4 < len(right) / 4000 < 1.0
    assert np.mean(right) >= 0.9
    strange = router.decide_batch(*outputs(50, 3, shift=3.0)[::2])
    assert {decision.answer for decision in strange} == {"review"}


def test_fits_of_several_labels():
    logits, labels, features = outputs(300, 0)
    sharing = fit_router(SEVERAL, logits, np.eye(3)[labels], features, confidence=None, target_accuracy=0.8)
    assert sharing.out_of_domain is not None
    assert sharing.choice.several < 0.2  # no picture has two labels, so to name two is to waver
    assert sharing.abstention.reached
    apart = fit_router(SEVERAL, logits, np.eye(3)[labels], activation="sigmoid", confidence=None, target_accuracy=0.8)
    assert apart.out_of_domain is None
    assert len(apart.choice.thresholds) == 3


def test_a_fit_refuses_what_does_not_fit():
    logits, labels, _ = outputs(10, 0)
    with pytest.raises(ValueError, match="exactly one label"):
        fit_router(NAMES, logits, np.ones((10, 3)))
    with pytest.raises(ValueError, match="logits"):
        fit_router(NAMES, logits[:, :2], labels)
