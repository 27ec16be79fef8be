"""Files made to do harm are refused by name, within 5 s and 1 GiB; damaged ones are read or refused, never more."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.readers import RadiographError, read_radiograph

MOST_SECONDS = 5.0
MOST_BYTES = 1 << 30
# Reads each file under a limit of memory, and tells what came of it and how long it took.
PROBE = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
from lungdet.readers import read_radiograph
from PIL import Image
Image.init()
resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))
for path in sys.argv[1:]:
    start = time.process_time()
    try:
        outcome = "read " + str(read_radiograph(path).pixels.shape)
    except Exception as error:
        outcome = type(error).__name__ + " " + str(error)
    print(json.dumps([outcome, time.process_time() - start]), flush=True)
"""


def dicom(path: Path, rows: int, columns: int, syntax: UID, data: bytes, **elements) -> None:
    write_radiograph_dicom(np.zeros((4, 4), np.uint16), path)
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.Columns = rows, columns
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([data]) if syntax.is_encapsulated else data
    dataset["PixelData"].is_undefined_length = syntax.is_encapsulated
    dataset.save_as(path, enforce_file_format=True)


def deflated(path: Path, element: bytes) -> None:
    """A deflated file that goes on with ``element`` and then with 2 GB of zeros, in 2 MB."""
    write_radiograph_dicom(np.zeros((4, 4), np.uint16), path, transfer_syntax="deflated")
    data, dataset = path.read_bytes(), pydicom.dcmread(path)
    start = 144 + dataset.file_meta.FileMetaInformationGroupLength
    head = zlib.decompress(data[start:], -15).partition(b"\xe0\x7f\x10\0")[0]
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = squeeze.compress(head + element) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(data[:start] + begin + block * 2000 + squeeze.flush())


def jpeg_2000_of(side: int) -> bytes:
    size = struct.pack(">HH8LH3B", 41, 0, side, side, 0, 0, side, side, 0, 0, 1, 11, 1, 1)
    return b"\xff\x4f\xff\x51" + size + bytes(1300) + b"\xff\xd9"


def long_item(path: Path, table: int, fragment: int, **elements) -> None:
    """A compressed file whose offset table or fragment goes on with zeros; the file system keeps none of them."""
    dicom(path, 64, 64, JPEG2000Lossless, jpeg_2000_of(64), **elements)
    data = path.read_bytes()
    with open(path, "wb") as file:
        file.write(data[: data.index(b"\xe0\x7f\x10\0O") + 12] + b"\xfe\xff\0\xe0" + struct.pack("<L", table))
        file.seek(table, os.SEEK_CUR)
        stream = jpeg_2000_of(64)[:-2]
        file.write(b"\xfe\xff\0\xe0" + struct.pack("<L", fragment or len(stream) + 2) + stream)
        file.seek(max(0, fragment - len(stream) - 2), os.SEEK_CUR)
        file.write(b"\xff\xd9\xfe\xff\xdd\xe0\0\0\0\0")


def long_file(path: Path, begin: bytes, size: int, end: bytes = b"") -> None:
    with open(path, "wb") as file:
        file.write(begin)
        file.seek(size)
        file.write(end)


def small_jpeg() -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(data, "JPEG")
    return data.getvalue()[:-2]


COLOUR = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "BitsStored": 8}


def jpeg_of_many_scans(scans: int) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.zeros((2000, 2000), np.uint8)).save(data, "JPEG", progressive=True)
    begin, scan = data.getvalue()[:-2], data.getvalue()[data.getvalue().rindex(b"\xff\xda") : -2]
    return begin + scan * scans + b"\xff\xd9"


def png(columns: int, rows: int, depth: int, colour: int) -> bytes:
    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    squeeze = zlib.compressobj(9)
    begin = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", begin + block * 800) + part(b"IEND", b"")


def gif(columns: int, rows: int, blocks: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", columns, rows, 0x80, 0, 0) + bytes(6) + blocks + b"\x3b"


def gif_image(columns: int, rows: int) -> bytes:
    return b"\x2c" + struct.pack("<HHHHB", 0, 0, columns, rows, 0) + b"\x02\x02\x44\x01\x00"


def tiff(columns: int, rows: int, next_place: int = 0, tile: int = 0) -> bytes:
    """One directory; the pixels are wherever."""
    tags = [(256, columns), (257, rows), (258, 8), (259, 5 if tile else 1), (262, 1)]
    tags += [(322, tile), (323, tile), (324, 8), (325, 99)] if tile else [(273, 8), (278, rows), (279, 99)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", next_place)


def tiff_file(*directories: bytes) -> bytes:
    return b"II*\0" + struct.pack("<I", 200) + bytes(192) + b"".join(directories)


LENGTH = len(tiff(1, 1))
BOMBS = {
    "table.dcm": lambda p: long_item(p, 600 << 20, 0),
    "fragment.dcm": lambda p: long_item(p, 0, 1500 << 20),
    "fragment_colour.dcm": lambda p: long_item(p, 0, 1500 << 20, BitsAllocated=8, HighBit=7, **COLOUR),
    "long.jpg": lambda p: long_file(p, small_jpeg(), 1000 << 20, b"\xff\xd9"),
    "long_text.png": lambda p: long_file(
        p, png(64, 64, 8, 0)[:33] + struct.pack(">I", 1000 << 20) + b"tEXtA\0", 1010 << 20, b"\0"
    ),
    "jpeg_2000.dcm": lambda p: dicom(p, 50000, 50000, JPEG2000Lossless, jpeg_2000_of(50000)),
    "jpeg_2000_hidden.dcm": lambda p: dicom(p, 64, 64, JPEG2000Lossless, jpeg_2000_of(50000)),
    "jpeg_2000_frames.dcm": lambda p: dicom(p, 64, 64, JPEG2000Lossless, jpeg_2000_of(64), NumberOfFrames=2**31 - 1),
    "jpeg_2000_large.dcm": lambda p: dicom(p, 5700, 5700, JPEG2000Lossless, jpeg_2000_of(5700)),
    "jpeg_ls.dcm": lambda p: dicom(p, 60000, 60000, JPEGLSLossless, b"\xff\xd8\xff\xf7\0\x0b\x10" + bytes(50)),
    "rle.dcm": lambda p: dicom(p, 60000, 60000, RLELossless, bytes(64)),
    "rle_short.dcm": lambda p: dicom(p, 5000, 5000, RLELossless, struct.pack("<16L", 2, 64, 66, *[0] * 13) + bytes(4)),
    "native.dcm": lambda p: dicom(p, 65535, 65535, ExplicitVRLittleEndian, bytes(100)),
    "frames.dcm": lambda p: dicom(p, 512, 512, ExplicitVRLittleEndian, bytes(100), NumberOfFrames=2_000_000),
    "colour_scans.dcm": lambda p: dicom(
        p,
        2000,
        2000,
        JPEGBaseline8Bit,
        jpeg_of_many_scans(2000),
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
    ),
    "deflated_private.dcm": lambda p: deflated(p, b"\xe1\x7f\x10\0OB\0\0\xff\xff\xff\x7f"),
    "deflated_pixels.dcm": lambda p: deflated(p, b"\xe0\x7f\x10\0OW\0\0\x20\0\0\0"),
    "large_1.png": lambda p: p.write_bytes(png(13000, 13000, 1, 0)),
    "large_2.png": lambda p: p.write_bytes(png(60000, 60000, 8, 2)),
    "large_3.png": lambda p: p.write_bytes(png(9900, 9900, 16, 0)),
    "scans.jpg": lambda p: p.write_bytes(jpeg_of_many_scans(2000)),
    "large.gif": lambda p: p.write_bytes(gif(65535, 65535, gif_image(65535, 65535))),
    "larger_than_its_screen.gif": lambda p: p.write_bytes(gif(1, 1, gif_image(65535, 65535))),
    "frames.gif": lambda p: p.write_bytes(gif(1, 1, gif_image(1, 1) * 500_000)),
    "texts.gif": lambda p: p.write_bytes(gif(1, 1, b"\x21\xfe" + b"\x01a" * 4_000_000 + b"\0" + gif_image(1, 1))),
    "large.tif": lambda p: p.write_bytes(tiff_file(tiff(60000, 60000))),
    "tile.tif": lambda p: p.write_bytes(tiff_file(tiff(10, 10, tile=65520))),
    "chain.tif": lambda p: p.write_bytes(
        tiff_file(*[tiff(1, 1, 200 + (number + 1) * LENGTH) for number in range(50_000)])
    ),
    "large.bmp": lambda p: p.write_bytes(
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 60000, 60000, 1, 8, 1, 0, 0, 0, 0, 0) + bytes(99)
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS works as meant on Linux only")
def test_bombs_are_refused_in_time_and_memory(tmp_path, real_or_none):
    paths = []
    for name, make in BOMBS.items():
        paths.append(tmp_path / name)
        make(paths[-1])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROBE.format(limit=MOST_BYTES), *map(str, paths + real_or_none)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=180)
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(outcomes) == len(paths) + len(real_or_none)
    for path, (outcome, seconds) in zip(paths + real_or_none, outcomes, strict=True):
        kind, _, message = outcome.partition(" ")
        if path in paths:
            assert kind == "RadiographError", (path.name, outcome)
            assert "memory" not in message, (path.name, outcome)  # refused before, not when there was none left
        if kind != "read":
            assert (kind, message.startswith(str(path))) == ("RadiographError", True), outcome
            assert "; " in message
            assert len(message) < len(str(path)) + 400
        assert seconds < MOST_SECONDS, (path.name, seconds, outcome)


@pytest.fixture
def real_or_none(request) -> list[Path]:
    """The hostile real files, where they are at hand."""
    folder = Path(os.environ.get("LUNGDET_REAL_DATA", request.config.rootpath.parent / "shared" / "data")) / "broken"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_nested_sequences_are_refused_by_name(tmp_path):
    path = write_radiograph_dicom(np.zeros((4, 4)), tmp_path / "nested.dcm")
    opening = b"\x28\0\x10\x30SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"  # VOILUTSequence
    data = path.read_bytes()
    place = data.index(b"\x28\0\x10\x21CS")  # LossyImageCompression comes before it
    path.write_bytes(data[:place] + opening * 100_000)
    with pytest.raises(RadiographError, match=r"nested\.dcm: its sequences nest deeper"):
        read_radiograph(path)


def sound_file(folder: Path, kind: str) -> Path:
    picture = make_radiograph(1, "hand", rows=48, columns=40)
    if kind in ("explicit", "implicit", "rle", "jpeg_ls", "jpeg_2000"):
        pytest.importorskip({"jpeg_ls": "jpeg_ls", "jpeg_2000": "openjpeg"}.get(kind, "pydicom"))
        table = pydicom.Dataset()
        table.add_new("LUTDescriptor", "US", [256, 0, 8])
        table.add_new("LUTData", "OW", np.arange(256, dtype="<u2").tobytes())
        padded = np.pad(picture, ((0, 16), (0, 24)))
        return write_radiograph_dicom(
            padded,
            folder / "a",
            bits=8,
            transfer_syntax=kind,
            ModalityLUTSequence=[table],
            ShutterShape="POLYGONAL",
            VerticesOfThePolygonalShutter=[1, 1, 1, 40, 48, 20],
        )
    levels = np.rint(picture * 255).astype(np.uint8)
    colours = np.stack([levels, np.roll(levels, 3), levels], axis=-1)
    Image.fromarray(levels if kind != "PNG" else colours).save(folder / "a", kind)
    return folder / "a"


@pytest.mark.parametrize(
    "kind", ["explicit", "implicit", "rle", "jpeg_ls", "jpeg_2000", "PNG", "JPEG", "GIF", "BMP", "TIFF"]
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused(tmp_path, damaged_copies, kind):
    data = sound_file(tmp_path, kind).read_bytes()
    read, messages = 0, []
    for number, copy in enumerate(damaged_copies(data, 120, seed=7)):
        path = tmp_path / f"b{number}"
        path.write_bytes(copy)
        try:
            pixels = read_radiograph(path, max_side=30).pixels
        except RadiographError as error:
            messages.append((str(path), str(error)))
        else:
            assert np.isfinite(pixels).all()
            assert 0 <= pixels.min() <= pixels.max() <= 1 + 1e-5
            read += 1
    assert all(message.startswith(name) for name, message in messages)
    assert read < 120
