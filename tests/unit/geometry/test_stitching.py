import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.geometry import stitching
from lungdet.geometry.patches import extract_patch, grid_origins, grid_starts

sizes = st.tuples(*[st.integers(1, 12)] * 3)


def cut(image, patch_size, step, border):
    origins = grid_origins(grid_starts(image.shape[1:], patch_size, step, border))
    return [extract_patch(image, origin, patch_size, pad_value=99) for origin in origins], origins


def test_owners_by_hand():
    assert stitching.owned_intervals([0], 4) == [(-math.inf, math.inf)]
    assert stitching.owned_intervals([0, 4], 4) == [(-math.inf, 4), (4, math.inf)]
    assert stitching.owned_region((6, 0), [[0, 3, 6], [0]], (5, 9)) == ([7, -math.inf], [math.inf, math.inf])


@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 20), st.floats(0, 60), st.sampled_from(["pad", "shift"]))
def test_each_point_has_one_owner_and_lies_in_its_patch(length, patch, step, point, border):
    (starts,) = grid_starts([length], [patch], [min(step, patch)], border)
    point = min(point, length - 1e-3)
    intervals = stitching.owned_intervals(starts, patch)
    owners = [start for start, (low, high) in zip(starts, intervals, strict=True) if low <= point < high]
    assert len(owners) == 1
    assert owners[0] <= point < owners[0] + patch


def test_starts_are_read_back_in_any_order():
    starts = [[0, 3, 5], [0], [0, 7]]
    origins = grid_origins(starts)
    assert stitching.starts_of(origins[::-1]) == starts


def test_missing_and_double_patches_are_noticed():
    origins = grid_origins([[0, 3], [0, 3], [0]])
    with pytest.raises(ValueError, match="1 of 4 patches of the grid are missing"):
        stitching.starts_of(origins[:-1])
    with pytest.raises(ValueError, match="1 of 5 patches come twice"):
        stitching.starts_of([*origins, origins[0]])
    with pytest.raises(ValueError, match="no patches"):
        stitching.starts_of([])


def test_windows_by_hand():
    assert stitching.axis_window(3).tolist() == [1, 1, 1]
    gaussian = stitching.axis_window(5, "gaussian")  # sigma is 0.625
    assert gaussian.tolist() == pytest.approx([math.exp(-((x / 0.625) ** 2) / 2) for x in (-2, -1, 0, 1, 2)])


def test_totals_by_hand():
    assert stitching.axis_total([0, 2, 4], stitching.axis_window(4), 7).tolist() == [1, 1, 2, 2, 2, 2, 1]


def test_gaussian_trusts_the_middle():
    patches = [torch.zeros(1, 8), torch.ones(1, 8)]
    stitched = stitching.stitch_patches(patches, [(0,), (4,)], (12,), "gaussian")
    assert stitched[0, 4] < 0.1  # next to the middle of the first, at the far end of the second
    assert stitched[0, 7] > 0.9


def test_unknown_blend_is_refused():
    with pytest.raises(ValueError, match="blend"):
        stitching.axis_window(4, "max")


@settings(deadline=None, max_examples=60)
@given(sizes, sizes, sizes, st.sampled_from(["pad", "shift"]), st.sampled_from(["average", "gaussian"]), st.randoms())
def test_cutting_and_stitching_is_identity(size, patch_size, step, border, blend, random):
    image = torch.rand(2, *size, generator=torch.Generator().manual_seed(random.randrange(1000)))
    patches, origins = cut(image, patch_size, [min(pair) for pair in zip(step, patch_size, strict=True)], border)
    order = random.sample(range(len(patches)), len(patches))
    stitched = stitching.stitch_patches([patches[i] for i in order], [origins[i] for i in order], size, blend)
    assert torch.allclose(stitched, image, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.int16, torch.uint8, torch.float16, torch.float32, torch.float64, torch.bool])
def test_a_partition_comes_back_bit_for_bit(dtype):
    image = (torch.rand(1, 9, 8, 7) * 100).to(dtype)
    stitched = stitching.stitch_patches(*cut(image, (4, 4, 4), (4, 4, 4), "pad"), (9, 8, 7))
    assert stitched.dtype == dtype
    assert torch.equal(stitched, image)


@pytest.mark.parametrize("dtype", [torch.int16, torch.uint8, torch.float64])
def test_overlapping_patches_keep_their_type(dtype):
    image = (torch.rand(1, 9, 8, 7) * 100).to(dtype)
    stitched = stitching.stitch_patches(*cut(image, (4, 4, 4), (2, 3, 4), "pad"), (9, 8, 7), "gaussian")
    assert stitched.dtype == dtype
    assert torch.allclose(stitched, image, atol=1e-10 if dtype == torch.float64 else 0)


def test_overlap_is_the_average_by_hand():
    patches = [torch.tensor([[1.0, 1, 1]]), torch.tensor([[3.0, 3, 3]])]
    assert stitching.stitch_patches(patches, [(0,), (2,)], (5,)).tolist() == [[1, 1, 2, 3, 3]]


def test_memory_order_is_kept():
    image = torch.rand(1, 5, 6, 7).permute(0, 3, 2, 1)
    for step in ((4, 4, 4), (3, 4, 4)):
        stitched = stitching.stitch_patches(*cut(image, (4, 4, 4), step, "shift"), image.shape[1:])
        assert stitched.permute(0, 3, 2, 1).is_contiguous()


def test_bad_patches_are_refused():
    ones = torch.ones(1, 4)
    with pytest.raises(ValueError, match="1 patches, but 2 origins"):
        stitching.stitch_patches([ones], [(0,), (4,)], (8,))
    with pytest.raises(ValueError, match="one shape"):
        stitching.stitch_patches([ones, torch.ones(1, 3)], [(0,), (4,)], (8,))
    for origins, size in [([(0,), (4,)], 9), ([(0,), (5,)], 8), ([(1,), (5,)], 8), ([(0,), (4,)], 4)]:
        with pytest.raises(ValueError, match="do not tile"):
            stitching.stitch_patches([ones, ones], origins, (size,))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda():
    image = torch.rand(1, 9, 8, 7).cuda()
    stitched = stitching.stitch_patches(*cut(image, (4, 4, 4), (2, 3, 4), "pad"), (9, 8, 7), "gaussian")
    assert stitched.is_cuda
    assert torch.allclose(stitched, image, atol=1e-6)
