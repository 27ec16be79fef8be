"""Nodules of known shape, drawn voxel by voxel: volume, diameters, wall and vessel, and what cannot be measured."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from lungdet.geometry.nodule_segmentation import segment_nodule
from lungdet.geometry.nodule_size import (
    axial_diameters,
    mean_hu,
    nodule_volume_mm3,
    pleural_contact_mm2,
    pleural_distance_mm,
    solid_fraction,
)
from lungdet.geometry.nodule_window import NoduleError, cut_window, refine
from lungdet.geometry.recist import recist_diameters
from lungdet.transforms import RecistToBox

LUNG, TISSUE = -850.0, 30.0
PARTS = 4


def draw(half_axes, spacing=(0.8, 0.8, 1.0), *, hu=TISSUE, wall_x=None, vessel=None, noise=0.0, core=0.0, size=52.0):
    """An ellipsoid in the middle of lung; wall beyond ``wall_x`` mm, a vessel along y at ``(x, radius)``."""
    counts = [int(size / step) for step in spacing]
    total = np.zeros(counts)
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(counts, spacing, strict=True)]
    for shift in (np.arange(PARTS) + 0.5) / PARTS - 0.5:  # slices are means over their thickness
        x, y, z = np.meshgrid(axes[0], axes[1], axes[2] + shift * spacing[2], indexing="ij")
        level = np.sqrt(sum((axis / half) ** 2 for axis, half in zip((x, y, z), half_axes, strict=True)))
        image = np.where(level < 1, hu, LUNG)
        image = np.where(level < core, TISSUE, image)
        if vessel is not None:
            image = np.where(np.hypot(x - vessel[0], z) < vessel[1], TISSUE, image)
        total += image if wall_x is None else np.where(x > wall_x, TISSUE, image)
    blurred = gaussian_filter(total / PARTS, (0.65 / spacing[0], 0.65 / spacing[1], 0), mode="nearest")
    blurred += np.random.default_rng(1).normal(0, 1, counts) * noise
    return blurred.astype(np.int16), spacing, (np.array(counts) - 1) / 2


def ball(radius):
    return 4 / 3 * np.pi * radius**3


@pytest.mark.parametrize("thick", [1.0, 2.5, 5.0])
@pytest.mark.parametrize("radius", [3.0, 6.0, 12.0])
def test_balls_keep_their_volume_in_thick_slices(radius, thick):
    image, spacing, middle = draw((radius,) * 3, (0.8, 0.8, thick), noise=15.0)
    nodule = segment_nodule(image, spacing, middle + [0.6, -0.5, 0.2], 2.2 * radius)
    assert nodule_volume_mm3(nodule) == pytest.approx(ball(radius), rel=0.1 if radius > 3 else 0.2)
    found = axial_diameters(nodule)
    assert found.long_mm == pytest.approx(2 * radius, abs=1.0)
    assert found.short_mm == pytest.approx(2 * radius, abs=1.2)
    assert nodule.density == "solid"
    assert solid_fraction(nodule) == 1.0


def test_ends_are_those_of_an_ellipse_and_recist_to_box_takes_them():
    image, spacing, middle = draw((10.0, 5.0, 6.0))
    found = axial_diameters(segment_nodule(image, spacing, middle, 13.0))
    ends = torch.tensor(found.ends_voxel[None])
    lengths = recist_diameters(ends, spacing[:2])[0].tolist()
    assert lengths == pytest.approx([found.long_mm, found.short_mm])
    assert lengths == pytest.approx([20.0, 10.0], abs=0.7)
    assert np.allclose(found.ends_voxel.mean(axis=0), middle[:2], atol=0.5)
    box = RecistToBox(origin="voxel")(ends)[0]
    wanted = [middle[0] + 0.5 - 12.5, middle[1] + 0.5 - 6.25, middle[0] + 0.5 + 12.5, middle[1] + 0.5 + 6.25]
    assert box.tolist() == pytest.approx(wanted, abs=0.8)
    axes = found.ends_voxel[1::2] - found.ends_voxel[::2]
    assert abs(axes[0] @ axes[1]) < 1e-6 * np.linalg.norm(axes, axis=1).prod()
    assert abs(found.slice_index - middle[2]) < 1.1


def test_ground_glass_and_part_solid():
    image, spacing, middle = draw((8.0, 8.0, 8.0), hu=-550.0, noise=15.0)
    glass = segment_nodule(image, spacing, middle, 15.0)
    assert glass.density == "ground_glass"
    assert solid_fraction(glass) < 0.05
    assert nodule_volume_mm3(glass) == pytest.approx(ball(8), rel=0.1)
    assert mean_hu(glass) == pytest.approx(-550, abs=30)
    image, spacing, middle = draw((9.0, 9.0, 9.0), hu=-600.0, core=0.5, noise=15.0)
    part = segment_nodule(image, spacing, middle, 17.0)
    assert part.density == "part_solid"
    assert nodule_volume_mm3(part) == pytest.approx(ball(9), rel=0.12)
    assert solid_fraction(part) == pytest.approx(0.5**3, abs=0.06)


@pytest.mark.parametrize("given", [False, True])
def test_a_wall_is_cut_off(given):
    image, spacing, middle = draw((6.0, 6.0, 6.0), wall_x=3.0)
    mask = np.zeros(image.shape, bool)
    mask[: int(middle[0] + 3.0 / 0.8) + 1] = True
    nodule = segment_nodule(image, spacing, middle, 12.0, lung_mask=mask if given else None)
    cap = np.pi * 3**2 * (3 * 6 - 3) / 3  # of the ball, in the wall
    assert nodule_volume_mm3(nodule) == pytest.approx(ball(6) - cap, rel=0.12)
    assert pleural_distance_mm(nodule) == 0
    assert pleural_contact_mm2(nodule) == pytest.approx(np.pi * (36 - 9), rel=0.5)  # and a rim where both edges blur


def test_the_way_to_a_wall_and_none():
    image, spacing, middle = draw((5.0, 5.0, 5.0), wall_x=12.0)
    nodule = segment_nodule(image, spacing, middle, 10.0)
    assert pleural_distance_mm(nodule) == pytest.approx(7.0, abs=1.0)
    assert pleural_contact_mm2(nodule) == 0
    image, spacing, middle = draw((5.0, 5.0, 5.0))
    assert pleural_distance_mm(segment_nodule(image, spacing, middle, 10.0)) is None


def test_a_vessel_is_cut_off():
    image, spacing, middle = draw((6.0, 6.0, 6.0), vessel=(6.5, 1.6), noise=10.0)
    nodule = segment_nodule(image, spacing, middle, 12.0)
    assert nodule.at_vessel.any()
    assert nodule_volume_mm3(nodule) == pytest.approx(ball(6), rel=0.15)
    assert axial_diameters(nodule).long_mm == pytest.approx(12.0, abs=2.0)


@pytest.mark.parametrize("guess", [None, 6.0, 20.0])
def test_a_wrong_size_does_not_matter_much(guess):
    image, spacing, middle = draw((6.0, 6.0, 6.0))
    assert nodule_volume_mm3(segment_nodule(image, spacing, middle, guess)) == pytest.approx(ball(6), rel=0.06)


def test_a_shift_of_the_image_moves_the_ends_with_it():
    image, spacing, middle = draw((7.0, 5.0, 5.0))
    found = axial_diameters(segment_nodule(image, spacing, middle, 11.0))
    moved = axial_diameters(segment_nodule(image[5:, 3:, 2:], spacing, middle - [5, 3, 2], 11.0))
    assert np.allclose(moved.ends_voxel + [5, 3], found.ends_voxel)
    assert moved.slice_index + 2 == found.slice_index


def test_a_cut_nodule_says_so_and_one_slice_is_measured():
    image, spacing, middle = draw((7.0, 7.0, 7.0))
    low = int(middle[2])
    cut = segment_nodule(image[:, :, low:], spacing, [*middle[:2], 1.0], 14.0)
    assert cut.at_border.sum() > 50
    assert nodule_volume_mm3(cut) == pytest.approx(ball(7) / 2 + np.pi * 49, rel=0.1)  # from 1 mm below the middle
    one = segment_nodule(image[:, :, low : low + 1], spacing, [*middle[:2], 0.0], 14.0)
    assert axial_diameters(one).long_mm == pytest.approx(14.0, abs=1.0)


def test_what_cannot_be_measured():
    image, spacing, middle = draw((5.0, 5.0, 5.0), wall_x=18.0, size=60.0)
    for place, words in (
        ((-3.0, 5.0, 5.0), "outside the image"),
        ((np.nan, 5.0, 5.0), "finite"),
        ((20.0, 60.0, 30.0), "nothing stands out"),
        ((image.shape[0] - 2.0, middle[1], middle[2]), "no lung around|no end in the lung"),
    ):
        with pytest.raises(NoduleError, match=words):
            segment_nodule(image, spacing, place, 8.0)
    broken = image.astype(np.float32)
    broken[int(middle[0]), int(middle[1]), int(middle[2])] = np.nan
    with pytest.raises(NoduleError, match="1 voxels about the mark are no finite numbers"):
        segment_nodule(broken, spacing, middle, 8.0)
    with pytest.raises(NoduleError, match="no finite numbers"):
        segment_nodule(np.full_like(broken, np.nan), spacing, middle, 8.0)
    for wrong in (0.0, -1.0, np.nan, 200.0):
        with pytest.raises(NoduleError, match="mm"):
            segment_nodule(image, spacing, middle, wrong)
    with pytest.raises(NoduleError, match="mask must have the shape"):
        segment_nodule(image, spacing, middle, 8.0, lung_mask=np.ones((2, 2, 2)))
    for sizes in ((1.0, 1.0), (0.0, 1.0, 1.0)):
        with pytest.raises(NoduleError, match="voxel sizes"):
            segment_nodule(image, sizes, middle, 8.0)
    with pytest.raises(NoduleError, match="X, Y, Z"):
        segment_nodule(image[0], spacing, middle, 8.0)


def test_numbers_far_away_may_be_missing():
    image, spacing, middle = draw((5.0, 5.0, 5.0))
    padded = image.astype(np.float32)
    padded[:4] = np.nan
    padded[:, :4] = -3024.0
    assert nodule_volume_mm3(segment_nodule(padded, spacing, middle, 10.0)) == pytest.approx(ball(5), rel=0.1)


def test_a_window_counts_mm_and_voxels():
    window = cut_window(np.zeros((40, 30, 20), np.int16), (1.0, 1.0, 2.5), np.array([20.0, 3.0, 10.0]), 8.0)
    place = np.array([14.0, 6.0, 11.0])
    assert np.allclose(window.to_voxel(window.to_mm(place)), place)
    assert window.at_border.tolist() == [[False, False], [True, False], [False, False]]
    assert window.step_mm.tolist() == [1.0, 1.0, 2.5 / 3]
    assert refine(np.zeros((4, 1, 3)), np.array([2, 1, 3])).shape == (7, 1, 7)
