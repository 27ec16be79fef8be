import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from lungdet.metrics import brier_score, negative_log_likelihood, reliability, truth_matrix


@pytest.mark.parametrize(("spacing", "name"), [("even", "uniform"), ("quantile", "quantile")])
def test_scikit_learn_agrees_bin_by_bin(spacing: str, name: str):
    rng = np.random.default_rng(0)
    said = np.append(rng.random(500), [0.0, 0.1, 0.2, 1.0])
    right = rng.random(504) < said**2
    found = reliability(said, right, bins=10, spacing=spacing)
    was, mean = calibration_curve(right, said, n_bins=10, strategy=name)
    filled = found.counts > 0
    np.testing.assert_allclose(found.accuracy[filled], was)
    np.testing.assert_allclose(found.confidence[filled], mean)
    wanted = (np.abs(was - mean) * found.counts[filled]).sum() / 504
    assert found.expected_error == pytest.approx(wanted)
    assert found.greatest_error == pytest.approx(np.abs(was - mean).max())


def test_hand_worked_error():
    # Four at 0.95, of which two right: 0.45 off; one at 0.55, right: 0.45 off as well.
    found = reliability([0.95] * 4 + [0.55], [1, 1, 0, 0, 1], bins=10)
    assert found.expected_error == pytest.approx(0.45)
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 4]


def test_honest_probabilities_have_a_small_error():
    rng = np.random.default_rng(0)
    said = rng.random(20000)
    right = rng.random(20000) < said
    assert reliability(said, right).expected_error < 0.02
    assert reliability(np.sqrt(said), right).expected_error > 0.1


def test_several_labels_are_so_many_statements():
    said, true = np.array([[0.2, 0.9], [0.6, 0.1]]), np.array([[0, 1], [1, 0]])
    assert reliability(said, true).counts.sum() == 4
    assert reliability(said, true).to_json() == reliability(said.ravel(), true.ravel()).to_json()


def test_nothing_and_one_statement():
    content = json.loads(json.dumps(reliability([], []).to_json(), allow_nan=False))
    assert content["ece"] is content["greatest_error"] is None
    assert np.isnan(reliability([], [], spacing="quantile").expected_error)
    assert reliability([0.75], [True]).expected_error == pytest.approx(0.25)
    assert np.isnan(brier_score(np.empty((0, 2)), np.empty((0, 2))))
    assert np.isnan(negative_log_likelihood(np.empty((0, 2)), np.empty((0, 2))))


def test_what_does_not_fit_is_refused():
    for said, right, options, message in (
        ([0.5], [1, 0], {}, "one shape"),
        ([1.5], [1], {}, r"\[0, 1\]"),
        ([float("nan")], [1], {}, r"\[0, 1\]"),
        ([0.5], [1], {"bins": 0}, "bins"),
    ):
        with pytest.raises(ValueError, match=message):
            reliability(said, right, **options)


def test_proper_scores_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    said, labels = rng.dirichlet(np.ones(4), 50), rng.integers(0, 4, 50)
    truth = truth_matrix(labels, 4)
    assert negative_log_likelihood(said, truth) == pytest.approx(log_loss(labels, said, labels=range(4)))
    several = rng.random((50, 4)) < 0.5
    wanted = [log_loss(several[:, place], said[:, place], labels=[0, 1]) for place in range(4)]
    assert negative_log_likelihood(said, several, multi_label=True) == pytest.approx(np.mean(wanted))
    wanted = [brier_score_loss(truth[:, place], said[:, place]) for place in range(4)]
    assert brier_score(said, truth) == pytest.approx(np.sum(wanted))
    assert np.isfinite(negative_log_likelihood([[0.0, 1.0]], [[1, 0]]))
