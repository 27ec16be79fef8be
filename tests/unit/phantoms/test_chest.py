"""The chest as a whole: same seed, same bytes; same patient at every spacing; looks like a chest in numbers."""

import numpy as np
import pytest
from scipy import ndimage

from lungdet.geometry.frames import spacing_of, world_to_voxel
from lungdet.phantoms import make_chest
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.thorax import Y_TABLE, Z_TABLE

SMALL = {"shape": (96, 96, 64), "spacing_mm": (3.0, 3.0, 3.0)}


def test_same_seed_gives_the_same_bytes():
    one, two = make_chest(7, **SMALL), make_chest(7, **SMALL)
    assert one.volume.array.tobytes() == two.volume.array.tobytes()
    assert one.nodules == two.nodules
    assert one.volume.info == two.volume.info


def test_another_seed_gives_another_patient():
    one, two = make_chest(7, **SMALL), make_chest(8, **SMALL)
    assert (one.volume.array != two.volume.array).mean() > 0.5
    assert one.nodules != two.nodules
    assert not np.allclose(one.volume.affine_lps, two.volume.affine_lps)


def test_same_seed_shows_the_same_patient_at_another_spacing():
    fine = make_chest(7, shape=(144, 144, 110), spacing_mm=(2.0, 2.0, 2.0), dose="none")
    coarse = make_chest(7, **SMALL, dose="none", kernel="soft")
    assert {n.center_lps_mm for n in coarse.nodules} <= {n.center_lps_mm for n in (*fine.nodules, *fine.ignored)}
    assert coarse.nodules
    points = np.random.default_rng(0).uniform(-80, 80, (4000, 3)) + _middle(fine)
    read = [
        ndimage.map_coordinates(p.volume.array.astype(float), world_to_voxel(points, p.volume.affine_lps).T, order=1)
        for p in (fine, coarse)
    ]
    assert np.corrcoef(*read)[0, 1] > 0.93
    assert abs(np.median(read[0] - read[1])) < 15


def test_affine_is_axial_with_an_origin_of_its_own():
    volume = make_chest(3, shape=(32, 40, 24), spacing_mm=(8.0, 7.0, 9.0)).volume
    assert volume.array.shape == (32, 40, 24)
    assert volume.array.dtype == np.int16
    assert spacing_of(volume.affine_lps) == pytest.approx([8.0, 7.0, 9.0])
    assert np.array_equal(volume.affine_lps[:3, :3], np.diag([8.0, 7.0, 9.0]))  # left, back, head
    assert (np.abs(volume.affine_lps[:3, 3]) > 1).all()


def test_organs_are_where_they_belong():
    volume = make_chest(4, shape=(128, 128, 90), spacing_mm=(2.8, 2.8, 3.0), dose="none").volume
    array = volume.array
    lung = _lungs(array)
    litres = lung.sum() * 2.8 * 2.8 * 3.0 / 1e6
    assert 2.0 < litres < 8.0
    assert -900 < np.median(array[lung]) < -780
    places = np.argwhere(lung)
    assert places[:, 0].min() > 8  # the chest wall is all around
    left, right = lung[64:].sum(), lung[:64].sum()
    assert 0.6 < left / right < 1.4
    bones = np.argwhere(array > 350)
    spine = bones[np.abs(bones[:, 0] - 63.5) < 4]
    assert np.median(spine[:, 1]) > 75  # the spine is at the back
    bottom, top = lung[:, :, :30].sum(axis=(0, 1)), lung[:, :, 70:].sum(axis=(0, 1))
    assert top[-1] < 0.5 * top.max()  # narrows to the apex
    assert bottom[0] < 0.5 * bottom.max()  # and over the domes of the diaphragm


def test_the_heart_pushes_the_left_lung_further_than_the_right():
    for seed in range(4):
        mediastinum = draw_patient(seed).mediastinum
        level = np.abs(Z_TABLE + 50).argmin()
        front = Y_TABLE < 20
        assert mediastinum.left_mm[level, front].max() > -mediastinum.right_mm[level, front].min() + 8


def test_no_dose_means_no_noise_and_less_dose_more():
    air = [make_chest(2, **SMALL, dose=dose).volume.array[:12, :12].std() for dose in ("none", "standard", "low")]
    assert air[0] == 0
    assert 2 < air[1] < air[2]


def test_padding_lies_outside_the_field_of_view_only():
    padded = make_chest(2, **SMALL, padding_hu=-2000).volume.array
    plain = make_chest(2, **SMALL).volume.array
    outside = padded == -2000
    assert outside[0, 0].all()
    assert not outside[48, 48].any()
    assert 0.15 < outside.mean() < 0.28  # 1 - pi / 4
    assert np.array_equal(padded[~outside], plain[~outside])


def test_thick_slices_blur_along_z():
    thin = make_chest(2, shape=(96, 96, 30), spacing_mm=(3.0, 3.0, 5.0), thickness_mm=1.0, dose="none").volume.array
    thick = make_chest(2, shape=(96, 96, 30), spacing_mm=(3.0, 3.0, 5.0), thickness_mm=7.5, dose="none").volume.array
    assert np.abs(np.diff(thick.astype(int), axis=2)).mean() < 0.9 * np.abs(np.diff(thin.astype(int), axis=2)).mean()


def test_a_chest_without_nodules():
    phantom = make_chest(1, shape=(32, 32, 16), spacing_mm=(9.0, 9.0, 12.0), nodules=0)
    assert phantom.nodules == ()
    assert phantom.ignored == ()


def test_nodules_that_the_border_cuts_are_ignored():
    whole = make_chest(6, shape=(96, 96, 80), spacing_mm=(3.6, 3.6, 3.6), nodules=12)
    middle = whole.nodules[0].center_lps_mm[2] - (whole.volume.affine_lps[2, 3] + 79 * 3.6 / 2)
    slices = 2 * int(abs(middle) / 3.6)  # a border that runs about through the first nodule
    cut = make_chest(6, shape=(96, 96, max(slices, 2)), spacing_mm=(3.6, 3.6, 3.6), nodules=12)
    assert whole.nodules[0] not in cut.nodules
    assert len(cut.nodules) + len(cut.ignored) < len(whole.nodules)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"seed": 1, "shape": (0, 9, 9)},
        {"seed": 1, "spacing_mm": (1.0, 0.0, 1.0)},
        {"seed": 1, "thickness_mm": -2.0},
        {"seed": 1, "kernel": "sharpest", "shape": (8, 8, 8)},
        {"seed": 1, "dose": "huge", "shape": (8, 8, 8)},
        {"seed": 1, "nodules": -1},
        {"seed": 1, "nodules": 4000},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"seed|shape|kernel|dose|number of nodules|no place"):
        make_chest(**wrong)


def _lungs(array):
    """The two largest airy parts inside the body."""
    labels, count = ndimage.label(array < -500)
    outside = set(np.unique(labels[[0, -1]])) | set(np.unique(labels[:, [0, -1]]))
    sizes = ndimage.sum_labels(np.ones_like(labels), labels, range(count + 1))
    sizes[list(outside)] = 0
    return np.isin(labels, np.argsort(sizes)[-2:])


def _middle(phantom):
    low = phantom.volume.affine_lps[:3, 3]
    return low + (np.array(phantom.volume.array.shape) - 1) / 2 * spacing_of(phantom.volume.affine_lps)
