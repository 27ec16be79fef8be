import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, roc_auc_score

from lungdet.metrics import type_scores
from lungdet.records import NODULE_TYPES


def told(count: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    types = rng.integers(0, 4, count)
    logits = rng.normal(0, 1, (count, 4)) + 1.5 * np.eye(4)[types]
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True), types


def test_scores_are_those_of_scikit_learn():
    said, types = told()
    scores = type_scores(said, types, NODULE_TYPES, resamples=50)
    chosen = said.argmax(axis=1)
    assert scores.accuracy.value == pytest.approx(accuracy_score(types, chosen))
    assert scores.accuracy.low < scores.accuracy.value < scores.accuracy.high
    assert scores.confusion.tolist() == confusion_matrix(types, chosen).tolist()
    assert scores.log_loss == pytest.approx(log_loss(types, said))
    for place, area in enumerate(scores.aucs):
        assert area.value == pytest.approx(roc_auc_score(types == place, said[:, place]))
        assert area.low < area.value < area.high
    assert scores.mean_auc == pytest.approx(roc_auc_score(types, said, multi_class="ovr"))


def test_an_absent_type_has_no_area_and_the_mean_does_without():
    scores = type_scores([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]], [0, 1], ["a", "b", "c"], resamples=10)
    assert scores.aucs[0].value == scores.aucs[1].value == scores.mean_auc == 1
    assert np.isnan(scores.aucs[2].value)
    content = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert content["scores"]["classes"][2]["auc"]["value"] is None


def test_without_nodules_nothing_can_be_told():
    scores = type_scores(np.empty((0, 4)), [], NODULE_TYPES, resamples=10)
    assert np.isnan([scores.accuracy.value, scores.log_loss, scores.mean_auc]).all()
    assert scores.confusion.shape == (4, 4)
    json.dumps(scores.to_json(), allow_nan=False)


def test_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match="each nodule needs a type"):
        type_scores([[0.5, 0.5]], [-1], ["a", "b"])
    with pytest.raises(ValueError, match="each nodule needs a type"):
        type_scores([[0.5, 0.5]], [0, 1], ["a", "b"])
