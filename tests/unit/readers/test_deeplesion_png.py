import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lungdet.geometry.frames import boxes_to_voxel, lps_to_ras
from lungdet.phantoms import write_nifti
from lungdet.readers import SeriesError, read_ct, read_deeplesion_group, write_deeplesion_group
from lungdet.readers.deeplesion_png import contiguous_groups, deeplesion_affine_lps, slice_numbers
from lungdet.readers.png_file import SIGNATURE, read_png16, write_png16
from lungdet.records import CTVolume, SeriesInfo

SPACING = (0.5, 0.75, 5.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Slices 8 to 11 of 7 columns and 5 rows; every value tells where it is."""
    folder = tmp_path / "000012_01_03"
    folder.mkdir()
    for number in range(8, 12):
        rows, columns = np.mgrid[0:5, 0:7]
        write_png16(folder / f"{number:03d}.png", (32768 + number * 100 + rows * 10 + columns).astype(np.uint16))
    return folder


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def test_values_and_axes(folder: Path):
    volume = read_deeplesion_group(folder, 8, 11, SPACING)
    assert volume.array.shape == (7, 5, 4)
    assert volume.array.dtype == np.int16
    assert volume.array[6, 2, 1] == 926  # column 6, row 2, slice 9


def test_the_affine_puts_slice_numbers_towards_the_feet():
    affine = deeplesion_affine_lps(SPACING, 8)
    assert (affine @ [0, 0, 0, 1]).tolist() == [0, 0, -35, 1]
    assert (affine @ [4, 2, 1, 1]).tolist() == [2, 1.5, -40, 1]
    assert deeplesion_affine_lps(SPACING, 1)[:3, 3].tolist() == [0, 0, 0]


def test_groups_of_a_series_share_one_frame(folder: Path):
    """A voxel of slice 10 lies at one place, whichever group it was read in."""
    whole, part = (read_deeplesion_group(folder, first, 11, SPACING) for first in (8, 10))
    assert (whole.affine_lps @ [3, 2, 2, 1]).tolist() == (part.affine_lps @ [3, 2, 0, 1]).tolist()
    assert whole.array[3, 2, 2] == part.array[3, 2, 0]
    box = np.array([[0.0, 0.0, -50.0, 2.0, 2.0, -40.0]])
    shift = boxes_to_voxel(box, whole.affine_lps) - boxes_to_voxel(box, part.affine_lps)
    assert np.allclose(shift, [[0, 0, 2, 0, 0, 2]])


def test_round_trip_through_nifti_and_back_to_png(folder: Path, tmp_path: Path):
    volume = read_deeplesion_group(folder, 8, 11, SPACING)
    path = write_nifti(volume, tmp_path / "000012_01_03_008-011.nii.gz")
    again = read_ct(path, padding_hu=None)
    assert np.array_equal(again.array, volume.array)
    assert np.allclose(again.affine_lps, volume.affine_lps, atol=1e-4)
    referee = nibabel.load(path)
    assert np.allclose(referee.affine, lps_to_ras(volume.affine_lps))
    assert nibabel.aff2axcodes(referee.affine) == ("L", "P", "I")
    written = write_deeplesion_group(again, tmp_path / "back")
    assert [file.name for file in written] == ["008.png", "009.png", "010.png", "011.png"]
    for file in written:
        assert np.array_equal(read_png16(file), read_png16(folder / file.name))
        with Image.open(file) as picture:
            assert picture.mode in ("I;16", "I")


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_all_hu_survive(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    shape = data.draw(st.tuples(*[st.integers(1, 4)] * 3))
    seed, first = data.draw(st.integers(0, 1000)), data.draw(st.integers(1, 900))
    array = np.random.default_rng(seed).integers(-32768, 32768, shape).astype(np.int16)
    volume = CTVolume(array, deeplesion_affine_lps(SPACING, first), SeriesInfo("made"))
    folder = tmp_path_factory.mktemp("png")
    write_deeplesion_group(volume, folder)
    again = read_deeplesion_group(folder, first, first + shape[2] - 1, SPACING)
    assert np.array_equal(again.array, array)
    assert np.array_equal(again.affine_lps, volume.affine_lps)


def test_missing_slices_are_named(folder: Path):
    (folder / "010.png").unlink()
    with pytest.raises(SeriesError, match=r"000012_01_03: 1 of 4 slices are missing: 010.png"):
        read_deeplesion_group(folder, 8, 11, SPACING)
    with pytest.raises(SeriesError, match=r"8 of 11 slices are missing: 001.png, .* and 3 more"):
        read_deeplesion_group(folder, 1, 11, SPACING)
    assert slice_numbers(folder) == [8, 9, 11]
    with pytest.raises(SeriesError, match="no such folder"):
        slice_numbers(folder / "nothing")


def test_slices_of_another_size_are_named(folder: Path):
    write_png16(folder / "010.png", np.zeros((6, 7), dtype=np.uint16))
    with pytest.raises(SeriesError, match=r"010.png: \(6, 7\) pixels"):
        read_deeplesion_group(folder, 8, 11, SPACING)


@pytest.mark.parametrize("keep", [0, 5, 20, 40, -13, -1])
def test_a_slice_cut_off_is_named(folder: Path, keep: int):
    path = folder / "009.png"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SeriesError, match=r"009.png: (no PNG|cut off)"):
        read_deeplesion_group(folder, 8, 11, SPACING)


def test_any_changed_byte_is_noticed(folder: Path):
    path = folder / "009.png"
    good, pixels = path.read_bytes(), read_png16(path)
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        with pytest.raises(SeriesError, match=r"009.png: "):
            read_png16(path)
    path.write_bytes(good)
    assert np.array_equal(read_png16(path), pixels)


def test_checksums_do_not_save_bad_pixels(tmp_path: Path):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 16, 0, 0, 0, 0))
    for data in (zlib.compress(b"\0" * 9), b"", b"no deflate stream at all"):
        (tmp_path / "a.png").write_bytes(SIGNATURE + header + chunk(b"IDAT", data) + chunk(b"IEND", b""))
        with pytest.raises(SeriesError, match=r"a.png: its pixels cannot be read"):
            read_png16(tmp_path / "a.png")


def test_a_picture_that_claims_to_be_huge_takes_no_memory(tmp_path: Path):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 16, 0, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(SIGNATURE + header + chunk(b"IEND", b""))
    with pytest.raises(SeriesError, match="60000 x 60000 pixels"):
        read_png16(tmp_path / "bomb.png")


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P", "LA"])
def test_other_pictures_are_refused(tmp_path: Path, mode: str):
    Image.new(mode, (7, 5)).save(tmp_path / "a.png")
    with pytest.raises(SeriesError, match=r"a.png: \d bits a value, colour type \d; wanted a 16-bit grey PNG"):
        read_png16(tmp_path / "a.png")


def test_pillow_that_narrows_to_8_bits(folder: Path, monkeypatch: pytest.MonkeyPatch):
    opened = Image.open
    monkeypatch.setattr(Image, "open", lambda path, **options: opened(path, **options).convert("L"))
    with pytest.raises(SeriesError, match=r"009.png: Pillow reads it as mode L"):
        read_png16(folder / "009.png")


def test_no_such_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(SeriesError, match=r"a.png: the slice cannot be opened"):
        read_png16(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(b"x" * 100)
    monkeypatch.setattr("lungdet.readers.png_file.MAX_FILE_BYTES", 50)
    with pytest.raises(SeriesError, match="100 bytes are too many"):
        read_png16(tmp_path / "a.png")


def test_groups_join_where_they_touch():
    assert contiguous_groups([]) == []
    assert contiguous_groups([(5, 9), (1, 4), (11, 12)]) == [(1, 9), (11, 12)]
    assert contiguous_groups([(1, 9), (2, 3)]) == [(1, 9)]


def test_mistakes(folder: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="rising range"):
        read_deeplesion_group(folder, 9, 8, SPACING)
    with pytest.raises(ValueError, match="three positive numbers"):
        deeplesion_affine_lps((0.5, 0.5, float("nan")), 1)
    with pytest.raises(ValueError, match="2D uint16"):
        write_png16(tmp_path / "a.png", np.zeros((2, 2), dtype=np.int16))
    elsewhere = CTVolume(np.zeros((2, 2, 2), np.int16), np.diag([1.0, 1.0, 2.0, 1.0]), SeriesInfo("up"))
    with pytest.raises(ValueError, match="not DeepLesion's by convention"):
        write_deeplesion_group(elsewhere, tmp_path)
    sideways = CTVolume(elsewhere.array, np.eye(4)[[0, 2, 1, 3]], SeriesInfo("sideways"))
    with pytest.raises(ValueError, match="not DeepLesion's by convention"):
        write_deeplesion_group(sideways, tmp_path)
    bright = CTVolume(np.full((1, 1, 1), 40000.0, np.float32), deeplesion_affine_lps(SPACING, 1), SeriesInfo("x"))
    with pytest.raises(ValueError, match="do not fit 16 bits"):
        write_deeplesion_group(bright, tmp_path)


def test_no_endless_range_is_looked_for(folder: Path):
    with pytest.raises(SeriesError, match="slices 8 to 99999999 are more than 5000; correct Slice_range"):
        read_deeplesion_group(folder, 8, 99_999_999, SPACING)
