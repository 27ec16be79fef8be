import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.readers import RadiographError
from lungdet.readers.dicom_limits import ReadLimits
from lungdet.readers.picture_identity import identify_picture

PIXELS = make_radiograph(0, "hand", rows=40, columns=32)


def test_the_same_picture_in_other_clothes(tmp_path: Path):
    grey = (PIXELS * 255).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(grey).save(tmp_path / "b.png", compress_level=0)
    Image.fromarray(grey).save(tmp_path / "c.tif")
    Image.fromarray(255 - grey).save(tmp_path / "d.png")
    Image.fromarray(grey.reshape(32, 40)).save(tmp_path / "e.png")
    contents = [identify_picture(tmp_path / name).content for name in ("a.png", "b.png", "c.tif", "d.png", "e.png")]
    assert contents[0] == contents[1] == contents[2]
    assert len(set(contents)) == 3
    assert all(len(content) == 16 for content in contents)


def test_dicom_tells_patient_and_study_without_the_id(tmp_path: Path):
    first = identify_picture(write_radiograph_dicom(PIXELS, tmp_path / "1", patient="MILLER-1", seed=1))
    second = identify_picture(write_radiograph_dicom(PIXELS, tmp_path / "2", patient="MILLER-1", seed=2))
    other = identify_picture(write_radiograph_dicom(PIXELS[::-1], tmp_path / "3", patient="SMITH-2", seed=3))
    assert first.patient == second.patient != other.patient
    assert first.content == second.content != other.content
    assert first.sop_uid != second.sop_uid
    assert first.study
    assert "MILLER" not in repr(first)


def test_other_pixels_after_the_same_header_and_without_pixels_asked_for(tmp_path: Path):
    path = write_radiograph_dicom(PIXELS, tmp_path / "1.dcm")
    assert identify_picture(path, with_content=False).content == ""
    whole = identify_picture(path).content
    dataset = pydicom.dcmread(path)
    dataset.StudyDescription = "another header"
    dataset.save_as(path)
    assert identify_picture(path).content == whole
    del dataset.PatientID
    dataset.save_as(path)
    assert identify_picture(path).patient == ""
    dataset.compress(pydicom.uid.RLELossless)
    dataset.save_as(path)
    assert identify_picture(path).content not in ("", whole)


def test_what_is_no_picture(tmp_path: Path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(RadiographError, match=r"a\.png: it is neither DICOM nor a picture"):
        identify_picture(tmp_path / "a.png")
    Image.fromarray((PIXELS * 255).astype(np.uint8)).save(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:200])
    with pytest.raises(RadiographError, match="cannot be decoded"):
        identify_picture(tmp_path / "b.png")
    with pytest.raises(FileNotFoundError):
        identify_picture(tmp_path / "absent.png")
    path = write_radiograph_dicom(PIXELS, tmp_path / "c.dcm")
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(RadiographError, match="no pixels"):
        identify_picture(path)


def test_a_bomb_is_refused_before_decoding(tmp_path: Path):
    side = 60_000
    header = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])  # one bit a pixel: 450 MB from a few bytes
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        data += len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(RadiographError, match=r"bomb\.png"):
        identify_picture(tmp_path / "bomb.png")
    Image.fromarray(np.zeros((100, 100), np.uint8)).save(tmp_path / "large.png")
    with pytest.raises(RadiographError, match="100 x 100 pixels"):
        identify_picture(tmp_path / "large.png", limits=ReadLimits(max_frame_bytes=1000))
