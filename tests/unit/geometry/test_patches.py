import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import SpatialPad

from lungdet.geometry import patches

sizes = st.integers(1, 40)


def scan(x: int = 7, y: int = 6, z: int = 5) -> torch.Tensor:
    """An (X, Y, Z) view of a (Z, Y, X) block, as readers give it."""
    return torch.arange(x * y * z, dtype=torch.int16).reshape(1, z, y, x).permute(0, 3, 2, 1)


def test_starts_by_hand():
    assert patches.axis_starts(12, 4, 4) == [0, 4, 8]
    assert patches.axis_starts(13, 4, 4) == [0, 4, 8, 12]
    assert patches.axis_starts(13, 4, 4, "shift") == [0, 4, 8, 9]
    assert patches.axis_starts(3, 4, 2, "shift") == [0]
    assert patches.grid_starts((12, 5), (4, 4), (4, 3)) == [[0, 4, 8], [0, 3]]


@given(sizes, sizes, sizes, st.sampled_from(["pad", "shift"]))
def test_every_voxel_is_in_a_patch_and_no_patch_is_idle(length, patch, step, border):
    step = min(step, patch)
    starts = patches.axis_starts(length, patch, step, border)
    covered = set(itertools.chain.from_iterable(range(start, start + patch) for start in starts))
    assert set(range(length)) <= covered
    assert all(0 <= start < length for start in starts)
    assert starts == sorted(set(starts))
    if border == "shift" and patch <= length:
        assert starts[-1] + patch == length or len(starts) == 1


@pytest.mark.parametrize("arguments", [(0, 4, 4), (4, 0, 1), (4, 4, 0), (10, 4, 5)])
def test_bad_grids_are_refused(arguments):
    with pytest.raises(ValueError, match="gaps"):
        patches.axis_starts(*arguments)


def test_unknown_border_is_refused():
    with pytest.raises(ValueError, match="border"):
        patches.axis_starts(4, 4, 4, "wrap")


def test_axes_must_fit():
    with pytest.raises(ValueError, match="as many axes"):
        patches.grid_starts((4, 4, 4), (2, 2), (2, 2, 2))
    with pytest.raises(ValueError, match="3 axes"):
        patches.extract_patch(scan(), (0, 0), (2, 2))


def test_patch_inside_is_a_view():
    image = scan()
    patch = patches.extract_patch(image, (2, 1, 3), (4, 5, 2))
    assert torch.equal(patch, image[:, 2:6, 1:6, 3:5])
    assert patch.untyped_storage().data_ptr() == image.untyped_storage().data_ptr()
    assert patch.data_ptr() == image[:, 2:, 1:, 3:].data_ptr()


@pytest.mark.parametrize("origin", [(-2, 0, 0), (5, 4, 3), (-3, -3, -3), (0, 0, 4)])
def test_patch_that_sticks_out_is_padded(origin):
    image = scan()
    patch = patches.extract_patch(image, origin, (4, 4, 4), pad_value=-1000)
    whole = torch.full((1, 27, 26, 25), -1000, dtype=torch.int16)
    whole[:, 10:17, 10:16, 10:15] = image
    x, y, z = (10 + start for start in origin)
    assert patch.dtype == torch.int16
    assert torch.equal(patch, whole[:, x : x + 4, y : y + 4, z : z + 4])


@pytest.mark.parametrize("origin", [(50, 0, 0), (-50, 0, 0), (0, 0, 5)])
def test_patch_wholly_outside_is_padding(origin):
    assert (patches.extract_patch(scan(), origin, (4, 4, 4), pad_value=7) == 7).all()


def test_patch_larger_than_the_image():
    patch = patches.extract_patch(scan(), (-1, -1, -1), (9, 8, 7), pad_value=0)
    assert torch.equal(patch[:, 1:8, 1:7, 1:6], scan())
    assert patch.long().sum() == scan().long().sum()


def test_padding_needs_a_value():
    with pytest.raises(ValueError, match="give pad_value"):
        patches.extract_patch(scan(), (5, 5, 5), (4, 4, 4))


def test_padding_agrees_with_monai_and_keeps_the_memory_order():
    image = scan()
    padded = patches.pad_image(image, (1, 0, 2), (0, 3, 1), -1000)
    theirs = SpatialPad((8, 9, 8), value=-1000)(image)
    assert padded.shape == theirs.shape
    assert torch.equal(padded[:, 1:, :6, 2:7], image)
    assert padded.sum() == theirs.sum()
    assert padded.permute(0, 3, 2, 1).is_contiguous()


def test_padding_a_contiguous_image_stays_contiguous():
    assert patches.pad_image(torch.ones(2, 3, 4, 5), (1, 1, 1), (0, 0, 0), 0).is_contiguous()


def test_padding_must_not_be_negative():
    with pytest.raises(ValueError, match="negative"):
        patches.pad_image(scan(), (-1, 0, 0), (0, 0, 0), 0)


def test_empty_like_with_another_type():
    made = patches.empty_in_order(scan(), (2, 3, 4, 5), torch.float32)
    assert (made.shape, made.dtype) == ((2, 3, 4, 5), torch.float32)
    assert made.stride(1) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda():
    patch = patches.extract_patch(scan().cuda(), (5, 4, 3), (4, 4, 4), pad_value=-1000)
    assert patch.is_cuda
    assert torch.equal(patch.cpu(), patches.extract_patch(scan(), (5, 4, 3), (4, 4, 4), pad_value=-1000))
