import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import ScaleIntensityRange
from pydicom.dataset import Dataset
from pydicom.pixels import apply_rescale

from lungdet.geometry import hounsfield


def zyx_view(block: torch.Tensor) -> torch.Tensor:
    """A scan as readers give it: an (X, Y, Z) view of a (Z, Y, X) block."""
    return block.permute(2, 1, 0)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("lung", -1400, 200), ("mediastinum", -125, 225), ("bone", -500, 1300), ("detection", -1000, 400)],
)
def test_named_windows(name, low, high):
    assert hounsfield.window_by_name(name) == (low, high)


def test_unknown_window_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'liver'.*'bone'.*'lung'"):
        hounsfield.window_by_name("liver")


def test_windows_cannot_be_changed():
    with pytest.raises(TypeError):
        hounsfield.WINDOWS_HU["lung"] = hounsfield.Window(0, 1)


def test_unsigned_values_do_not_wrap_around():
    stored = torch.tensor([0, 1, 65535], dtype=torch.uint16)
    assert hounsfield.stored_to_hu(stored, 1, -1024).tolist() == [-1024, -1023, 64511]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_rescale_agrees_with_pydicom(dtype):
    stored = np.arange(0, 200, dtype=dtype).reshape(10, 20)
    header = Dataset()
    header.RescaleSlope, header.RescaleIntercept = "1.5", "-1024"
    ours = hounsfield.stored_to_hu(torch.from_numpy(stored), 1.5, -1024)
    assert ours.dtype == torch.float32
    assert np.allclose(ours.numpy(), apply_rescale(stored, header))


def test_each_slice_has_its_own_slope():
    stored = torch.ones(1, 2, 2, 3, dtype=torch.int16)
    rescaled = hounsfield.stored_to_hu(stored, torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, -1.0, -2.0]))
    assert rescaled[0, 0, 0].tolist() == [1, 1, 1]
    assert hounsfield.stored_to_hu(stored, torch.tensor([4.0]))[0, 0, 0].tolist() == [4, 4, 4]


def test_slopes_must_fit_the_slices():
    with pytest.raises(ValueError, match=r"slope has shape .2,., but the image has 3"):
        hounsfield.stored_to_hu(torch.ones(2, 2, 3), torch.tensor([1.0, 2.0]))


def test_rescale_leaves_its_argument_alone():
    stored = torch.ones(4)
    hounsfield.stored_to_hu(stored, 2, 3)
    assert stored.tolist() == [1, 1, 1, 1]


def test_scale_by_hand():
    image = torch.tensor([-1400.0, -600, 200, 3000, -2000])
    assert hounsfield.scale_hu(image, -1400, 200).tolist() == [0, 0.5, 1, 1, 0]
    assert hounsfield.scale_hu(image, -1400, 200, clip=False).tolist() == pytest.approx([0, 0.5, 1, 2.75, -0.375])


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.float16, torch.float32, torch.float64])
def test_scale_agrees_with_monai(dtype):
    image = torch.arange(-1100, 500).to(dtype)
    theirs = ScaleIntensityRange(-1000, 400, 0, 1, clip=True)(image.double())
    ours = hounsfield.scale_hu(image, -1000, 400)
    assert ours.dtype == torch.float32
    assert torch.allclose(ours, theirs.as_tensor(), atol=1e-6)


@given(st.floats(-1400, 200), st.floats(-1400, 0), st.floats(1, 2000))
def test_scale_and_back_inside_the_window(value, low, width):
    image = torch.tensor([min(max(value, low), low + width)])
    back = hounsfield.unscale_hu(hounsfield.scale_hu(image, low, low + width), low, low + width)
    assert torch.allclose(back, image, atol=1e-3)


def test_memory_order_is_kept_and_the_argument_left_alone():
    block = torch.randint(-1000, 400, (5, 4, 3), dtype=torch.int16)
    scan = zyx_view(block)
    for result in (hounsfield.scale_hu(scan, -1000, 400), hounsfield.stored_to_hu(scan, 1, 0)):
        assert result.stride() == scan.stride()
        assert result.permute(2, 1, 0).is_contiguous()
    floats = scan.float()
    kept = floats.clone()
    hounsfield.scale_hu(floats, -1000, 400)
    hounsfield.unscale_hu(floats, -1000, 400)
    assert torch.equal(floats, kept)


@pytest.mark.parametrize(("low", "high"), [(400, -1000), (0, 0), (float("nan"), 1)])
def test_window_must_rise(low, high):
    for function in (hounsfield.scale_hu, hounsfield.unscale_hu):
        with pytest.raises(ValueError, match="must rise"):
            function(torch.zeros(1), low, high)


def test_no_voxels():
    assert hounsfield.scale_hu(torch.empty(1, 0, 4, 4), 0, 1).shape == (1, 0, 4, 4)
    assert hounsfield.stored_to_hu(torch.empty(0, dtype=torch.int16)).dtype == torch.float32
    assert hounsfield.padding_mask(torch.empty(0), below_hu=-1024).shape == (0,)


def test_padding_by_value_and_by_threshold():
    image = torch.tensor([-3024.0, -2000, -1024, -1000, 0, 3071, float("nan")])
    assert hounsfield.padding_mask(image, (-2000, 3071)).tolist() == [False, True, False, False, False, True, False]
    assert hounsfield.padding_mask(image, below_hu=-1024).tolist() == [True, True, False, False, False, False, True]
    assert hounsfield.padding_mask(image, (0,), -1024).sum() == 4
    assert not hounsfield.padding_mask(image).any()


@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64, torch.float32, torch.float64])
@pytest.mark.parametrize("below", [-1024, -1024.5, -1023.9, -5000, 40000])
def test_filling_is_what_the_mask_says(dtype, below):
    image = torch.tensor([-3024, -1025, -1024, -1023, 50, 3071]).to(dtype)
    filled = hounsfield.fill_padding(image, -7, below_hu=below)
    assert filled.dtype == dtype
    expected = [-7 if value < below else value for value in image.tolist()]
    assert filled.tolist() == expected
    assert hounsfield.padding_mask(image, below_hu=below).tolist() == [value < below for value in image.tolist()]


def test_filling_half_precision():
    image = torch.tensor([-3024.0, -1024, 50], dtype=torch.float16)
    assert hounsfield.fill_padding(image, below_hu=-1024).tolist() == [-1000, -1024, 50]


def test_filling_sees_nan_and_single_values():
    image = torch.tensor([float("nan"), -2000, 50, 3071])
    assert hounsfield.fill_padding(image, below_hu=-1024).tolist() == [-1000, -1000, 50, 3071]
    assert hounsfield.fill_padding(image[1:], 0, (3071,)).tolist() == [-2000, 50, 0]


@pytest.mark.parametrize("padding", [{"below_hu": -1024}, {"padding_hu": (-2000,)}, {}])
def test_nothing_to_fill_copies_nothing(padding):
    for image in (torch.zeros(3, dtype=torch.int16), torch.empty(0)):
        assert hounsfield.fill_padding(image, **padding) is image


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda():
    scan = zyx_view(torch.randint(-3000, 3000, (9, 8, 7), dtype=torch.int16))
    slopes = torch.linspace(1, 2, scan.shape[-1])
    assert torch.allclose(hounsfield.scale_hu(scan.cuda(), -1000, 400).cpu(), hounsfield.scale_hu(scan, -1000, 400))
    ours = hounsfield.stored_to_hu(scan.cuda(), slopes, -1024)
    assert torch.allclose(ours.cpu(), hounsfield.stored_to_hu(scan, slopes, -1024))


def test_a_type_without_values_below_the_bound_holds_no_padding_by_it():
    image = torch.tensor([0, 1, 255], dtype=torch.uint8)
    assert hounsfield.padding_mask(image, below_hu=-1024).tolist() == [False, False, False]
    assert hounsfield.padding_mask(image, padding_hu=[255], below_hu=-1024).tolist() == [False, False, True]
    assert hounsfield.fill_padding(image, 7, padding_hu=[255], below_hu=-1024).tolist() == [0, 1, 7]
