import numpy as np
import pytest

from lungdet.engines import count_labels, label_weights


def single(*counts: int) -> list[dict]:
    return [{"label": label} for label, count in enumerate(counts) for _ in range(count)]


def test_full_balance_makes_classes_alike() -> None:
    weights = np.array(label_weights(single(60, 30, 10), 3, balance=1.0, most=100))
    np.testing.assert_allclose(weights * [60, 30, 10], 100 / 3)


def test_a_picture_counts_once_on_average() -> None:
    counts = [500, 3, 40]
    weights = np.array(label_weights(single(*counts), 3))
    assert (weights * counts).sum() / sum(counts) == pytest.approx(1.0)


def test_no_balance_changes_nothing() -> None:
    assert label_weights(single(9, 1), 2, balance=0.0) == [1.0, 1.0]


def test_weights_are_bounded() -> None:
    weights = np.array(label_weights(single(100000, 1), 2, balance=1.0, most=4.0))
    assert weights[1] / weights[0] <= 4.0 * 4.0
    several = [{"label": [1, 0]}] * 9999 + [{"label": [0, 1]}]
    assert label_weights(several, 2, multi_label=True, balance=1.0, most=4.0) == [1.0, 4.0]


def test_a_class_without_pictures_counts_once() -> None:
    assert label_weights([{"label": [1.0, 0.0]}] * 3, 2, multi_label=True)[1] == 1.0
    assert label_weights([], 2) == [1.0, 1.0]


@pytest.mark.parametrize("label", [3, -1, [0, 1]])
def test_a_label_that_is_no_class_is_named(label) -> None:
    with pytest.raises(ValueError, match=r"a.png: the label .* is none of 3 classes"):
        count_labels([{"image": "a.png", "label": label}], 3)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="balance"):
        label_weights(single(1), 1, balance=2.0)
    with pytest.raises(ValueError, match="most"):
        label_weights(single(1), 1, most=0.5)
