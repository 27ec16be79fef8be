"""Compressed frames: the right codec, whole streams only, and dimensions that both headers agree on."""

import importlib.util
import io
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from lungdet.readers.dicom_file import read_header
from lungdet.readers.dicom_layout import PixelLayout
from lungdet.readers.dicom_limits import ReadLimits
from lungdet.readers.dicom_pixels import read_pixels
from lungdet.readers.dicom_rle import decode_rle
from lungdet.readers.dicom_streams import StreamHeader, is_complete, read_stream_header
from lungdet.readers.errors import DicomFileError, MissingCodecError

RANDOM = np.random.default_rng(5)


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


needs_jpegls = pytest.mark.skipif(not has("jpeg_ls"), reason="pyjpegls is not installed")
needs_jpeg2000 = pytest.mark.skipif(not has("openjpeg"), reason="pylibjpeg-openjpeg is not installed")
needs_gdcm = pytest.mark.skipif(not has("gdcm"), reason="python-gdcm is not installed")
LOSSLESS = [
    pytest.param(RLELossless),
    pytest.param(JPEGLSLossless, marks=needs_jpegls),
    pytest.param(JPEG2000Lossless, marks=needs_jpeg2000),
]


def smooth(dtype: str, shape: tuple[int, ...] = (64, 80)) -> np.ndarray:
    """Noise around a slope, over much of the type's range."""
    limits = np.iinfo(dtype)
    ramp = np.linspace(limits.min * 0.6, limits.max * 0.6, int(np.prod(shape))).reshape(shape)
    return (ramp + np.random.default_rng(5).normal(0, 3, shape)).astype(dtype)


def compress(path: Path, syntax: str) -> Path:
    dataset = pydicom.dcmread(path)
    dataset.compress(syntax, encoding_plugin={RLELossless: "pydicom", JPEGLSLossless: "pyjpegls"}.get(syntax, ""))
    dataset.save_as(path)
    return path


def put_frames(path: Path, syntax: str, frames: Sequence[bytes], fragments: int = 1, table: bool = True) -> Path:
    """Put compressed frames into a file as they are."""
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate(list(frames), fragments_per_frame=fragments, has_bot=table)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    return path


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def jpeg_ls(pixels: np.ndarray) -> bytes:
    return bytes(importlib.import_module("jpeg_ls").encode_array(pixels))


def jpeg_2000(pixels: np.ndarray, **options: object) -> bytes:
    return bytes(importlib.import_module("openjpeg").encode(pixels, **options))


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_lossless_frames_come_back(ct_files, syntax, dtype):
    pixels = smooth(dtype)
    path = compress(ct_files.slice("a.dcm", pixels, (0, 0, 0)), syntax)
    values = read_pixels(read_header(path))
    assert values.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(values[0], pixels)
    out = np.zeros((1, 64, 80), dtype)
    assert read_pixels(read_header(path), out=out) is out
    np.testing.assert_array_equal(out[0], pixels)
    wide = read_pixels(read_header(path), out=np.zeros((1, 64, 80), "i4"))
    np.testing.assert_array_equal(wide[0], pixels)


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("representation", [0, 1])
def test_12_bits_with_and_without_sign(ct_files, syntax, representation):
    pixels = RANDOM.integers(-2048, 2047, (64, 80)).astype(np.int16)
    pixels = pixels if representation else (pixels + 2048).astype(np.uint16)
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read_pixels(read_header(compress(path, syntax)))[0], pixels)


@needs_jpegls
def test_sign_of_a_stream_with_fewer_bits_than_stored(ct_files):
    pixels = smooth("i1").astype(np.int16)  # 8 bits are enough, the header says 16
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0))
    put_frames(path, JPEGLSLossless, [jpeg_ls(pixels.astype(np.int8).view(np.uint8))])
    np.testing.assert_array_equal(read_pixels(read_header(path))[0], pixels)


@needs_jpeg2000
def test_sign_that_only_one_header_knows():
    path = get_testdata_file("J2K_pixelrep_mismatch.dcm")
    np.testing.assert_array_equal(read_pixels(read_header(path))[0], pydicom.dcmread(path).pixel_array)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_8_bit_jpeg_needs_no_extra(ct_files, options, monkeypatch):
    for module in ("gdcm", "jpeg_ls", "openjpeg"):
        monkeypatch.setitem(sys.modules, module, None)
    pixels = smooth("u1")
    path = put_frames(ct_files.slice("a.dcm", pixels, (0, 0, 0)), JPEGBaseline8Bit, [jpeg(pixels, **options)])
    values = read_pixels(read_header(path))
    assert values.dtype == np.uint8
    assert np.abs(values[0].astype(int) - pixels).max() <= 16


@needs_gdcm
def test_12_bit_jpeg(capfd):
    header = read_header(get_testdata_file("JPGExtended.dcm"))
    values = read_pixels(header)
    assert values.shape == (1, 1024, 256)
    assert values.dtype == np.uint16
    assert 255 < values.max() <= 4095
    assert "Unsupported JPEG data precision" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("module", "syntax", "frame"),
    [
        ("jpeg_ls", JPEGLSLossless, b"\xff\xd8\xff\xf7\0\x0b\x08\0\x40\0\x50\x01\x01\x11\0\xff\xd9"),
        ("openjpeg", JPEG2000, b"\xff\x4f\xff\x51\0\x29\0\0\0\0\0\x50\0\0\0\x40" + bytes(24) + b"\0\1\7\1\1\xff\xd9"),
        ("gdcm", JPEGLosslessSV1, b"\xff\xd8\xff\xc3\0\x0b\x08\0\x40\0\x50\x01\x01\x11\0\xff\xd9"),
    ],
)
def test_missing_codec_names_the_syntax_and_the_extra(ct_files, monkeypatch, module, syntax, frame):
    monkeypatch.setitem(sys.modules, module, None)
    path = put_frames(ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0)), syntax, [frame])
    with pytest.raises(MissingCodecError, match=rf"a\.dcm: .*{syntax}.*; pip install lungdet\[dicom\]"):
        read_pixels(read_header(path))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.98", "1.2.840.10008.1.2.4.74", "1.2.3.4"])
def test_no_permissive_codec(ct_files, syntax):
    path = put_frames(ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0)), JPEGBaseline8Bit, [b"abcd"])
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.4.50", syntax.encode().ljust(22, b"\0")))
    with pytest.raises(MissingCodecError, match=f"{syntax}.*no permissively licensed codec is known; export"):
        read_pixels(read_header(path))


def test_arithmetic_jpeg_has_no_codec(ct_files):
    frame = b"\xff\xd8\xff\xc9\0\x0b\x08\0\x40\0\x50\x01\x01\x11\0\xff\xd9"
    path = put_frames(ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0)), JPEGExtended12Bit, [frame])
    with pytest.raises(MissingCodecError, match="no permissively licensed codec"):
        read_pixels(read_header(path))


# --- frames and fragments ---


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_many_frames(ct_files, syntax):
    pixels = np.stack([smooth("i2"), smooth("i2")[::-1], smooth("i2")[:, ::-1]])
    header = read_header(compress(ct_files.slice("a.dcm", pixels, (0, 0, 0), NumberOfFrames=3), syntax))
    np.testing.assert_array_equal(read_pixels(header), pixels)
    for frame in (2, 0, 1):
        np.testing.assert_array_equal(read_pixels(header, frame=frame), pixels[frame : frame + 1])


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("count", [1, 4])
def test_frames_in_fragments(ct_files, table, fragments, count):
    pixels = np.stack([smooth("u1") // (number + 1) for number in range(count)])
    frames = [jpeg(frame) for frame in pixels]
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), NumberOfFrames=count)
    put_frames(path, JPEGBaseline8Bit, frames, fragments, table)
    np.testing.assert_allclose(read_pixels(read_header(path)).astype(int), pixels, atol=16)


def test_too_few_and_too_many_frames(ct_files, caplog):
    pixels = np.stack([smooth("u1")] * 3)
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), NumberOfFrames=3)
    put_frames(path, JPEGBaseline8Bit, [jpeg(pixels[0])] * 2)
    with pytest.raises(DicomFileError, match="NumberOfFrames is 3, but only 2 compressed frames"):
        read_pixels(read_header(path))
    for count in (1, 3):
        path = ct_files.slice("b.dcm", pixels[:count], (0, 0, 0), NumberOfFrames=count)
        put_frames(path, JPEGBaseline8Bit, [jpeg(pixels[0])] * 5)
        with caplog.at_level(logging.WARNING, logger="lungdet"):
            assert read_pixels(read_header(path)).shape[0] == count
        assert f"5 compressed frames, the first {count} are read" in caplog.text


@pytest.fixture
def jpeg_file(ct_files):
    """A file with one JPEG frame, and that frame."""
    frame = jpeg(smooth("u1"))
    frame += b"\0" * (len(frame) % 2)
    return put_frames(ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0)), JPEGBaseline8Bit, [frame]), frame


DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"


def test_no_end_marker_after_the_fragments(jpeg_file, caplog):
    path, _ = jpeg_file
    whole = read_pixels(read_header(path))
    assert path.read_bytes().endswith(DELIMITER)
    path.write_bytes(path.read_bytes()[:-8])
    with caplog.at_level(logging.WARNING, logger="lungdet"):
        np.testing.assert_array_equal(read_pixels(read_header(path)), whole)
    assert "no end marker" in caplog.text


def test_fragments_of_defined_total_length(jpeg_file):
    path, _ = jpeg_file
    whole, data = read_pixels(read_header(path)), path.read_bytes()
    at = data.index(b"OB\0\0\xff\xff\xff\xff", 300) + 4
    length = len(data) - at - 4 - len(DELIMITER)
    path.write_bytes(data[:at] + length.to_bytes(4, "little") + data[at + 4 : -8])
    np.testing.assert_array_equal(read_pixels(read_header(path)), whole)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data, frame: data[:-30], "cut off at byte"),
        (lambda data, frame: data[: data.index(frame)] + DELIMITER, "cut off at byte|stands among|no compressed"),
        (lambda data, frame: data[: data.index(frame) - 8] + DELIMITER, "holds no compressed frames"),
        (lambda data, frame: data.replace(DELIMITER, b"\x08\0\x60\0CS\2\0CT"), r"\(0008,0060\) stands among"),
        (lambda data, frame: data.replace(frame, b"x" * len(frame)), "begins with 78787878, no image"),
        (lambda data, frame: data.replace(frame, b"\0" * len(frame)), "begins with 00000000, no image"),
        (lambda data, frame: data.replace(b"\xff\xd9", b"\xfe\xd9"), "cut off before its end marker"),
        (lambda data, frame: data.replace(b"\xff\xdb", b"\xff\xda", 1), "FFDA at byte"),
        (lambda data, frame: data.replace(b"\0\x40\0\x50\1", b"\0\x41\0\x50\1"), "65 x 80 pixels of 1 .* says 64 x 80"),
        (lambda data, frame: data.replace(b"\xff\xdb", b"\xff\xfe"), "cannot be decoded"),
    ],
)
def test_damaged_frames(jpeg_file, change, problem):
    path, frame = jpeg_file
    changed = change(path.read_bytes(), frame)
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    with pytest.raises(DicomFileError, match=r"a\.dcm: .*(" + problem + ")"):
        read_pixels(read_header(path))


def test_fragment_budget(ct_files):
    path = ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0))
    put_frames(path, JPEGBaseline8Bit, [jpeg(smooth("u1"))], fragments=40)
    with pytest.raises(DicomFileError, match="more than 35 compressed fragments"):
        read_pixels(read_header(path, limits=ReadLimits(max_elements=35)))


def test_an_empty_offset_table_that_is_wrong(ct_files):
    pixels = np.stack([smooth("u1")] * 2)
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), NumberOfFrames=2)
    put_frames(path, JPEGBaseline8Bit, [jpeg(frame) for frame in pixels], fragments=2)
    data = path.read_bytes()
    at = data.index(b"\xfe\xff\0\xe0\x08\0\0\0") + 12
    path.write_bytes(data[:at] + b"\x07" + data[at + 1 :])  # the second offset points nowhere
    assert read_pixels(read_header(path)).shape == (2, 64, 80)


@needs_jpegls
def test_stream_of_another_family(ct_files):
    pixels = smooth("u1")
    path = put_frames(ct_files.slice("a.dcm", pixels, (0, 0, 0)), JPEG2000, [jpeg_ls(pixels)])
    with pytest.raises(DicomFileError, match="stream is jpegls, and its transfer syntax promises jpeg2000"):
        read_pixels(read_header(path))


@needs_jpegls
def test_stream_with_more_bits_than_the_header(ct_files):
    path = ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0))
    put_frames(path, JPEGLSLossless, [jpeg_ls(smooth("u2"))])
    with pytest.raises(DicomFileError, match="stream has 16 bits, and BitsAllocated is 8"):
        read_pixels(read_header(path))


def test_colour_stream_in_a_grey_file(ct_files):
    frame = jpeg(np.stack([smooth("u1")] * 3, axis=-1))
    path = put_frames(ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0)), JPEGBaseline8Bit, [frame])
    with pytest.raises(DicomFileError, match="of 3 components, and its header says 64 x 80 of 1"):
        read_pixels(read_header(path))


@needs_gdcm
def test_frame_that_gdcm_cannot_decode(ct_files):
    frame = b"\xff\xd8\xff\xc3\0\x0b\x10\0\x40\0\x50\x01\x01\x11\0" + b"\xff\xd9"
    path = put_frames(ct_files.slice("a.dcm", smooth("u2"), (0, 0, 0)), JPEGLosslessSV1, [frame])
    with pytest.raises(DicomFileError, match="cannot be decoded"):
        read_pixels(read_header(path))


def test_codec_that_gives_too_few_pixels_or_no_memory(jpeg_file, monkeypatch):
    header = read_header(jpeg_file[0])
    codec = "lungdet.readers.dicom_codecs._decode_pillow"
    monkeypatch.setattr(codec, lambda data: np.zeros(7, np.uint8))
    with pytest.raises(DicomFileError, match="gave 7 pixels, and 64 x 80 were wanted"):
        read_pixels(header)

    def fail(data):
        raise MemoryError

    monkeypatch.setattr(codec, fail)
    with pytest.raises(DicomFileError, match="more memory than there is"):
        read_pixels(header)


def test_claims_that_no_compressed_bytes_can_be_worth(ct_files):
    path = ct_files.slice("a.dcm", smooth("u1"), (0, 0, 0), Rows=5000, Columns=5000, NumberOfFrames=3)
    put_frames(path, JPEGBaseline8Bit, [jpeg(smooth("u1"))] * 3)
    with pytest.raises(DicomFileError, match=r"claims 75000000 bytes of pixels from \d+ compressed"):
        read_pixels(read_header(path))
    with pytest.raises(DicomFileError, match="frame of 5000 x 5000 exceeds the limit of 20000000 bytes"):
        read_pixels(read_header(path, limits=ReadLimits(max_frame_bytes=20_000_000)))


# --- RLE ---

RLE_LAYOUT = PixelLayout(1, 2, 3, 16, 16, 15, signed=False)


def rle_frame(segments: Sequence[bytes], count: int | None = None) -> bytes:
    places = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    numbers = [len(segments) if count is None else count, *places]
    return b"".join(number.to_bytes(4, "little") for number in numbers).ljust(64, b"\0") + b"".join(segments)


def test_rle_by_hand():
    high = bytes([0x80, 256 - 5, 1])  # a no-operation, then 6 times 1
    low = bytes([2, 10, 11, 12, 256 - 1, 13, 0, 14])  # three as they are, 2 times 13, one as it is
    np.testing.assert_array_equal(
        decode_rle(rle_frame([high, low]), RLE_LAYOUT), [[0x10A, 0x10B, 0x10C], [0x10D, 0x10D, 0x10E]]
    )


@pytest.mark.parametrize("padding", [b"", b"\0", b"\x80", bytes(7)])
def test_rle_padding_is_left_out(padding):
    segment = bytes([251, 7]) + padding
    assert decode_rle(rle_frame([segment, segment]), RLE_LAYOUT).tolist() == [[0x707] * 3] * 2


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (b"\2\0\0\0", "shorter than an RLE header"),
        (rle_frame([bytes([251, 1])]), "has 1 segments, and 2 bytes"),
        (rle_frame([bytes([251, 1]), bytes([252, 1])]), "gives 5 bytes, and 6 are needed"),
        (rle_frame([bytes([251, 1]), bytes([5, 1, 2])]), "gives 2 bytes"),
        (rle_frame([bytes([250, 1]), bytes([251, 1])]), "gives 7 bytes, and 6 are needed"),
        (rle_frame([bytes([251, 1]) * 2, bytes([251, 1])]), "2 bytes left when all 6 pixels are out"),
        (rle_frame([bytes([251, 1]), bytes([251, 1]) + bytes(8)]), "8 bytes left"),
        (rle_frame([bytes([251]), bytes([251, 1])]), "gives 6 bytes|gives 0 bytes"),
        (rle_frame([bytes([251, 1])], count=2), "segment 1 runs from byte 64 to 0"),
        (rle_frame([bytes([251, 1]), b""]), "gives 0 bytes"),
    ],
)
def test_damaged_rle(frame, problem):
    with pytest.raises(ValueError, match=problem):
        decode_rle(frame, RLE_LAYOUT)


# --- stream headers ---


@needs_jpeg2000
def test_jpeg_2000_header():
    stream = jpeg_2000(smooth("u2"))
    expected = StreamHeader("jpeg2000", 0, 64, 80, 1, 16)
    assert read_stream_header(stream) == expected
    box = b"\0\0\0\x0cjP  \r\n\x87\n"
    assert read_stream_header(box + stream).start == len(box)
    with pytest.raises(ValueError, match="holds no JPEG 2000 codestream"):
        read_stream_header(box + bytes(50))
    with pytest.raises(ValueError, match="subsampled by 2 x 1"):
        read_stream_header(stream[:43] + b"\2" + stream[44:])
    with pytest.raises(ValueError, match="ends inside its header"):
        read_stream_header(stream[:30])


@needs_jpeg2000
def test_jp2_file_in_a_fragment(ct_files):
    pixels = smooth("u2")
    box = b"\0\0\0\x0cjP  \r\n\x87\n"
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0))
    put_frames(path, JPEG2000Lossless, [box + jpeg_2000(pixels)])
    np.testing.assert_array_equal(read_pixels(read_header(path))[0], pixels)


def test_jpeg_header_behind_other_segments():
    frame = b"\xff\xc1\0\x0b\x0c\0\x40\0\x50\x01\x01\x11\0"
    stream = b"\xff\xd8\xff\xe0\0\4ab\xff\xff\x01\xff\xd0\xff\xc4\0\2" + frame
    assert read_stream_header(stream) == StreamHeader("jpeg", 0xFFC1, 64, 80, 1, 12)
    for damaged in (b"\xff\xd8", stream[:14], b"\xff\xd8\xff\xd9\0\0", b"\xff\xd8\x12\x34\0\0"):
        with pytest.raises(ValueError, match=r"ends inside|where its frame header belongs"):
            read_stream_header(damaged)
    with pytest.raises(ValueError, match="begins with nothing"):
        read_stream_header(b"")


@pytest.mark.parametrize(
    ("tail", "complete"),
    [(b"\xff\xd9", True), (b"\xff\xd9\0\0", True), (b"\xff\xd9\xff", True), (b"\xff\xd8", False), (b"", False)],
)
def test_end_marker(tail, complete):
    assert is_complete(b"...." + tail) is complete


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_a_decoder_has_nothing_to_complain_of_aloud(name, capfd):
    """The scans of these name a selection that the process has not; the decoder would tell, but not of which file."""
    pytest.importorskip("gdcm")
    path = Path(pydicom.__file__).parent / "data" / "test_files" / name
    if not path.is_file():
        pytest.skip("this pydicom does not have it")
    read_pixels(read_header(path))
    assert capfd.readouterr().err == ""
