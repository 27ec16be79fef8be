"""DICOM in colour becomes luminance, in every order and compression of the samples; pydicom is the referee."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from lungdet.phantoms import write_radiograph_dicom
from lungdet.readers import RadiographError, read_radiograph

LUMINANCE = np.array([0.299, 0.587, 0.114])
COLOURS = np.random.default_rng(5).integers(0, 256, (64, 48, 3)).astype(np.uint8)
EXPECTED = COLOURS @ LUMINANCE / 255
# Files that come with pydicom. Those in YCbCr hold colours that RGB cannot, which pydicom clips and luminance does not.
KNOWN = {
    "ExplVR_BigEnd.dcm": 1e-5,
    "GDCMJ2K_TextGBR.dcm": 1e-5,
    "SC_jpeg_no_color_transform.dcm": 1e-5,
    "SC_jpeg_no_color_transform_2.dcm": 1e-5,
    "SC_rgb_dcmtk_+eb+cr.dcm": 1e-5,
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": 0.04,
    "SC_rgb_dcmtk_+eb+cy+np.dcm": 0.04,
    "SC_rgb_gdcm_KY.dcm": 1e-5,
    "SC_rgb_jls_lossy_line.dcm": 1e-5,
    "SC_rgb_jls_lossy_sample.dcm": 1e-5,
    "SC_rgb_jpeg_app14_dcmd.dcm": 1e-5,
    "SC_rgb_jpeg_dcmtk.dcm": 0.01,
    "SC_rgb_rle.dcm": 1e-5,
    "SC_rgb_rle_2frame.dcm": 1e-5,
    "SC_rgb_small_odd_big_endian.dcm": 1e-5,
    "SC_rgb_small_odd_jpeg.dcm": 0.01,
    "SC_ybr_full_422_uncompressed.dcm": 0.01,
}


def write(path: Path, data: bytes, photometric: str, planar: int = 0, **elements) -> pydicom.Dataset:
    write_radiograph_dicom(np.zeros(COLOURS.shape[:2], np.uint8), path, bits=8, **elements)
    dataset = pydicom.dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, photometric, planar
    dataset.PixelData = data
    dataset.save_as(path)
    return dataset


@pytest.mark.parametrize("planar", [0, 1])
def test_plain_red_green_and_blue(tmp_path, planar):
    data = COLOURS if planar == 0 else np.moveaxis(COLOURS, -1, 0)
    write(tmp_path / "a.dcm", data.tobytes(), "RGB", planar)
    radiograph = read_radiograph(tmp_path / "a.dcm")
    np.testing.assert_allclose(radiograph.pixels, EXPECTED, atol=1e-6)
    assert "colour (RGB) turned to grey" in radiograph.info.steps
    assert (radiograph.info.rows, radiograph.info.columns) == (64, 48)


def test_plain_luminance_and_chrominance(tmp_path):
    write(tmp_path / "a.dcm", COLOURS.tobytes(), "YBR_FULL")
    np.testing.assert_allclose(read_radiograph(tmp_path / "a.dcm").pixels, COLOURS[..., 0] / 255, atol=1e-6)


def test_pixels_that_share_their_colour(tmp_path):
    quads = np.dstack([COLOURS[:, 0::2, 0], COLOURS[:, 1::2, 0], COLOURS[:, 0::2, 1], COLOURS[:, 0::2, 2]])
    write(tmp_path / "a.dcm", quads.tobytes(), "YBR_FULL_422")
    np.testing.assert_allclose(read_radiograph(tmp_path / "a.dcm").pixels, COLOURS[..., 0] / 255, atol=1e-6)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless], ids=["rle", "jpeg_ls", "jpeg_2000"])
def test_compressed_colours(tmp_path, syntax):
    pytest.importorskip({JPEGLSLossless: "jpeg_ls", JPEG2000Lossless: "openjpeg"}.get(syntax, "pydicom"))
    dataset = write(tmp_path / "a.dcm", COLOURS.tobytes(), "RGB")
    if syntax == JPEG2000Lossless:
        dataset.PhotometricInterpretation = "YBR_RCT"  # its own transform of colours
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(tmp_path / "a.dcm")
    np.testing.assert_allclose(read_radiograph(tmp_path / "a.dcm").pixels, EXPECTED, atol=1e-6)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless], ids=["jpeg_ls", "jpeg_2000"])
def test_compressed_luminance_and_chrominance(tmp_path, syntax, photometric):
    """The codec gives back what it was given: luminance first, not red."""
    write(tmp_path / "a.dcm", b"", photometric)
    streams = []
    if syntax == JPEGLSLossless:
        jpeg_ls = pytest.importorskip("jpeg_ls")
        by_colour = np.ascontiguousarray(np.moveaxis(COLOURS, -1, 0))
        arrays = (by_colour, COLOURS, COLOURS)
        streams = [bytes(jpeg_ls.encode_array(array, interleave_mode=mode)) for mode, array in enumerate(arrays)]
    else:
        openjpeg = pytest.importorskip("openjpeg.utils")
        streams = [openjpeg.encode_array(COLOURS, photometric_interpretation=1, use_mct=False)]
    for stream in streams:
        compressed(tmp_path / "a.dcm", syntax, stream)
        shown = read_radiograph(tmp_path / "a.dcm").pixels
        np.testing.assert_allclose(shown, COLOURS[..., 0] / 255, atol=1e-6)


def test_jpeg_2000_that_undoes_its_own_transform_gives_red_green_and_blue(tmp_path):
    openjpeg = pytest.importorskip("openjpeg.utils")
    write(tmp_path / "a.dcm", b"", "YBR_FULL")  # a wrong name for YBR_RCT
    stream = openjpeg.encode_array(COLOURS, photometric_interpretation=1, use_mct=True)
    compressed(tmp_path / "a.dcm", JPEG2000Lossless, stream)
    np.testing.assert_allclose(read_radiograph(tmp_path / "a.dcm").pixels, EXPECTED, atol=1e-6)


def compressed(path: Path, syntax: str, stream: bytes) -> None:
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


@pytest.mark.parametrize("name", KNOWN)
def test_files_of_pydicom(name):
    path = Path(pydicom.__file__).parent / "data" / "test_files" / name
    if not path.is_file():
        pytest.skip("this pydicom does not have it")
    array = pydicom.pixels.pixel_array(path, index=0)  # red, green and blue
    np.testing.assert_allclose(read_radiograph(path).pixels, array @ LUMINANCE / 255, atol=KNOWN[name])


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette(tmp_path, bits):
    stored = np.arange(120, dtype=np.uint8).reshape(12, 10)
    path = write_radiograph_dicom(stored, tmp_path / "a.dcm", bits=8)
    dataset = pydicom.dcmread(path)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    table = np.random.default_rng(1).integers(0, 256, (100, 3))
    table[0] = 255
    for number, colour in enumerate(("Red", "Green", "Blue")):
        dataset.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [100, 10, bits])
        entries = table[:, number].astype(np.uint8) if bits == 8 else (table[:, number] * 257).astype("<u2")
        dataset.add_new(f"{colour}PaletteColorLookupTableData", "OW", entries.tobytes())
    dataset.save_as(path)
    expected = (table @ LUMINANCE / 255)[np.clip(stored.astype(int) - 10, 0, 99)]
    np.testing.assert_allclose(read_radiograph(path).pixels, expected, atol=1e-5)


def test_a_palette_that_is_missing(tmp_path):
    path = write_radiograph_dicom(COLOURS[..., 0], tmp_path / "a.dcm", bits=8)
    dataset = pydicom.dcmread(path)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    dataset.save_as(path)
    with pytest.raises(RadiographError, match=r"a\.dcm: its palette cannot be used"):
        read_radiograph(path)


def test_other_numbers_of_samples_are_refused(tmp_path):
    dataset = write(tmp_path / "a.dcm", COLOURS.tobytes(), "RGB")
    dataset.SamplesPerPixel = 4
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(RadiographError, match=r"a\.dcm: it has 4 samples per pixel"):
        read_radiograph(tmp_path / "a.dcm")


def test_truncated_colours_are_refused(tmp_path):
    write(tmp_path / "a.dcm", COLOURS.tobytes()[:-20], "RGB")
    with pytest.raises(RadiographError, match="cut off"):
        read_radiograph(tmp_path / "a.dcm")
