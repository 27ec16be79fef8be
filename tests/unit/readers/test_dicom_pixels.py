"""Stored values of native files: bits, signs, byte orders, lengths; pydicom's own arrays are the referee."""

import logging
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from lungdet.readers.dicom_file import read_header
from lungdet.readers.dicom_layout import PixelLayout, layout_of, raw_to_values
from lungdet.readers.dicom_limits import ReadLimits
from lungdet.readers.dicom_pixels import padding_mask, read_pixels
from lungdet.readers.errors import DicomFileError, MissingCodecError

RANDOM = np.random.default_rng(3)
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4")


def random_pixels(dtype: str, shape: tuple[int, ...] = (3, 5)) -> np.ndarray:
    limits = np.iinfo(dtype)
    return RANDOM.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)


def resave(path: Path, syntax: str, vr: str = "OW") -> Path:
    """Write the file again in another native transfer syntax."""
    old = pydicom.dcmread(path)
    dataset = pydicom.Dataset()
    dataset.file_meta = old.file_meta
    for element in old:
        dataset.add(element)
    if syntax == ExplicitVRBigEndian:
        words = np.frombuffer(
            old.PixelData, f"<u{old.BitsAllocated // 8 if vr == 'OB' or old.BitsAllocated > 8 else 2}"
        )
        dataset.PixelData = words.byteswap().tobytes()
    dataset["PixelData"].VR = vr
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("syntax", ["", ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_every_type_in_every_native_syntax(ct_files, dtype, syntax):
    pixels = random_pixels(dtype, (4, 6))
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0))
    if syntax:
        resave(path, syntax, vr="OB" if syntax != ExplicitVRBigEndian and dtype[1] == "1" else "OW")
    values = read_pixels(read_header(path))
    assert values.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(values, pixels[None])
    np.testing.assert_array_equal(values[0], pydicom.dcmread(path).pixel_array)


def test_big_endian_bytes_are_not_swapped(ct_files):
    pixels = random_pixels("u1")
    path = resave(
        ct_files.slice("a.dcm", pixels, (0, 0, 0), PixelData=pixels.tobytes() + b"\0"), ExplicitVRBigEndian, "OB"
    )
    np.testing.assert_array_equal(read_pixels(read_header(path))[0], pixels)


def test_odd_number_of_bytes_is_padded(ct_files, caplog):
    pixels = random_pixels("u1")
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), PixelData=pixels.tobytes() + b"\0")
    with caplog.at_level(logging.WARNING, logger="lungdet"):
        np.testing.assert_array_equal(read_pixels(read_header(path))[0], pixels)
    assert not caplog.records


@pytest.mark.parametrize("representation", [0, 1])
def test_unused_bits_are_cleared_and_signs_extended(ct_files, representation):
    raw = random_pixels("u2", (8, 8))  # an overlay in the four high bits, as old writers did
    path = ct_files.slice("a.dcm", raw, (0, 0, 0), BitsStored=12, HighBit=11, PixelRepresentation=representation)
    values = read_pixels(read_header(path))[0]
    np.testing.assert_array_equal(values, pydicom.dcmread(path).pixel_array)
    assert values.min() >= (-2048 if representation else 0)
    assert values.max() <= (2047 if representation else 4095)


def test_high_bit_above_the_stored_bits():
    layout = PixelLayout(1, 1, 3, 16, 12, 15, signed=False)
    raw = np.array([[0x123F, 0xFFF0, 0x000F]], np.uint16)
    np.testing.assert_array_equal(raw_to_values(raw, layout), [[0x123, 0xFFF, 0]])


def test_frames(ct_files):
    pixels = random_pixels("i2", (4, 3, 5))
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), NumberOfFrames=4)
    header = read_header(path)
    np.testing.assert_array_equal(read_pixels(header), pixels)
    np.testing.assert_array_equal(read_pixels(header, frame=2), pixels[2:3])
    for frame in (-1, 4):
        with pytest.raises(IndexError, match=f"no frame {frame}, it has 4"):
            read_pixels(header, frame=frame)
    deflated = read_header(resave(path, DeflatedExplicitVRLittleEndian))
    for frame in (1, 3, 1):
        values = read_pixels(deflated, frame=frame)
        np.testing.assert_array_equal(values, pixels[frame : frame + 1])
        values[:] = 0  # which the next look must not see
    np.testing.assert_array_equal(read_pixels(deflated), pixels)


@pytest.mark.parametrize("out_type", ["i2", "i4", "f4", ">i2"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_out_is_filled_and_returned(ct_files, out_type, syntax):
    pixels = random_pixels("i2")
    header = read_header(resave(ct_files.slice("a.dcm", pixels, (0, 0, 0)), syntax))
    out = np.zeros((1, 3, 5), out_type)
    assert read_pixels(header, out=out) is out
    np.testing.assert_array_equal(out[0], pixels)


def test_out_that_is_not_contiguous(ct_files):
    pixels = random_pixels("i2")
    block = np.zeros((1, 3, 10), np.int16)
    read_pixels(read_header(ct_files.slice("a.dcm", pixels, (0, 0, 0))), out=block[:, :, ::2])
    np.testing.assert_array_equal(block[0, :, ::2], pixels)
    assert not block[:, :, 1::2].any()


def test_unsigned_12_bits_go_into_signed_16(ct_files):
    raw = random_pixels("u2", (2, 2))
    header = read_header(ct_files.slice("a.dcm", raw, (0, 0, 0), BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(read_pixels(header, out=np.empty((1, 2, 2), np.int16))[0], raw & 0x0FFF)


@pytest.mark.parametrize("out", [np.empty((1, 3, 4), "i2"), np.empty((3, 5), "u2"), np.empty((1, 3, 5), "i2")])
def test_out_that_cannot_hold_the_values(ct_files, out):
    header = read_header(ct_files.slice("a.dcm", random_pixels("u2"), (0, 0, 0)))
    with pytest.raises(ValueError, match=r"wanted is \(1, 3, 5\) of a type that holds \(0, 65535\)"):
        read_pixels(header, out=out)


@pytest.mark.parametrize(
    ("dtype", "fits"), [("i2", True), ("i1", False), ("u2", False), ("f4", True), ("f2", False), ("c8", False)]
)
def test_fits(dtype, fits):
    assert PixelLayout(1, 1, 1, 16, 16, 15, signed=True).fits(np.dtype(dtype)) is fits


# --- what is missing ---


def test_missing_bits_are_filled_in_and_logged(ct_files, caplog):
    pixels = random_pixels("u2")
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), BitsStored=None, HighBit=None, PixelRepresentation=None)
    with caplog.at_level(logging.WARNING, logger="lungdet"):
        np.testing.assert_array_equal(read_pixels(read_header(path))[0], pixels)
    for word in ("BitsStored is missing, taken as 16", "HighBit", "PixelRepresentation is missing, taken as 0"):
        assert word in caplog.text


@pytest.mark.parametrize(
    ("elements", "problem"),
    [
        ({"Rows": None}, "Rows is missing"),
        ({"BitsAllocated": None}, "BitsAllocated is missing"),
        ({"BitsAllocated": 12}, "BitsAllocated is 12, and only 8, 16 and 32"),
        ({"BitsStored": 17}, "contradict each other"),
        ({"BitsStored": 0, "HighBit": 0}, "contradict each other"),
        ({"BitsStored": 12, "HighBit": 5}, "contradict each other"),
        ({"HighBit": 16}, "contradict each other"),
        ({"PixelRepresentation": 2}, "PixelRepresentation is 2"),
        ({"Columns": 0}, "hold nothing"),
        ({"NumberOfFrames": -1}, "hold nothing"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, r"colour picture \(RGB, 3 samples"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour picture"),
        ({"PhotometricInterpretation": "YBR_FULL"}, "colour picture"),
        ({"PhotometricInterpretation": None, "SamplesPerPixel": 3}, "no PhotometricInterpretation, 3 samples"),
        ({"PixelData": None}, "no pixels"),
        ({"PixelData": None, "FloatPixelData": bytes(60)}, "floating point"),
        ({"PixelData": None, "DoubleFloatPixelData": bytes(120)}, "floating point"),
        ({"Rows": 4}, "cut off: 1 frame of 4 x 5 need 40 bytes, 30 are there"),
        ({"NumberOfFrames": 2}, "cut off: 2 frames of 3 x 5 need 60 bytes, 30 are there"),
        ({"Rows": 65535, "Columns": 65535}, "more than the limit of 4294967296; raise"),
        ({"Rows": 65535, "Columns": 32767}, "cut off"),
    ],
)
def test_impossible_images_are_refused(ct_files, elements, problem):
    path = ct_files.slice("a.dcm", random_pixels("u2"), (0, 0, 0), **elements)
    with pytest.raises(DicomFileError, match=r"a\.dcm: .*" + problem):
        read_pixels(read_header(path))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_truncated_pixels_are_refused(ct_files, syntax):
    path = resave(ct_files.slice("a.dcm", random_pixels("i2", (40, 50)), (0, 0, 0)), syntax)
    whole = path.read_bytes()
    for missing in (8, 30, 1000):
        path.write_bytes(whole[: len(whole) - missing])
        with pytest.raises(DicomFileError, match=r"a\.dcm: (its pixels are cut off|its deflated data set)"):
            read_pixels(read_header(path))


def test_a_file_that_shrinks_while_it_is_read(ct_files, monkeypatch):
    path = ct_files.slice("a.dcm", random_pixels("i2"), (0, 0, 0))
    header = read_header(path)
    monkeypatch.setattr(
        "lungdet.readers.dicom_pixels._check_length", lambda *_: path.write_bytes(path.read_bytes()[:-4])
    )
    with pytest.raises(DicomFileError, match="became shorter"):
        read_pixels(header)


def test_bytes_after_the_pixels_are_left_out_and_logged(ct_files, caplog):
    pixels = random_pixels("i2")
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), PixelData=pixels.tobytes() + bytes(20))
    with caplog.at_level(logging.WARNING, logger="lungdet"):
        np.testing.assert_array_equal(read_pixels(read_header(path))[0], pixels)
    assert "20 bytes after its pixels are left out" in caplog.text


def test_native_pixels_without_a_length(ct_files):
    path = ct_files.slice("a.dcm", random_pixels("i2"), (0, 0, 0))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"OW\0\0\x1e\0\0\0", b"OW\0\0\xff\xff\xff\xff"))
    with pytest.raises(DicomFileError, match="uncompressed pixels have no length"):
        read_pixels(read_header(path))


def test_deflated_image_much_larger_than_its_file(ct_files):
    pixels = (np.arange(700 * 700) // 300).astype(np.int16).reshape(700, 700)
    path = resave(ct_files.slice("a.dcm", pixels, (0, 0, 0)), DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < pixels.nbytes / 4
    np.testing.assert_array_equal(read_pixels(read_header(path))[0], pixels)


def test_damaged_deflate_stream(ct_files):
    path = resave(ct_files.slice("a.dcm", random_pixels("i2"), (0, 0, 0)), DeflatedExplicitVRLittleEndian)
    start = read_header(path).data_set_offset
    path.write_bytes(path.read_bytes()[:start] + b"\xff" * 50)
    with pytest.raises(DicomFileError, match="its deflated data set is damaged"):
        read_header(path)


def test_budgets(ct_files):
    path = ct_files.slice("a.dcm", random_pixels("i2"), (0, 0, 0))
    with pytest.raises(DicomFileError, match="take 30 bytes, more than the limit of 29"):
        read_pixels(read_header(path, limits=ReadLimits(max_pixel_bytes=29)))
    resave(path, DeflatedExplicitVRLittleEndian)
    with pytest.raises(DicomFileError, match="more than the limit of 50"):
        read_pixels(read_header(path, limits=ReadLimits(max_inflated_bytes=50)))


def test_unknown_transfer_syntax(ct_files):
    path = ct_files.slice("a.dcm", random_pixels("i2"), (0, 0, 0))
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.99999.1.2.1\0"))
    with pytest.raises((MissingCodecError, DicomFileError)):
        read_pixels(read_header(path))


def test_layout_of_a_plain_file(ct_files):
    layout = layout_of(read_header(ct_files.slice("a.dcm", random_pixels("i2"), (0, 0, 0))))
    assert layout == PixelLayout(1, 3, 5, 16, 16, 15, signed=True)
    assert (layout.frame_bytes, layout.value_range) == (30, (-32768, 32767))


# --- padding ---


@pytest.mark.parametrize(
    ("dtype", "elements", "padding"),
    [
        ("i2", {}, []),
        ("i2", {"PixelPaddingValue": -2000}, [-2000]),
        ("i2", {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1990}, [-2000, -1995, -1990]),
        ("i2", {"PixelPaddingValue": -1990, "PixelPaddingRangeLimit": -2000}, [-2000, -1995, -1990]),
        ("u2", {"PixelPaddingValue": 4095}, [4095]),
        ("u2", {"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 4095}, [4000, 4095]),
    ],
)
def test_padding(ct_files, dtype, elements, padding):
    values = np.array([[-2000, -1995, -1990], [0, 1, 2], [3000, 4000, 4095]])
    stored = np.where(values < 0, values if dtype == "i2" else 0, values).astype(dtype)
    header = read_header(ct_files.slice("a.dcm", stored, (0, 0, 0), **elements))
    mask = padding_mask(header, read_pixels(header)[0])
    assert sorted(stored[mask].tolist()) == padding


@pytest.mark.parametrize("vr", ["US", "SS"])
def test_padding_written_with_the_wrong_sign(ct_files, vr):
    stored = np.array([[-2000, 0], [63536 - 65536, 5]], np.int16)
    path = ct_files.slice("a.dcm", stored, (0, 0, 0), PixelPaddingValue=-2000)
    data = path.read_bytes()
    value = (63536).to_bytes(2, "little")
    path.write_bytes(data.replace(b"SS\x02\0" + value, vr.encode() + b"\x02\0" + value))
    header = read_header(path)
    np.testing.assert_array_equal(padding_mask(header, read_pixels(header)[0]), [[True, False], [True, False]])
    unsigned = stored.view(np.uint16)  # and the reverse: -2000 in an unsigned image is 63536
    np.testing.assert_array_equal(padding_mask(header, unsigned), [[True, False], [True, False]])


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_padding_in_other_encodings(ct_files, syntax):
    stored = np.array([[-2000, 0], [1, 5]], np.int16)
    header = read_header(resave(ct_files.slice("a.dcm", stored, (0, 0, 0), PixelPaddingValue=-2000), syntax))
    np.testing.assert_array_equal(padding_mask(header, read_pixels(header)[0]), stored == -2000)


def test_padding_of_12_signed_bits(ct_files):
    raw = np.array([[0x0830, 0x0001]], np.uint16)  # -2000 in 12 bits
    elements = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1}
    header = read_header(ct_files.slice("a.dcm", raw, (0, 0, 0), PixelPaddingValue=0x0830, **elements))
    np.testing.assert_array_equal(padding_mask(header, read_pixels(header)[0]), [[True, False]])


@pytest.mark.parametrize("representation", [0, 1])
def test_padding_that_cannot_occur_is_left_and_logged(ct_files, caplog, representation):
    raw = np.array([[63536 & 0x0FFF, 0x0001]], np.uint16)
    value = -25536 if representation else 63536  # neither -25536 nor 63536 fits 12 bits
    elements = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": representation, "PixelPaddingValue": value}
    header = read_header(ct_files.slice("a.dcm", raw, (0, 0, 0), **elements))
    with caplog.at_level(logging.WARNING, logger="lungdet"):
        assert not padding_mask(header, read_pixels(header)).any()
    assert "does not fit its 12 bits" in caplog.text
