"""Volumes and series cannot contradict themselves."""

import json

import numpy as np
import pytest

from lungdet.records import CTVolume, SeriesInfo

INFO = SeriesInfo(
    "/data/ct", "1.2", "1.3", ("1.4", "", "1.5"), 'Thorax "ä" <b>', "B60f", 1.25, ("1 duplicate slice dropped",)
)


def test_series_survives_json():
    text = INFO.to_json()
    assert SeriesInfo.from_json(text) == INFO
    assert isinstance(json.loads(text), dict)
    assert SeriesInfo.from_json(SeriesInfo("x").to_json()) == SeriesInfo("x")


def test_json_of_something_else_is_refused():
    with pytest.raises((TypeError, KeyError)):
        SeriesInfo.from_json('{"slice_uids": [], "steps": [], "patient_name": "x"}')


def test_a_volume_with_and_without_slice_uids():
    array = np.zeros((4, 5, 3), dtype=np.int16)
    assert CTVolume(array, np.eye(4), INFO).info is INFO
    assert CTVolume(array, np.eye(4), SeriesInfo("x")).array.shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("shape", "affine", "message"),
    [
        ((4, 5), np.eye(4), r"\(X, Y, Z\)"),
        ((4, 5, 3), np.eye(3), r"\(4, 4\)"),
        ((4, 5, 3), np.full((4, 4), np.nan), "finite"),
        ((4, 5, 3), np.diag([1.0, 0.0, 1.0, 1.0]), "singular"),
        ((4, 5, 2), np.eye(4), "3 slice UIDs for 2 slices"),
    ],
)
def test_bad_volumes_are_refused_with_their_source(shape: tuple[int, ...], affine: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message) as caught:
        CTVolume(np.zeros(shape, dtype=np.int16), affine, INFO)
    assert "/data/ct" in str(caught.value)
