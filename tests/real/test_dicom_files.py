"""Single DICOM files of many makers: pydicom and SimpleITK are the referees."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_files

from lungdet.readers.dicom_file import CT_TAGS, read_header
from lungdet.readers.dicom_header import DicomHeader
from lungdet.readers.dicom_pixels import padding_mask, read_pixels
from lungdet.readers.errors import DicomFileError, MissingCodecError, NotDicomError

# One slice in every transfer syntax. For the lossy ones: the greatest and the mean error in HU against the original,
# as measured. The 8 bit file has a slope of 32 HU and the 12 bit ones of 2 HU, so half of that is rounding alone.
LOSSY_HU = {
    "JPEGProcess1Transfer": (64.3, 19.9),
    "JPEGProcess2_4Transfer": (35.7, 3.9),
    "JPEGProcess6_8Transfer": (35.7, 3.9),
    "JPEGProcess10_12Transfer": (35.7, 3.9),
    "JPEGLSLossyTransfer": (1.0, 0.7),
    "JPEG2000Transfer": (5.0, 0.6),
}
SYNTAX_NAMES = (
    *LOSSY_HU,
    "CTImage.dcm$",
    "BigEndianExplicit",
    "DeflatedExplicit",
    "JPEG2000LosslessOnly",
    "JPEGLSLosslessTransfer",
    "JPEGProcess14SV1",
    "JPEGProcess14Transfer",
    "LittleEndianExplicitTransfer",
    "LittleEndianImplicit",
    "RLELossless",
)


def hounsfield(path: Path) -> np.ndarray:
    header = read_header(path)
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    assert slope is not None
    assert intercept is not None
    return read_pixels(header)[0].astype(np.float64) * slope + intercept


def syntax_file(folder: Path, name: str) -> Path:
    if name.endswith("$"):
        return folder / name[:-1]
    (found,) = [path for path in folder.iterdir() if f"_{name}" in path.name]
    return found


def pydicom_pixels(path: Path) -> np.ndarray | None:
    """Pixels as pydicom reads them; None where it cannot."""
    try:
        return pydicom.dcmread(path, force=True).pixel_array
    except Exception:
        return None


def itk_hounsfield(path: Path) -> np.ndarray:
    sitk: Any = pytest.importorskip("SimpleITK")
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0].astype(np.float64)


def test_no_transfer_syntax_is_forgotten(real_data):
    folder = real_data / "ct" / "transfer_syntaxes"
    assert {syntax_file(folder, name) for name in SYNTAX_NAMES} == set(folder.glob("*.dcm"))


@pytest.mark.parametrize("name", SYNTAX_NAMES)
def test_one_slice_in_every_transfer_syntax(real_data, name):
    folder = real_data / "ct" / "transfer_syntaxes"
    path = syntax_file(folder, name)
    try:
        values = hounsfield(path)
    except MissingCodecError as error:
        pytest.skip(str(error))
    difference = np.abs(values - hounsfield(folder / "CTImage.dcm"))
    most, mean = LOSSY_HU.get(name, (0.0, 0.0))
    assert difference.max() <= most
    assert difference.mean() <= mean
    np.testing.assert_allclose(values, itk_hounsfield(path), rtol=0, atol=1e-9)
    other = pydicom_pixels(path)
    if other is not None:
        np.testing.assert_array_equal(read_pixels(read_header(path))[0], other)


def test_chest_series_header_by_header(real_data):
    paths = sorted((real_data / "ct" / "acrin_nsclc_chest").glob("*.dcm"))
    assert len(paths) == 135
    for path in paths[::9]:
        header, other = read_header(path), pydicom.dcmread(path)
        for element in other:
            if element.tag in CT_TAGS:
                assert header.dataset[element.tag].value == element.value
        np.testing.assert_array_equal(read_pixels(header)[0], other.pixel_array)
        np.testing.assert_allclose(hounsfield(path), itk_hounsfield(path))


def test_signed_padding_written_unsigned(real_data):
    header = read_header(real_data / "broken" / "GH1308.dcm")
    assert header.numbers("PixelPaddingValue") == (63536,)
    stored = read_pixels(header)
    mask = padding_mask(header, stored)
    assert mask.sum() == (stored == -2000).sum() > 10_000


def test_padding_tag_that_a_rescale_made_stale(real_data):
    """The series stores HU and its padding as -3024, but the tag still says -2000, from before its rescale."""
    header = read_header(min((real_data / "ct" / "acrin_nsclc_chest").glob("*.dcm")))
    stored = read_pixels(header)
    assert (header.integer("PixelPaddingValue"), header.number("RescaleIntercept")) == (-2000, 0)
    assert stored.min() == stored[0, 0, 0] == -3024
    assert not padding_mask(header, stored).any()


BROKEN = {
    "CT-MONO2-16-ankle": (1, 512, 512),
    "GH1308.dcm": (1, 512, 512),
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm": (1, 512, 512),  # UN of undefined length, big endian
    "ct_headless.dcm": (1, 512, 512),  # ACR-NEMA 2.0
    "FreezePattern.dcm": "it is a colour picture",
    "GH178.dcm": "it has no pixels",
    "GH179A.dcm": "it has no pixels",
    "GH220.dcm": "it has no pixels",
    "deeply_nested_sequence.dcm": "nest deeper than 48 levels",
    "no-pixel-spacing.dcm": "it is a colour picture",
}


def test_no_broken_file_is_forgotten(real_data):
    assert {path.name for path in (real_data / "broken").iterdir()} == set(BROKEN)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_files(real_data, name):
    path, expected = real_data / "broken" / name, BROKEN[name]
    if isinstance(expected, tuple):
        values = read_pixels(read_header(path))
        assert values.shape == expected
        other = pydicom_pixels(path)
        if other is not None:
            np.testing.assert_array_equal(values[0], other)
    else:
        with pytest.raises(DicomFileError, match=expected) as caught:
            read_pixels(read_header(path))
        assert str(caught.value).startswith(str(path))


def test_forerunner_has_the_values_that_itk_reads(real_data):
    path = real_data / "broken" / "ct_headless.dcm"
    np.testing.assert_allclose(hounsfield(path), itk_hounsfield(path))


def read_or_refuse(path: Path) -> tuple[DicomHeader, np.ndarray] | DicomFileError:
    try:
        header = read_header(path)
        return header, read_pixels(header)
    except DicomFileError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - both ways are right here
        return error


def agrees_with_pydicom(path: Path) -> bool:
    """Read or refuse a file; whether both libraries read it, and then alike."""
    outcome, other = read_or_refuse(path), pydicom_pixels(path)
    if isinstance(outcome, DicomFileError) or other is None:
        return False
    values = outcome[1]
    np.testing.assert_array_equal(values if other.ndim == 3 else values[0], other)
    assert values.dtype == other.dtype.newbyteorder("=")
    return True


def test_radiographs(real_data):
    for path in sorted((real_data / "radiographs_dicom").iterdir()):
        assert agrees_with_pydicom(path), path.name


def test_test_files_of_pydicom(caplog):
    paths = [Path(path) for path in get_testdata_files() if Path(path).is_file()]
    caplog.set_level(logging.CRITICAL)
    assert sum(agrees_with_pydicom(path) for path in paths) > 50
    outcomes = {path.name: read_or_refuse(path) for path in paths}
    for name in ("MR_truncated.dcm", "rtplan_truncated.dcm"):
        assert isinstance(outcomes[name], DicomFileError)
        assert not isinstance(outcomes[name], NotDicomError)
    for name in ("README.txt", "zipMR.gz", "test1.json"):
        assert isinstance(outcomes[name], NotDicomError)
    assert "colour" in str(outcomes["examples_rgb_color.dcm"])


def test_character_sets_of_pydicom():
    """Files in Chinese, Japanese, Korean, Russian, Arabic, Hebrew and Greek: text is as pydicom has it."""
    folder = Path(pydicom.__file__).parent / "data" / "charset_files"
    tags = CT_TAGS | {0x00100010: pydicom.tag.BaseTag(0x00100010)}
    names = 0
    for path in sorted(folder.glob("*.dcm")):
        text = str(pydicom.dcmread(path).get("PatientName", ""))
        assert read_header(path, tags=tags).text("PatientName") == text, path.name
        names += not text.isascii()
    assert names > 10
