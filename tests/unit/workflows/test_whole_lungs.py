"""How much of the lungs a scan must show for a probability of the whole scan."""

import numpy as np
import pytest

from lungdet.geometry.lung_mask import LungMask, lung_mask
from lungdet.phantoms import make_chest
from lungdet.records import CTVolume, SeriesInfo
from lungdet.workflows.measure_findings import describe_lungs
from lungdet.workflows.whole_lungs import partial_lungs


def told(planes: slice, shape: tuple[int, int, int] = (40, 20, 30), step_mm: float = 10.0, turn: float = 1.0) -> str:
    """What is said of lungs that fill these planes; a plane of 40 x 20 voxels of 5 x 5 x 10 mm has 200 ml."""
    labels = np.zeros(shape, np.uint8)
    labels[:, :, planes] = 1
    volume = CTVolume(np.full(shape, -800, np.int16), np.diag([5.0, 5.0, turn * step_mm, 1.0]), SeriesInfo("made"))
    mask = LungMask(labels)
    return partial_lungs(volume, mask, describe_lungs(volume, mask))


@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_lungs_that_go_on_beyond_the_scan_need_some_height(turn: float):
    assert told(slice(0, 15), turn=turn) == ""  # 150 mm
    assert told(slice(0, 14), turn=turn).endswith("140 mm of lungs that go on beyond it, less than 150 mm")
    assert told(slice(16, 30), turn=turn) != ""
    assert told(slice(8, 22), turn=turn) == ""  # as low, but whole


def test_a_volume_below_that_of_an_adult_is_no_chest():
    assert told(slice(10, 15)) == ""  # 1000 ml
    assert "shows 800 ml of lung, where an adult has more than 1000 ml" in told(slice(10, 14))


def test_one_slice_and_no_lungs_are_said_in_plain_words():
    assert told(slice(0, 1), (40, 20, 1)).endswith("the scan has one slice")
    volume = CTVolume(np.full((9, 9, 9), -1000, np.int16), np.eye(4), SeriesInfo("air"))
    mask = lung_mask(volume.array, volume.affine_lps)
    said = partial_lungs(volume, mask, describe_lungs(volume, mask))
    assert said == f"no lungs were found: {mask.reason}"


def test_coronal_slices_have_the_height_of_the_patient():
    labels = np.ones((40, 30, 10), np.uint8)  # columns to the left, rows down, slices to the back
    affine = np.array([[8.0, 0, 0, 0], [0, 0, 8.0, 0], [0, -5.0, 0, 0], [0, 0, 0, 1.0]])
    volume = CTVolume(np.full(labels.shape, -800, np.int16), affine, SeriesInfo("made"))
    facts = describe_lungs(volume, LungMask(labels))
    assert partial_lungs(volume, LungMask(labels), facts) == ""  # 30 rows of 5 mm
    upper = LungMask(labels * (np.arange(30) < 20)[:, None])
    assert "100 mm of lungs" in partial_lungs(volume, upper, facts)


def test_a_chest_and_a_chest_that_is_cut_a_little_are_enough():
    chest = make_chest(8, spacing_mm=(3.0, 3.0, 4.0), shape=(124, 100, 70)).volume
    for first, enough in ((0, True), (22, True), (48, False)):
        part = CTVolume(chest.array[:, :, first:], chest.affine_lps, chest.info)
        mask = lung_mask(part.array, part.affine_lps)
        assert (partial_lungs(part, mask, describe_lungs(part, mask)) == "") is enough, first
