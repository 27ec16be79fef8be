"""Measuring at a mark, in patient coordinates."""

from dataclasses import replace

import numpy as np
import pytest

from lungdet.geometry.frames import voxel_to_world
from lungdet.geometry.nodule_window import NoduleError
from lungdet.lesions import measure_nodule
from lungdet.phantoms import make_nodule_cut
from lungdet.records import CTVolume, NoduleMeasurement


@pytest.fixture(scope="module")
def cut():
    return make_nodule_cut(8, 11.0, spacing_mm=(1.0, 1.0, 1.25))


@pytest.fixture(scope="module")
def found(cut):
    return measure_nodule(cut.volume, cut.nodule.center_lps_mm, 11.0)


def turned(volume, order, flips):
    """The same patient with the array's axes in another order and direction."""
    array, affine = volume.array.transpose(order), volume.affine_lps[:, [*order, 3]]
    for axis in flips:
        affine = affine.copy()
        affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
        affine[:3, axis] *= -1
        array = np.flip(array, axis)
    return CTVolume(array, affine, volume.info)


def test_agrees_with_the_truth(cut, found):
    assert found.volume_mm3 == pytest.approx(cut.volume_mm3, rel=0.12)
    assert found.long_mm == pytest.approx(cut.long_axial_mm, abs=1.5)
    assert np.linalg.norm(np.subtract(found.center_lps_mm, cut.nodule.center_lps_mm)) < 1.5
    assert found.density == "solid"
    assert found.side is None


def test_prone_or_feet_first_makes_no_difference(cut, found):
    other = measure_nodule(turned(cut.volume, (1, 0, 2), (0, 2)), cut.nodule.center_lps_mm, 11.0)
    assert other.volume_mm3 == pytest.approx(found.volume_mm3, rel=0.03)
    assert other.long_mm == pytest.approx(found.long_mm, abs=0.5)
    assert np.allclose(other.center_lps_mm, found.center_lps_mm, atol=0.3)


def test_ends_lie_where_the_nodule_is(cut, found):
    ends = np.column_stack([np.array(found.recist_voxel), np.full(4, found.slice_index)])
    mm = voxel_to_world(ends, cut.volume.affine_lps)
    assert np.linalg.norm(mm[1] - mm[0]) == pytest.approx(found.long_mm)
    assert np.linalg.norm(mm[3] - mm[2]) == pytest.approx(found.short_mm)
    low, high = np.array(cut.nodule.box_lps_mm[:3]) - 2, np.array(cut.nodule.box_lps_mm[3:]) + 2
    assert ((mm > low) & (mm < high)).all()


def test_side_is_that_of_the_labels(cut):
    for label, side in ((1, "right"), (2, "left"), (3, None)):
        labels = (cut.lungs * label).astype(np.uint8)
        assert measure_nodule(cut.volume, cut.nodule.center_lps_mm, 11.0, labels).side == side
    assert measure_nodule(cut.volume, cut.nodule.center_lps_mm, 11.0, cut.lungs).side is None


def test_the_same_nodule_in_two_scans(cut, found):
    again = make_nodule_cut(8, 11.0, spacing_mm=(1.0, 1.0, 1.25), scan_seed=1, dose="low")
    second = measure_nodule(again.volume, again.nodule.center_lps_mm, 11.0)
    assert second.volume_mm3 == pytest.approx(found.volume_mm3, rel=0.08)


def test_notes_tell_of_borders_and_thick_slices(cut):
    middle = cut.volume.array.shape[2] // 2
    mark = cut.nodule.center_lps_mm
    one = CTVolume(cut.volume.array[:, :, middle : middle + 1], cut.volume.affine_lps.copy(), cut.volume.info)
    one.affine_lps[:3, 3] += one.affine_lps[:3, 2] * middle
    assert "one slice" in measure_nodule(one, (*mark[:2], float(one.affine_lps[2, 3])), 11.0).notes[0]
    half = CTVolume(cut.volume.array[:, :, : middle + 1], cut.volume.affine_lps, cut.volume.info)
    assert "border of the scan cuts" in measure_nodule(half, mark, 11.0).notes[0]
    thick = make_nodule_cut(8, 6.0, spacing_mm=(1.0, 1.0, 5.0))
    assert "height is not seen" in measure_nodule(thick.volume, thick.nodule.center_lps_mm, 6.0).notes[0]


@pytest.mark.parametrize(("order", "plane"), [((0, 1, 2), ""), ((0, 2, 1), "coronal"), ((2, 1, 0), "sagittal")])
def test_notes_tell_that_slices_are_not_axial(cut, order, plane):
    found = measure_nodule(turned(cut.volume, order, (1,)), cut.nodule.center_lps_mm, 11.0)
    said = f"the slices are not axial: diameters are of {plane} slices"
    assert [note for note in found.notes if "axial" in note] == ([said] if plane else [])


def test_facts_survive_json(found):
    assert NoduleMeasurement.from_dict(found.to_dict()) == found


def test_what_cannot_be_measured(cut):
    with pytest.raises(NoduleError, match="outside the image"):
        measure_nodule(cut.volume, (1e4, 0.0, 0.0), 10.0)
    tilted = cut.volume.affine_lps.copy()
    tilted[1, 2] = 0.4
    with pytest.raises(NoduleError, match="not perpendicular"):
        measure_nodule(replace(cut.volume, affine_lps=tilted), cut.nodule.center_lps_mm, 10.0)
