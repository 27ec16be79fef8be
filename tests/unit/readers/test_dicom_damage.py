"""Damage inside compressed pixels that decoders pass over in silence, and JPEG that wears its decoder out."""

import io
import struct
import zlib

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGExtended12Bit, JPEGLosslessSV1

from lungdet.readers.dicom_codecs import check_scans
from lungdet.readers.dicom_file import read_header
from lungdet.readers.dicom_pixels import read_pixels
from lungdet.readers.dicom_streams import read_stream_header
from lungdet.readers.errors import DicomFileError

CODE_LENGTHS = [3] * 4 + [5] * 13  # of the symbols 0 to 16, rising: canonical codes 000, 001, 010, 011, 10000, ...
CODES = [f"{number:03b}" for number in range(4)] + [f"{16 + number:05b}" for number in range(13)]


def smooth(bits: int, shape: tuple[int, int] = (24, 32)) -> np.ndarray:
    draw = np.random.default_rng(bits)
    ramp = np.linspace(0.2, 0.8, int(np.prod(shape))).reshape(shape) * 2**bits
    return (ramp + draw.normal(0, 3, shape)).astype(np.uint8 if bits == 8 else np.uint16)


def predict(image: np.ndarray, y: int, x: int, predictor: int, bits: int) -> int:
    """One sample after the other, straight from the table of the standard."""
    if y == 0:
        return int(image[0, x - 1]) if x else 1 << (bits - 1)
    if x == 0:
        return int(image[y - 1, 0])
    a, b, c = int(image[y, x - 1]), int(image[y - 1, x]), int(image[y - 1, x - 1])
    return [0, a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor]


def code_rows(image: np.ndarray, predictor: int, bits: int) -> bytes:
    out = []
    for y, x in np.ndindex(image.shape):
        difference = (int(image[y, x]) - predict(image, y, x, predictor, bits) + 32768) % 65536 - 32768
        size = abs(difference).bit_length()
        rest = difference if difference >= 0 else difference + (1 << size) - 1
        out.append(CODES[size] + (f"{rest:0{size}b}" if 0 < size < 16 else ""))
    text = "".join(out)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def jpeg_lossless(image: np.ndarray, bits: int, predictor: int = 1, restart_rows: int = 0) -> bytes:
    rows, columns = image.shape
    table = bytes([0, 0, 0, 4, 0, 13, *[0] * 11, *range(17)])
    parts = [b"\xff\xd8", struct.pack(">HHBHHB3B", 0xFFC3, 11, bits, rows, columns, 1, 1, 0x11, 0)]
    parts.append(struct.pack(">HH", 0xFFC4, 2 + len(table)) + table)
    if restart_rows:
        parts.append(struct.pack(">HHH", 0xFFDD, 4, restart_rows * columns))
    parts.append(struct.pack(">HH6B", 0xFFDA, 8, 1, 1, 0, predictor, 0, 0))
    step = restart_rows or rows
    sections = [code_rows(image[start : start + step], predictor, bits) for start in range(0, rows, step)]
    for number, section in enumerate(sections):
        parts += [section, bytes([0xFF, 0xD0 + number % 8])]
    return b"".join(parts[:-1]) + b"\xff\xd9"


def put(ct_files, frame: bytes, image: np.ndarray, syntax: str):
    path = ct_files.slice("a.dcm", image, (0, 0, 0))
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    return path


def test_the_code_of_the_test_is_canonical():
    assert sum(2.0**-length for length in CODE_LENGTHS) < 1
    assert [len(code) for code in CODES] == CODE_LENGTHS


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize(("bits", "restart_rows"), [(8, 0), (12, 0), (16, 0), (16, 5), (12, 1)])
def test_whole_lossless_jpeg_comes_back(ct_files, predictor: int, bits: int, restart_rows: int):
    pytest.importorskip("gdcm")
    image = smooth(bits)
    path = put(ct_files, jpeg_lossless(image, bits, predictor, restart_rows), image, JPEGLosslessSV1)
    np.testing.assert_array_equal(read_pixels(read_header(path))[0], image)


@pytest.mark.parametrize("restart_rows", [0, 5])
def test_damage_in_lossless_jpeg_is_noticed(ct_files, restart_rows: int):
    pytest.importorskip("gdcm")
    image = smooth(16)
    whole = jpeg_lossless(image, 16, restart_rows=restart_rows)
    draw = np.random.default_rng(3)
    passed = 0
    for _ in range(40):
        damaged = bytearray(whole)
        place = int(draw.integers(len(whole) // 4, len(whole) - 60))
        damaged[place : place + 40] = draw.integers(0, 255, 40, dtype=np.uint8).tobytes()
        try:
            read_pixels(read_header(put(ct_files, bytes(damaged), image, JPEGLosslessSV1)))
            passed += 1
        except DicomFileError as error:
            assert "a.dcm" in str(error)  # noqa: PT017 - a few may pass
    assert passed <= 4


@pytest.mark.parametrize("change", ["cut", "more"])
def test_lossless_jpeg_with_too_few_or_too_many_bits(ct_files, change: str):
    pytest.importorskip("gdcm")
    image = smooth(16)
    whole = jpeg_lossless(image, 16)
    frame = whole[:-12] + whole[-2:] if change == "cut" else whole[:-2] + b"\x5a\x5a\x5a" + whole[-2:]
    with pytest.raises(DicomFileError, match=r"scan has \d+ bits, and its pixels make \d+: it is damaged"):
        read_pixels(read_header(put(ct_files, frame, image, JPEGLosslessSV1)))


def test_lossless_jpeg_with_restarts_that_do_not_fit(ct_files):
    pytest.importorskip("gdcm")
    image = smooth(16)
    frame = jpeg_lossless(image, 16, restart_rows=5)
    frame = frame[: frame.rindex(b"\xff\xd3")] + b"\xff\xd9"  # the last rows are gone
    with pytest.raises(DicomFileError, match=r"restarts, which do not fit its rows|cannot be decoded"):
        read_pixels(read_header(put(ct_files, frame, image, JPEGLosslessSV1)))


def progressive(size: int, extra: int) -> bytes:
    """A progressive JPEG whose last scan comes ``extra`` times more."""
    file = io.BytesIO()
    Image.fromarray(np.full((size, size), 7, np.uint8)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * extra + data[-2:]


def test_jpeg_that_passes_over_the_image_too_often(ct_files):
    image = np.full((64, 64), 7, np.uint8)
    assert read_pixels(read_header(put(ct_files, progressive(64, 20), image, JPEGExtended12Bit))).shape == (1, 64, 64)
    path = put(ct_files, progressive(64, 60), image, JPEGExtended12Bit)
    with pytest.raises(DicomFileError, match=r"passes over 64 x 64 pixels \d\d times"):
        read_pixels(read_header(path))
    bomb = progressive(4096, 40)
    with pytest.raises(ValueError, match="passes over 4096 x 4096 pixels"):
        check_scans(bomb, read_stream_header(bomb))


def deflate(path, change) -> None:
    """Deflate the data set of a file, ``change`` it inflated, and write it back."""
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    start = read_header(path).data_set_offset
    whole = path.read_bytes()
    squeeze = zlib.compressobj(9, wbits=-15)
    body = squeeze.compress(change(zlib.decompress(whole[start:], -15))) + squeeze.flush()
    path.write_bytes(whole[:start] + body)


PADDING_ELEMENT = b"\xfc\xff\xfc\xffOB\0\0\x04\0\0\0\0\0\0\0"


@pytest.mark.parametrize("tail", [b"", b"\0", PADDING_ELEMENT])
def test_deflated_pixels_with_what_may_follow(ct_files, tail: bytes):
    image = smooth(16)
    path = ct_files.slice("a.dcm", image, (0, 0, 0))
    deflate(path, lambda data: data + tail)
    np.testing.assert_array_equal(read_pixels(read_header(path))[0], image)


@pytest.mark.parametrize(
    ("tail", "problem"),
    [
        (b"\x12", "no DICOM follow"),
        (smooth(16)[-1, -20:].tobytes(), "no DICOM follow"),
        (PADDING_ELEMENT[:-2], "needs"),
        (b"\x10\0\x10\0PN\x02\0AB", "no DICOM follow"),  # a tag that belongs in front of the pixels
    ],
)
def test_what_may_not_follow_deflated_pixels(ct_files, tail: bytes, problem: str):
    path = ct_files.slice("a.dcm", smooth(16), (0, 0, 0))
    deflate(path, lambda data: data + tail)
    with pytest.raises(DicomFileError, match=problem):
        read_pixels(read_header(path))


def test_a_deflated_stream_must_end(ct_files):
    path = ct_files.slice("a.dcm", smooth(16, (200, 200)), (0, 0, 0))
    deflate(path, lambda data: data + PADDING_ELEMENT + bytes(99))
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(DicomFileError, match=r"has no end within|is damaged|cut off"):
        read_pixels(read_header(path))
