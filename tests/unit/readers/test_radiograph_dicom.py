"""Padding, shutters, bits, lengths and kinds of radiograph files, by hand-worked numbers."""

import io
import pickle
import struct

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian

from lungdet.phantoms import TRANSFER_SYNTAXES, make_radiograph, write_radiograph_dicom
from lungdet.readers import RadiographError, read_radiograph
from lungdet.readers.dicom_file import read_header
from lungdet.readers.dicom_pixels import read_pixels
from lungdet.records import Radiograph

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)  # every value that 12 bits have


@pytest.fixture
def read(tmp_path):
    """Write stored values with any elements, and read them back."""

    def write_and_read(stored: np.ndarray = RAMP, **elements) -> Radiograph:
        options = {name: elements.pop(name) for name in ("frame", "max_side", "max_bytes") if name in elements}
        return read_radiograph(write_radiograph_dicom(stored, tmp_path / "a.dcm", **elements), **options)

    return write_and_read


def words(radiograph: Radiograph) -> str:
    return "; ".join(radiograph.info.steps)


class TestPadding:
    def test_padding_is_black_and_out_of_all_statistics(self, read):
        stored = np.tile(np.arange(1000, 1100, dtype=np.uint16), (100, 1))
        expected = read(stored, window=None).pixels
        padded = np.full((100, 300), 4000, np.uint16)
        padded[:, 100:200] = stored
        radiograph = read(padded, window=None, PixelPaddingValue=4000)
        np.testing.assert_allclose(radiograph.pixels[:, 100:200], expected, atol=0.02)  # another sample of the same
        assert (radiograph.pixels[:, :100] == 0).all()
        assert "padding: 4000" in words(radiograph)

    def test_padding_is_black_in_monochrome1_too(self, read):
        radiograph = read(photometric="MONOCHROME1", PixelPaddingValue=0, PixelPaddingRangeLimit=9)
        assert (radiograph.pixels.reshape(-1)[:10] == 0).all()
        assert radiograph.pixels.reshape(-1)[10] > 0.99
        assert "padding: 0 to 9" in words(radiograph)

    def test_a_picture_of_padding_alone_is_black(self, read):
        assert (read(np.full((4, 4), 9, np.uint16), window=None, PixelPaddingValue=9).pixels == 0).all()


class TestShutter:
    def test_what_lies_behind_is_black_and_out_of_all_statistics(self, read):
        stored = np.full((40, 50), 4000, np.uint16)
        stored[10:20, 5:30] = np.linspace(100, 200, 25)
        radiograph = read(
            stored,
            window=None,
            ShutterShape="RECTANGULAR",
            ShutterUpperHorizontalEdge="10",  # rows and columns count from 1, and the edges are shut
            ShutterLowerHorizontalEdge="21",
            ShutterLeftVerticalEdge="5",
            ShutterRightVerticalEdge="31",
        )
        inside = np.zeros(stored.shape, bool)
        inside[10:20, 5:30] = True
        assert (radiograph.pixels[~inside] == 0).all()
        assert radiograph.pixels[12, 17] == pytest.approx(0.5, abs=0.03)
        assert "shutter: rectangular" in words(radiograph)

    def test_a_circle(self, read):
        circle = {"CenterOfCircularShutter": [32, 32], "RadiusOfCircularShutter": "10"}
        pixels = read(np.full((64, 64), 9, np.uint16), window=(4, 8), ShutterShape="CIRCULAR", **circle).pixels
        assert pixels.sum() == pytest.approx(np.pi * 100, rel=0.03)
        assert pixels[31, 21] == 1
        assert pixels[31, 20] == 0

    def test_a_polygon_is_filled_as_pillow_does(self, read):
        from PIL import Image, ImageDraw

        corners = [(5, 5), (60, 10), (40, 30), (55, 60), (8, 50)]  # (row, column), from 1
        canvas = Image.new("L", (64, 64))
        ImageDraw.Draw(canvas).polygon([(column - 1, row - 1) for row, column in corners], fill=1)
        vertices = [number for corner in corners for number in corner]
        options = {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": vertices}
        pixels = read(np.full((64, 64), 9, np.uint16), window=(4, 8), **options).pixels
        assert np.abs(pixels - np.asarray(canvas)).mean() < 0.03  # but for the rim

    def test_a_useless_shutter_is_left_open(self, read):
        np.testing.assert_array_equal(read(ShutterShape="RECTANGULAR").pixels, read().pixels)
        np.testing.assert_array_equal(read(ShutterShape="BITMAP").pixels, read().pixels)


class TestBits:
    def test_bits_above_the_stored_ones_are_cleared(self, read):
        np.testing.assert_array_equal(read(RAMP | 0xA000, bits=16, BitsStored=12, HighBit=11).pixels, read(
            bits=16, BitsStored=12, HighBit=11
        ).pixels)  # fmt: skip

    def test_signed_values(self, read):
        stored = (RAMP.astype(np.int32) - 2048).astype(np.int16)
        radiograph = read(stored.view(np.uint16), bits=16, PixelRepresentation=1, window=(0, 4096))
        np.testing.assert_allclose(radiograph.pixels, read(window=(2048, 4096)).pixels, atol=1e-6)

    def test_missing_pixel_representation_is_unsigned_and_told(self, read):
        radiograph = read(RAMP * 16, bits=16, PixelRepresentation=None)
        assert radiograph.pixels[-1, -1] == pytest.approx(1, abs=1e-3)
        assert "PixelRepresentation is missing, taken as unsigned" in words(radiograph)

    def test_eight_bits(self, read):
        radiograph = read((RAMP // 16).astype(np.uint8), bits=8)
        assert radiograph.pixels[-1, -1] == 1

    def test_32_bits(self, tmp_path):
        path = write_radiograph_dicom(RAMP, tmp_path / "a.dcm", window=None)
        dataset = pydicom.dcmread(path)
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 32, 32, 31
        dataset.PixelData = (RAMP.astype("<u4") * 1000).tobytes()
        dataset.save_as(path)
        low, high = np.percentile(RAMP, (0.5, 99.5))
        expected = np.clip((RAMP - low) / (high - low), 0, 1)
        np.testing.assert_allclose(read_radiograph(path).pixels, expected, atol=1e-5)


class TestLength:
    def test_bytes_in_excess_are_left_out_and_told(self, tmp_path):
        path = write_radiograph_dicom(RAMP, tmp_path / "a.dcm")
        expected = read_radiograph(path)
        dataset = pydicom.dcmread(path)
        dataset.PixelData += b"\x55" * 100
        dataset.save_as(path)
        radiograph = read_radiograph(path)
        np.testing.assert_array_equal(radiograph.pixels, expected.pixels)
        assert "100 bytes after the pixels left out" in words(radiograph)
        assert radiograph.info.frames == 1

    @pytest.mark.parametrize("missing", [1, 2, 100, 8191])
    def test_truncated_pixels_are_refused(self, tmp_path, missing):
        path = write_radiograph_dicom(RAMP, tmp_path / "a.dcm")
        path.write_bytes(path.read_bytes()[:-missing])
        with pytest.raises(RadiographError, match=r"a\.dcm: .*(cut off|ends at)"):
            read_radiograph(path)

    def test_no_pixels(self, read):
        with pytest.raises(RadiographError, match=r"a\.dcm: it has no pixels"):
            _without_pixels(read)


def _without_pixels(read):
    radiograph = read()
    dataset = pydicom.dcmread(radiograph.info.source)
    del dataset.PixelData
    dataset.save_as(radiograph.info.source)
    return read_radiograph(radiograph.info.source)


class TestFiles:
    @pytest.mark.parametrize("syntax", sorted(TRANSFER_SYNTAXES))
    def test_all_transfer_syntaxes(self, tmp_path, syntax):
        pytest.importorskip({"jpeg_ls": "jpeg_ls", "jpeg_2000": "openjpeg"}.get(syntax, "pydicom"))
        expected = read_radiograph(write_radiograph_dicom(RAMP, tmp_path / "a.dcm"))
        radiograph = read_radiograph(write_radiograph_dicom(RAMP, tmp_path / "b.dcm", transfer_syntax=syntax))
        np.testing.assert_array_equal(radiograph.pixels, expected.pixels)
        assert radiograph.info.transfer_syntax == TRANSFER_SYNTAXES[syntax]

    def test_jpeg_baseline_and_extended(self, tmp_path):
        from PIL import Image

        picture = (make_radiograph(0, "chest") * 255).astype(np.uint8)
        path = write_radiograph_dicom(picture, tmp_path / "a.dcm", bits=8)
        expected = read_radiograph(path).pixels
        dataset = pydicom.dcmread(path)
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "JPEG", quality=95)
        for uid in (pydicom.uid.JPEGBaseline8Bit, pydicom.uid.JPEGExtended12Bit):
            dataset.file_meta.TransferSyntaxUID = uid
            dataset.PixelData = pydicom.encaps.encapsulate([data.getvalue()])
            dataset["PixelData"].is_undefined_length = True
            dataset.save_as(path)
            assert np.abs(read_radiograph(path).pixels - expected).mean() < 0.01

    @pytest.mark.parametrize("syntax", ["explicit", "rle", "deflated"])
    def test_one_frame_of_several(self, tmp_path, syntax):
        frames = np.stack([RAMP, RAMP[::-1], RAMP.T])
        path = write_radiograph_dicom(frames, tmp_path / "a.dcm", modality="XA", transfer_syntax=syntax)
        for number, frame in enumerate(frames):
            radiograph = read_radiograph(path, frame=number)
            expected = read_radiograph(write_radiograph_dicom(frame, tmp_path / "b.dcm")).pixels
            np.testing.assert_array_equal(radiograph.pixels, expected)
            assert (radiograph.info.frame, radiograph.info.frames) == (number, 3)
            assert f"frame {number + 1} of 3" in words(radiograph)
        with pytest.raises(RadiographError, match="there is no frame 3, it has 3"):
            read_radiograph(path, frame=3)

    @pytest.mark.parametrize("modality", ["CR", "DX", "PX", "MG", "XA"])
    def test_the_facts_of_the_header(self, tmp_path, modality):
        path = write_radiograph_dicom(
            RAMP, tmp_path / "a", modality=modality, body_part="HAND", view="AP", laterality="L"
        )
        info, dataset = read_radiograph(path).info, pydicom.dcmread(path)
        assert (info.modality, info.body_part_examined, info.view_position) == (modality, "HAND", "AP")
        assert (info.laterality, info.photometric, info.rows, info.columns) == ("L", "MONOCHROME2", 64, 64)
        assert info.sop_uid == dataset.SOPInstanceUID
        assert (info.series_uid, info.study_uid) == (dataset.SeriesInstanceUID, dataset.StudyInstanceUID)
        assert info.source == str(path)
        assert "PHANTOM" not in info.to_json()  # no patient

    def test_laterality_of_the_series_serves_where_the_image_has_none(self, read):
        assert read(Laterality="R").info.laterality == "R"
        assert read(Laterality="R", laterality="L").info.laterality == "L"

    def test_another_modality_is_read_and_told(self, read):
        assert "its modality is CT" in words(read(Modality="CT"))

    def test_without_preamble(self, tmp_path):
        path = write_radiograph_dicom(RAMP, tmp_path / "a.dcm", transfer_syntax="implicit")
        expected = read_radiograph(path).pixels
        dataset = pydicom.dcmread(path)
        bare = io.BytesIO()
        del dataset.file_meta
        pydicom.dcmwrite(bare, pydicom.Dataset(dataset), implicit_vr=True, little_endian=True)
        (tmp_path / "bare").write_bytes(bare.getvalue())
        np.testing.assert_array_equal(read_radiograph(tmp_path / "bare").pixels, expected)

    def test_errors_survive_a_worker(self, tmp_path):
        (tmp_path / "a.txt").write_text("hello")
        with pytest.raises(RadiographError) as caught:
            read_radiograph(tmp_path / "a.txt")
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301

    @pytest.mark.parametrize("content", [b"", b"hello", bytes(500), bytes(128) + b"DICM"])
    def test_other_files_are_refused_by_name(self, tmp_path, content):
        (tmp_path / "odd").write_bytes(content)
        with pytest.raises(RadiographError, match=r"odd: .*; "):
            read_radiograph(tmp_path / "odd")

    @pytest.mark.parametrize(
        ("content", "what"),
        [(b"", "the file is empty"), (b"hello", r"neither a picture \(PNG, JPEG, .*\) nor DICOM")],
    )
    def test_what_is_no_picture_is_told_in_plain_words(self, tmp_path, content, what):
        (tmp_path / "odd.png").write_bytes(content)
        with pytest.raises(RadiographError, match=rf"odd\.png: .*{what}"):
            read_radiograph(tmp_path / "odd.png")

    def test_what_is_no_file(self, tmp_path):
        with pytest.raises(RadiographError, match="no regular file"):
            read_radiograph(tmp_path)
        with pytest.raises(RadiographError, match=r"absent.*cannot be opened"):
            read_radiograph(tmp_path / "absent")

    @pytest.mark.parametrize("options", [{"frame": -1}, {"max_bytes": 0}, {"max_side": 0}])
    def test_impossible_options(self, tmp_path, options):
        with pytest.raises(ValueError, match="must be"):
            read_radiograph(tmp_path / "a", **options)

    def test_the_budget_counts_all_frames(self, tmp_path):
        path = write_radiograph_dicom(np.stack([RAMP] * 4), tmp_path / "a.dcm", modality="XA")
        read_radiograph(path, max_bytes=4 * 4096 * 2)
        with pytest.raises(RadiographError, match=r"4 frames of 64 x 64 pixels take 32768 bytes.*limit of 32767"):
            read_radiograph(path, max_bytes=4 * 4096 * 2 - 1)


def big_endian_words(path, pixels: np.ndarray, frames: int = 1, **elements):
    """Write 8-bit pixels as big-endian words (OW): the bytes of each pair change places (PS3.5 8.1.1)."""
    write_radiograph_dicom(np.zeros(pixels.shape[-2:], np.uint8), path, bits=8, **elements)
    dataset = pydicom.dcmread(path)
    padded = pixels.tobytes() + bytes(pixels.size % 2)
    plain = pydicom.Dataset()  # a data set that was read in one byte order cannot be written in another
    plain.file_meta = dataset.file_meta
    plain.update(dataset)
    plain.NumberOfFrames = frames
    plain.PixelData = np.frombuffer(padded, np.uint16).byteswap().tobytes()
    plain["PixelData"].VR = "OW"
    plain.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    plain.save_as(path, enforce_file_format=True)
    return path


def test_corners_of_a_shutter_beyond_the_limit_are_told(tmp_path):
    angles = np.linspace(0, 2 * np.pi, 1100, endpoint=False)
    corners = np.stack([32 + 20 * np.sin(angles), 32 + 20 * np.cos(angles)], axis=1)
    path = write_radiograph_dicom(RAMP, tmp_path / "a.dcm")
    dataset = pydicom.dcmread(path)
    dataset.ShutterShape = "POLYGONAL"
    dataset.add_new("VerticesOfThePolygonalShutter", "IS", [str(round(value)) for value in corners.flat])
    dataset.save_as(path)
    steps = read_radiograph(path).info.steps
    assert "shutter: polygonal (1024 of 1100 corners), black outside" in steps


class TestBigEndianWords:
    def test_an_odd_number_of_bytes(self, tmp_path):
        pixels = np.arange(9, dtype=np.uint8).reshape(3, 3) * 28
        path = big_endian_words(tmp_path / "a.dcm", pixels, window=(128, 256))
        np.testing.assert_array_equal(pydicom.dcmread(path).pixel_array, pixels)
        np.testing.assert_allclose(read_radiograph(path).pixels, pixels / 255, atol=1e-6)

    def test_frames_that_begin_inside_a_word(self, tmp_path):
        pixels = np.arange(27, dtype=np.uint8).reshape(3, 3, 3) * 9
        path = big_endian_words(tmp_path / "a.dcm", pixels, frames=3, window=(128, 256))
        for frame in range(3):
            shown = read_radiograph(path, frame=frame).pixels
            np.testing.assert_allclose(shown, pixels[frame] / 255, atol=1e-6)
        np.testing.assert_array_equal(read_pixels(read_header(path)), pixels)

    def test_a_last_byte_without_its_pair_stays(self, tmp_path):
        pixels = np.arange(9, dtype=np.uint8).reshape(3, 3) * 28
        path = big_endian_words(tmp_path / "a.dcm", pixels, window=(128, 256))
        data = path.read_bytes()
        place = data.rindex(b"\x7f\xe0\0\x10OW") + 8
        path.write_bytes(data[:place] + struct.pack(">L", 9) + data[place + 4 :][:8] + pixels[-1, -1:].tobytes())
        np.testing.assert_allclose(read_radiograph(path).pixels, pixels / 255, atol=1e-6)
