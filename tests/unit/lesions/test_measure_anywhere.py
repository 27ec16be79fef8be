"""Whatever is asked of it, a measurement is valid or says why there is none."""

from dataclasses import replace

import numpy as np
import pytest

from lungdet.geometry.frames import voxel_to_world
from lungdet.geometry.lung_mask import lung_mask
from lungdet.geometry.nodule_window import NoduleError
from lungdet.lesions import measure_nodule
from lungdet.phantoms import NoduleCut, make_nodule_cut
from lungdet.records import CTVolume, NoduleMeasurement


@pytest.fixture(scope="module")
def cut() -> NoduleCut:
    return make_nodule_cut(8, 10.0, location="juxtapleural", spacing_mm=(1.6, 1.6, 2.0))


def measure_at(volume: CTVolume, voxel: np.ndarray, diameter_mm: float | None = 8.0) -> NoduleMeasurement | None:
    """Measure at a voxel; None where it is refused."""
    x, y, z = voxel_to_world(np.asarray(voxel, dtype=float)[None], volume.affine_lps)[0]
    try:
        return measure_nodule(volume, (float(x), float(y), float(z)), diameter_mm)
    except NoduleError:
        return None


def test_marks_on_the_border_and_in_corners(cut: NoduleCut):
    last = np.array(cut.volume.array.shape) - 1
    middle = last / 2
    places = [np.where(np.arange(3) == axis, end, middle) for axis in range(3) for end in (-0.5, last[axis] + 0.5)]
    for place in [*places, np.zeros(3), last]:
        found = measure_at(cut.volume, place)
        assert found is None or found.volume_mm3 > 0


def test_marks_anywhere(cut: NoduleCut):
    rng = np.random.default_rng(3)
    for _ in range(5):
        found = measure_at(cut.volume, rng.uniform(0, np.array(cut.volume.array.shape) - 1), rng.uniform(2, 30))
        assert found is None or found == NoduleMeasurement.from_dict(found.to_dict())


@pytest.mark.parametrize("hu", [np.nan, -1000, -3024, 40, 3071])
def test_images_of_one_value(cut: NoduleCut, hu: float):
    flat = replace(cut.volume, array=np.full(cut.volume.array.shape, hu, dtype=np.float32))
    assert measure_at(flat, np.array(cut.volume.array.shape) / 2) is None


def test_half_a_nodule_says_so(cut: NoduleCut):
    inverse = np.linalg.inv(cut.volume.affine_lps)
    middle = (inverse @ [*cut.nodule.center_lps_mm, 1.0])[:3]
    half = replace(cut.volume, array=cut.volume.array[:, :, : int(middle[2]) + 1])
    found = measure_at(half, np.minimum(middle, np.array(half.array.shape) - 1), 10.0)
    assert found is not None
    assert any("border of the scan" in note for note in found.notes)


def test_one_slice(cut: NoduleCut):
    inverse = np.linalg.inv(cut.volume.affine_lps)
    middle = (inverse @ [*cut.nodule.center_lps_mm, 1.0])[:3]
    affine = cut.volume.affine_lps.copy()
    affine[:3, 3] = (affine @ [0, 0, round(middle[2]), 1])[:3]
    one = replace(cut.volume, array=cut.volume.array[:, :, round(middle[2]) : round(middle[2]) + 1], affine_lps=affine)
    found = measure_at(one, np.array([*middle[:2], 0.0]), 10.0)
    assert found is not None
    assert any("one slice" in note for note in found.notes)


def test_empty_lungs_and_half_a_lung_are_no_fault(cut: NoduleCut):
    labels = np.zeros(cut.volume.array.shape, dtype=np.uint8)
    with pytest.raises(NoduleError, match="no lung around"):
        measure_nodule(cut.volume, cut.nodule.center_lps_mm, 10.0, labels)
    half = cut.lungs.astype(np.uint8)
    half[:, :, : half.shape[2] // 2 - 6] = 0
    assert measure_nodule(cut.volume, cut.nodule.center_lps_mm, 10.0, half).side == "right"


def test_lungs_are_looked_for_in_anything(cut: NoduleCut):
    for array in (cut.volume.array, cut.volume.array[:, :, :1], cut.volume.array[:1], np.full((9, 9, 9), np.nan)):
        found = lung_mask(array, cut.volume.affine_lps)
        assert found.labels.shape == array.shape
        assert found.found or found.reason
