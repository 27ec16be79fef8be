import numpy as np
import pytest
from monai.data import convert_box_mode as monai_convert

from lungdet.geometry.box_modes import BOX_MODES_2D, BOX_MODES_3D, convert_box_mode

PAIRS = [(a, b) for modes in (BOX_MODES_3D, BOX_MODES_2D) for a in modes for b in modes]


def boxes(dimensions: int, count: int = 20) -> np.ndarray:
    generator = np.random.default_rng(dimensions)
    low = generator.uniform(-100, 100, (count, dimensions))
    return np.concatenate([low, low + generator.uniform(1, 50, (count, dimensions))], axis=1)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_as_monai_does_and_back(source, target):
    standard, mode = boxes(len(source) // 2), "xyzxyz" if len(source) == 6 else "xyxy"
    written = convert_box_mode(standard, mode, source)
    out = convert_box_mode(written, source, target)
    assert np.allclose(out, monai_convert(written, source, target), atol=1e-4)  # MONAI goes through float32
    assert np.allclose(convert_box_mode(out, target, source), written)
    assert np.allclose(convert_box_mode(out, target, mode), standard)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_no_boxes(source, target):
    assert convert_box_mode([], source, target).shape == (0, len(source))


def test_mistakes():
    with pytest.raises(ValueError, match="box mode 'zyx' is none of"):
        convert_box_mode([], "zyx", "xyzxyz")
    with pytest.raises(ValueError, match="cannot be written as"):
        convert_box_mode([], "xyxy", "xyzxyz")
    with pytest.raises(ValueError, match=r"are \(N, 6\), got \(1, 4\)"):
        convert_box_mode([[1, 2, 3, 4]], "xyzxyz", "cccwhd")
