import numpy as np
import pytest

from lungdet.readers import dicom_jpeg_ls
from lungdet.readers.dicom_jpeg_ls import decode_jpeg_ls
from lungdet.readers.dicom_streams import read_stream_header

pyjpegls = pytest.importorskip("jpeg_ls")


@pytest.fixture(params=["charls", "pyjpegls"])
def way(request, monkeypatch) -> str:
    """Both ways to the same codec."""
    if request.param == "pyjpegls":
        monkeypatch.setattr(dicom_jpeg_ls, "_function_of_charls", lambda: None)
    elif dicom_jpeg_ls._function_of_charls() is None:
        pytest.skip("this pyjpegls hides CharLS")
    return request.param


def encoded(dtype) -> tuple[np.ndarray, bytes]:
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (13, 17)).astype(dtype)
    return pixels, bytes(pyjpegls.encode_array(pixels))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_come_back(way: str, dtype):
    pixels, data = encoded(dtype)
    decoded = decode_jpeg_ls(pyjpegls, data, read_stream_header(data))
    assert decoded.dtype == dtype
    np.testing.assert_array_equal(decoded.reshape(13, 17), pixels)


def test_a_damaged_stream_is_refused(way: str):
    _, data = encoded(np.uint16)
    with pytest.raises(RuntimeError):
        decode_jpeg_ls(pyjpegls, data[: len(data) // 2], read_stream_header(data))


def test_a_stream_larger_than_its_target_is_refused():
    """Memory is taken for what was checked; CharLS must not write beyond."""
    if dicom_jpeg_ls._function_of_charls() is None:
        pytest.skip("this pyjpegls hides CharLS")
    _, data = encoded(np.uint16)
    small = data.replace(b"\x00\x0d\x00\x11", b"\x00\x0c\x00\x11", 1)
    assert small != data
    with pytest.raises(RuntimeError, match="CharLS: "):
        decode_jpeg_ls(pyjpegls, data, read_stream_header(small))


def test_an_extension_that_hides_charls_is_no_error(monkeypatch):
    dicom_jpeg_ls._function_of_charls.cache_clear()
    monkeypatch.setattr(dicom_jpeg_ls.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    assert dicom_jpeg_ls._function_of_charls() is None
    dicom_jpeg_ls._function_of_charls.cache_clear()
