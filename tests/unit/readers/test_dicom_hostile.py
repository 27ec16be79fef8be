"""Files made to do harm are refused by name, in time and in little memory; damaged ones never crash."""

import io
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

from lungdet.readers.dicom_file import read_header
from lungdet.readers.dicom_pixels import padding_mask, read_pixels
from lungdet.readers.errors import DicomFileError, SeriesError

MOST_SECONDS = 5.0
MOST_BYTES = 1 << 30
# Reads each file under a limit of memory, and tells what came of it and how long it took.
PROBE = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
from lungdet.readers.dicom_file import read_header
from lungdet.readers.dicom_pixels import read_pixels
for path in sys.argv[1:]:
    start = time.perf_counter()
    try:
        header = read_header(path)
        header.get("PerFrameFunctionalGroupsSequence"), header.numbers("ImagePositionPatient")
        outcome = "read " + str(read_pixels(header).shape)
    except Exception as error:
        outcome = type(error).__name__ + " " + str(error)
    print(json.dumps([outcome, time.perf_counter() - start]))
"""


def probe(*paths: Path) -> list[tuple[str, float]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROBE.format(limit=MOST_BYTES), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=120)
    return [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]


def short(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def long(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, vr, 0, len(value) if length is None else length) + value


def word(tag: int, value: int) -> bytes:
    return short(tag, b"US", struct.pack("<H", value))


def file_of(data: bytes, syntax: bytes = b"1.2.840.10008.1.2.1") -> bytes:
    return bytes(128) + b"DICM" + short(0x00020010, b"UI", syntax + b"\0" * (len(syntax) % 2)) + data


def image(rows: int, columns: int, pixels: bytes, bits: int = 16, frames: int = 1) -> bytes:
    numbers = word(0x00280010, rows) + word(0x00280011, columns) + word(0x00280100, bits)
    return short(0x00080060, b"CS", b"CT") + short(0x00280008, b"IS", f"{frames} ".encode()[:12]) + numbers + pixels


def compressed(frame: bytes, rows: int, columns: int, syntax: bytes, bits: int = 16, frames: int = 1) -> bytes:
    pixels = long(0x7FE00010, b"OB", encapsulate([frame] * frames), 0xFFFFFFFF) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return file_of(image(rows, columns, pixels, bits, frames), syntax)


def deflated(head: bytes, zeros: int) -> bytes:
    squeeze = zlib.compressobj(9, wbits=-15)
    begin = squeeze.compress(head) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    return file_of(begin + block * (zeros >> 20) + squeeze.flush(), b"1.2.840.10008.1.2.1.99")


def jpeg_2000_of(rows: int, columns: int, tile: int = 0) -> bytes:
    """A stream of a few bytes that asks for ``rows x columns``."""
    tile_size = (tile or columns, tile or rows)
    size = struct.pack(">HH8LH3B", 41, 0, columns, rows, 0, 0, *tile_size, 0, 0, 1, 15, 1, 1)
    coding = b"\xff\x52\0\x0c\0\0\0\1\0\5\4\4\0\1"
    quantization = b"\xff\x5c\0\x13\x40" + bytes(range(0x40, 0x50))
    return b"\xff\x4f\xff\x51" + size + coding + quantization + b"\xff\x90\0\x0a\0\0\0\0\0\x0e\0\1\xff\x93\xff\xd9"


def jpeg_of(rows: int, columns: int, frame_marker: int, bits: int) -> bytes:
    frame = struct.pack(">HHBHHB3B", frame_marker, 11, bits, rows, columns, 1, 1, 0x11, 0)
    return b"\xff\xd8" + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"\0" * 40 + b"\xff\xd9"


def nested(depth: int, defined: bool) -> bytes:
    data = b""
    if not defined:
        opening = long(0x52009230, b"SQ", b"", 0xFFFFFFFF) + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
        return opening * depth
    for _ in range(depth):
        data = long(0x52009230, b"SQ", b"\xfe\xff\0\xe0" + struct.pack("<L", len(data)) + data)
    return data


EMPTY = b"\xfe\xff\0\xe0\0\0\0\0"
BOMBS = {
    "nested": lambda: file_of(nested(150_000, defined=False)),
    "nested_defined": lambda: file_of(nested(2_000, defined=True) + image(2, 2, b"")),
    "many_elements": lambda: file_of(word(0x00280010, 1) * 2_000_000),
    "many_items": lambda: file_of(long(0x52009230, b"SQ", EMPTY * 2_000_000)),
    "long_numbers": lambda: file_of(
        struct.pack("<HHL", 0x20, 0x32, 40_000_000) + b"1\\" * 20_000_000, b"1.2.840.10008.1.2"
    ),
    "long_element": lambda: file_of(long(0x00091010, b"OB", b"abc", 0xFFFFFFF0)),
    "giant_native": lambda: file_of(image(65535, 32767, long(0x7FE00010, b"OW", b"", 0xFFFFFFF0))),
    "giant_frames": lambda: file_of(image(512, 512, long(0x7FE00010, b"OW", bytes(99)), frames=2_000_000_000)),
    "deflated_header": lambda: deflated(long(0x00091010, b"OB", b"", 1 << 30), 1 << 30),
    "deflated_elements": lambda: deflated(b"", 1 << 30),
    "deflated_pixels": lambda: deflated(image(30000, 30000, long(0x7FE00010, b"OW", b"", 1_800_000_000)), 1 << 30),
    "jpeg2000": lambda: compressed(jpeg_2000_of(50000, 50000), 512, 512, b"1.2.840.10008.1.2.4.90"),
    "jpeg2000_agreed": lambda: compressed(jpeg_2000_of(40000, 40000), 40000, 40000, b"1.2.840.10008.1.2.4.90"),
    "jpeg2000_most": lambda: compressed(jpeg_2000_of(5700, 5700), 5700, 5700, b"1.2.840.10008.1.2.4.90"),
    "jpeg2000_tiles": lambda: compressed(jpeg_2000_of(5700, 5700, 1), 5700, 5700, b"1.2.840.10008.1.2.4.90"),
    "jpeg2000_frames": lambda: compressed(jpeg_2000_of(512, 512), 512, 512, b"1.2.840.10008.1.2.4.90", frames=2000),
    "jpeg": lambda: compressed(jpeg_of(65500, 65500, 0xFFC0, 8), 512, 512, b"1.2.840.10008.1.2.4.50", bits=8),
    "jpeg_agreed": lambda: compressed(jpeg_of(65500, 65500, 0xFFC0, 8), 65500, 65500, b"1.2.840.10008.1.2.4.50", 8),
    "jpeg_lossless": lambda: compressed(jpeg_of(60000, 60000, 0xFFC3, 16), 60000, 30000, b"1.2.840.10008.1.2.4.70"),
    "jpeg_ls": lambda: compressed(jpeg_of(60000, 60000, 0xFFF7, 16), 512, 512, b"1.2.840.10008.1.2.4.80"),
    "rle": lambda: compressed(
        struct.pack("<16L", 2, 64, 10_000_064, *[0] * 13) + b"\x81\0" * 10_000_000, 600, 600, b"1.2.840.10008.1.2.5"
    ),
    "rle_segments": lambda: compressed(struct.pack("<16L", *[0xFFFFFFFF] * 16), 512, 512, b"1.2.840.10008.1.2.5"),
}
READABLE: set[str] = set()


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS works as meant on Linux only")
def test_bombs_are_refused_in_time_and_memory(tmp_path):
    paths = []
    for name, make in BOMBS.items():
        paths.append(tmp_path / f"{name}.dcm")
        paths[-1].write_bytes(make())
    outcomes = probe(*paths)
    assert len(outcomes) == len(BOMBS)
    for path, (outcome, seconds) in zip(paths, outcomes, strict=True):
        if path.stem in READABLE:
            assert outcome.startswith("read"), outcome
        else:
            kind, _, message = outcome.partition(" ")
            assert kind in ("DicomFileError", "NotDicomError"), (path.stem, outcome)
            assert message.startswith(str(path)), (path.stem, outcome)
            assert len(message) < len(str(path)) + 400
        assert seconds < MOST_SECONDS, (path.stem, seconds, outcome)


@pytest.mark.parametrize("name", sorted(set(BOMBS) - READABLE - {"many_items", "many_elements"}))
def test_what_is_said_of_a_bomb(tmp_path, name):
    path = tmp_path / f"{name}.dcm"
    path.write_bytes(BOMBS[name]())
    with pytest.raises(DicomFileError, match=name) as caught:
        read_pixels(read_header(path))
    assert "; " in str(caught.value)


@pytest.mark.parametrize("syntax", ["native", "deflated", "rle", "jpegls", "jpeg2000"])
def test_damaged_files_are_read_or_refused(ct_files, damaged_copies, syntax):
    pixels = (np.arange(32 * 40).reshape(32, 40) % 700 - 300).astype(np.int16)
    path = ct_files.slice("a.dcm", pixels, (0, 0, 0), PixelPaddingValue=-300)
    dataset = pydicom.dcmread(path)
    if syntax == "deflated":
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    elif syntax != "native":
        pytest.importorskip({"rle": "pydicom", "jpegls": "jpeg_ls", "jpeg2000": "openjpeg"}[syntax])
        dataset = pydicom.dcmread(path)
        dataset.PixelData = np.pad(pixels, ((0, 32), (0, 40))).tobytes()
        dataset.Rows, dataset.Columns = 64, 80
        names = {"rle": "RLELossless", "jpegls": "JPEGLSLossless", "jpeg2000": "JPEG2000Lossless"}
        dataset.compress(getattr(pydicom.uid, names[syntax]))
    dataset.save_as(path)
    data = path.read_bytes()
    keywords = ("Rows", "ImagePositionPatient", "RescaleSlope", "PixelSpacing", "NumberOfFrames")
    slowest, refused = 0.0, 0
    for copy in damaged_copies(data, 60 if syntax != "native" else 120, seed=11):
        path.write_bytes(copy)
        start = time.perf_counter()
        try:
            header = read_header(path)
            _ = [
                (header.numbers(keyword), header.get(keyword), header.text("SeriesDescription")) for keyword in keywords
            ]
            padding_mask(header, read_pixels(header))
        except SeriesError as error:
            refused += 1
            assert str(error).startswith(str(path))  # noqa: PT017 - both ways are right here
        slowest = max(slowest, time.perf_counter() - start)
    assert slowest < MOST_SECONDS
    assert refused > 10


def test_pictures_and_archives_are_no_dicom(tmp_path):
    from PIL import Image

    from lungdet.readers.errors import NotDicomError

    for kind in ("PNG", "JPEG", "TIFF", "BMP"):
        file = io.BytesIO()
        Image.fromarray(np.zeros((300, 300), np.uint8)).save(file, kind)
        path = tmp_path / f"picture.{kind}"
        path.write_bytes(file.getvalue())
        with pytest.raises(NotDicomError):
            read_header(path)
