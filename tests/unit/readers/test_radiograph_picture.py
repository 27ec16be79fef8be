"""Picture files of every kind: depths, colours, palettes, transparency, orientation, frames, damage."""

import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.readers import RadiographError, read_radiograph

PICTURE = make_radiograph(3, "hand", rows=60, columns=45)
LEVELS = np.rint(PICTURE * 255).astype(np.uint8)
COLOUR = np.stack([LEVELS, np.roll(LEVELS, 9), 255 - LEVELS], axis=-1)
DEEP = (np.arange(60 * 45).reshape(60, 45) * 24).astype(np.uint16)  # 0 to 64776


def deep_expected() -> np.ndarray:
    low, high = np.percentile(DEEP, (0.5, 99.5))
    return np.clip((DEEP - low) / (high - low), 0, 1)


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "tif", "tiff"])
def test_eight_bits_are_taken_as_they_are(tmp_path, ending):
    Image.fromarray(LEVELS).save(tmp_path / f"a.{ending}")
    radiograph = read_radiograph(tmp_path / f"a.{ending}")
    np.testing.assert_allclose(radiograph.pixels, LEVELS / 255, atol=1e-6)
    info = radiograph.info
    assert (info.rows, info.columns, info.frames, info.modality, info.sop_uid) == (60, 45, 1, "", "")
    assert (info.spacing_mm, info.spacing_from) == (None, "unknown")


def test_dots_per_inch_are_no_spacing(tmp_path):
    Image.fromarray(LEVELS).save(tmp_path / "a.png", dpi=(300, 300))
    assert read_radiograph(tmp_path / "a.png").info.spacing_mm is None


def test_jpeg(tmp_path):
    for options in ({"quality": 95}, {"quality": 95, "progressive": True}):
        Image.fromarray(LEVELS).save(tmp_path / "a.jpg", **options)
        assert np.abs(read_radiograph(tmp_path / "a.jpg").pixels - PICTURE).mean() < 0.01


def test_the_content_tells_the_format_not_the_name(tmp_path):
    Image.fromarray(LEVELS).save(tmp_path / "a.png")
    shutil.move(tmp_path / "a.png", tmp_path / "a.dcm")
    assert read_radiograph(tmp_path / "a.dcm").info.transfer_syntax == "PNG"
    write_radiograph_dicom(PICTURE, tmp_path / "b.png")
    assert read_radiograph(tmp_path / "b.png").info.modality == "DX"


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_stretched(tmp_path, ending):
    Image.fromarray(DEEP).save(tmp_path / f"a.{ending}")
    radiograph = read_radiograph(tmp_path / f"a.{ending}")
    np.testing.assert_allclose(radiograph.pixels, deep_expected(), atol=1e-5)
    assert any("percentiles 0.5 and 99.5" in step for step in radiograph.info.steps)


def test_twelve_bits_in_sixteen_are_not_black(tmp_path):
    Image.fromarray(DEEP // 16).save(tmp_path / "a.png")
    assert read_radiograph(tmp_path / "a.png").pixels.max() == 1


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_deeper_tiffs(tmp_path, dtype):
    Image.fromarray((DEEP.astype(np.float64) - 1000).astype(dtype)).save(tmp_path / "a.tif")
    np.testing.assert_allclose(read_radiograph(tmp_path / "a.tif").pixels, deep_expected(), atol=1e-5)


def test_what_is_no_number_is_black(tmp_path):
    values = DEEP.astype(np.float32)
    values[:, :5], values[:, 5:9] = np.nan, np.inf
    Image.fromarray(values).save(tmp_path / "a.tif")
    pixels = read_radiograph(tmp_path / "a.tif").pixels
    assert (pixels[:, :9] == 0).all()
    assert np.isfinite(pixels).all()
    assert pixels.max() == 1


@pytest.mark.parametrize("values", [LEVELS, DEEP], ids=["8 bits", "16 bits"])
def test_a_tiff_whose_low_values_are_white_is_turned_over(tmp_path, values):
    Image.fromarray(values).save(tmp_path / "a.tif")
    plain = read_radiograph(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    low_is_black = struct.pack("<HHIHH", 262, 3, 1, 1, 0)  # PhotometricInterpretation, one short: 1
    assert data.count(low_is_black) == 1
    (tmp_path / "a.tif").write_bytes(data.replace(low_is_black, struct.pack("<HHIHH", 262, 3, 1, 0, 0)))
    turned = read_radiograph(tmp_path / "a.tif")
    np.testing.assert_allclose(turned.pixels, 1 - plain.pixels, atol=1e-6)
    assert "inverted: TIFF whose low values are white" in turned.info.steps


def test_colour_becomes_luminance(tmp_path):
    Image.fromarray(COLOUR).save(tmp_path / "a.png")
    radiograph = read_radiograph(tmp_path / "a.png")
    np.testing.assert_allclose(radiograph.pixels, COLOUR @ [0.299, 0.587, 0.114] / 255, atol=0.003)
    assert radiograph.info.steps == ("colour (RGB) turned to grey",)


def test_grey_kept_in_colour_is_told_from_colour(tmp_path):
    Image.fromarray(np.stack([LEVELS] * 3, axis=-1)).save(tmp_path / "a.jpg", quality=90)
    radiograph = read_radiograph(tmp_path / "a.jpg")
    assert radiograph.info.steps == ("grey kept in RGB",)
    assert np.abs(radiograph.pixels - PICTURE).mean() < 0.02


@pytest.mark.parametrize(
    ("mode", "ending"),
    [("CMYK", "jpg"), ("CMYK", "tif"), ("P", "png"), ("P", "gif"), ("LAB", "tif"), ("RGBA", "png"), ("PA", "png")],
)
def test_other_colours_are_read(tmp_path, mode, ending):
    picture = Image.fromarray(COLOUR)
    if mode == "LAB":
        picture = Image.merge("LAB", picture.split())
    else:
        picture = picture.quantize(128) if mode in ("P", "PA") else picture.convert(mode)
    picture.save(tmp_path / f"a.{ending}")
    radiograph = read_radiograph(tmp_path / f"a.{ending}")
    assert radiograph.pixels.shape == (60, 45)
    assert any(step.startswith("colour (") for step in radiograph.info.steps)
    expected = LEVELS / 255 if mode == "LAB" else COLOUR @ [0.299, 0.587, 0.114] / 255
    assert np.abs(radiograph.pixels - expected).mean() < 0.04


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_is_black(tmp_path, mode):
    alpha = np.full(LEVELS.shape, 255, np.uint8)
    alpha[:20] = 0
    bands = [LEVELS, alpha] if mode == "LA" else [LEVELS, LEVELS, LEVELS, alpha]
    Image.merge(mode, [Image.fromarray(band) for band in bands]).save(tmp_path / "a.png")
    radiograph = read_radiograph(tmp_path / "a.png")
    assert (radiograph.pixels[:20] == 0).all()
    np.testing.assert_allclose(radiograph.pixels[20:], LEVELS[20:] / 255, atol=0.005)
    assert "transparent parts made black" in radiograph.info.steps


def test_a_transparent_palette_entry(tmp_path):
    Image.fromarray(LEVELS).quantize(16).save(tmp_path / "a.png", transparency=0)
    assert "transparent parts made black" in read_radiograph(tmp_path / "a.png").info.steps


def test_two_levels(tmp_path):
    Image.fromarray(LEVELS > 40).save(tmp_path / "a.png")
    radiograph = read_radiograph(tmp_path / "a.png")
    np.testing.assert_array_equal(radiograph.pixels, LEVELS > 40)
    assert radiograph.info.steps == ("two levels only",)


@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, ending, orientation):
    upright = np.kron(np.array([[0, 80, 160], [250, 200, 120]], np.uint8), np.ones((16, 16), np.uint8))
    stored = {  # how the camera keeps the picture, so that it is upright after the viewer's turn (EXIF 2.3, 4.6.4 A)
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if ending == "jpg" else {}
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a.{ending}", exif=exif, **options)
    radiograph = read_radiograph(tmp_path / f"a.{ending}")
    assert radiograph.pixels.shape == upright.shape
    assert np.abs(radiograph.pixels - upright / 255).max() < 0.03
    assert (radiograph.info.rows, radiograph.info.columns) == upright.shape
    assert any("turned upright" in step for step in radiograph.info.steps) == (orientation > 1)


@pytest.mark.parametrize("ending", ["tif", "gif", "png"])
def test_one_frame_of_several(tmp_path, ending):
    frames = [Image.fromarray(np.roll(LEVELS, 7 * number, axis=1)) for number in range(3)]
    frames[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=frames[1:])
    for number in range(3):
        radiograph = read_radiograph(tmp_path / f"a.{ending}", frame=number)
        np.testing.assert_allclose(radiograph.pixels, np.roll(LEVELS, 7 * number, axis=1) / 255, atol=0.01)
        assert (radiograph.info.frame, radiograph.info.frames) == (number, 3)
        assert radiograph.info.steps[0] == f"frame {number + 1} of 3"
    with pytest.raises(RadiographError, match="there is no frame 3, it has 3"):
        read_radiograph(tmp_path / f"a.{ending}", frame=3)


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tif"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_what_is_cut_off_is_refused_by_name(tmp_path, ending, part):
    Image.fromarray(LEVELS).save(tmp_path / f"a.{ending}")
    data = (tmp_path / f"a.{ending}").read_bytes()
    (tmp_path / f"a.{ending}").write_bytes(data[: max(9, int(part * len(data)))])
    with pytest.raises(RadiographError, match=rf"a\.{ending}: .*; "):
        read_radiograph(tmp_path / f"a.{ending}")


def test_the_budget_is_kept(tmp_path):
    Image.fromarray(LEVELS).save(tmp_path / "a.png")
    read_radiograph(tmp_path / "a.png", max_bytes=60 * 45)
    with pytest.raises(RadiographError, match=r"a\.png: its 1 frame of 60 x 45 pixels take 2700 bytes"):
        read_radiograph(tmp_path / "a.png", max_bytes=60 * 45 - 1)


def deep_png(values: np.ndarray, colour: int) -> bytes:
    """A PNG of 16 bits, which Pillow cannot write in colour; every row is filtered as its upper neighbour's difference.

    Args:
        values: ``(rows, columns, samples)`` uint16.
        colour: colour type: 2 for RGB, 6 for RGBA, 4 for grey and alpha.
    """

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = values.astype(">u2").reshape(len(values), -1).view(np.uint8)
    rows = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))
    data = b"".join(b"\x02" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(data)) + part(b"IEND", b"")


class TestDeepColour:
    def test_all_sixteen_bits_of_grey_kept_in_colour(self, tmp_path):
        (tmp_path / "a.png").write_bytes(deep_png(np.stack([DEEP] * 3, axis=-1), 2))
        radiograph = read_radiograph(tmp_path / "a.png")
        np.testing.assert_allclose(radiograph.pixels, deep_expected(), atol=1e-5)
        assert radiograph.info.steps[0] == "grey kept in RGB of 16 bits"
        assert "percentiles 0.5 and 99.5" in radiograph.info.steps[1]

    def test_twelve_bits_are_not_black(self, tmp_path):
        (tmp_path / "a.png").write_bytes(deep_png(np.stack([DEEP // 16] * 3, axis=-1), 2))
        radiograph = read_radiograph(tmp_path / "a.png")
        np.testing.assert_allclose(radiograph.pixels, deep_expected(), atol=2e-3)
        assert len(np.unique(radiograph.pixels)) > 2000

    def test_colour_becomes_luminance(self, tmp_path):
        colour = np.stack([DEEP, np.roll(DEEP, 500), 65535 - DEEP], axis=-1)
        (tmp_path / "a.png").write_bytes(deep_png(colour, 2))
        grey = colour @ [0.299, 0.587, 0.114]
        low, high = np.percentile(grey, (0.5, 99.5))
        radiograph = read_radiograph(tmp_path / "a.png")
        np.testing.assert_allclose(radiograph.pixels, np.clip((grey - low) / (high - low), 0, 1), atol=1e-4)
        assert radiograph.info.steps[0] == "colour (RGB of 16 bits) turned to grey"

    @pytest.mark.parametrize("colour", [4, 6])
    def test_what_is_transparent_is_black(self, tmp_path, colour):
        alpha = np.full_like(DEEP, 65535)
        alpha[:30] = 0
        samples = [DEEP, alpha] if colour == 4 else [DEEP, DEEP, DEEP, alpha]
        (tmp_path / "a.png").write_bytes(deep_png(np.stack(samples, axis=-1), colour))
        radiograph = read_radiograph(tmp_path / "a.png")
        shown = np.where(alpha > 0, DEEP, 0)
        low, high = np.percentile(shown, (0.5, 99.5))
        np.testing.assert_allclose(radiograph.pixels, np.clip((shown - low) / (high - low), 0, 1), atol=1e-4)
        assert "transparent parts made black" in radiograph.info.steps

    def test_a_tiff_gives_eight_bits_and_says_so(self, tmp_path):
        """Three samples of 16 bits in one strip, as Pillow can read but not write."""
        tags = [(256, 4, 45), (257, 4, 60), (258, 3, 200), (259, 3, 1), (262, 3, 2), (273, 4, 300), (277, 3, 3)]
        tags += [(278, 4, 60), (279, 4, 60 * 45 * 6)]
        counts = {258: 3}
        entries = b"".join(struct.pack("<HHII", tag, kind, counts.get(tag, 1), value) for tag, kind, value in tags)
        begin = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
        begin = begin.ljust(200, b"\0") + struct.pack("<3H", 16, 16, 16)
        (tmp_path / "a.tif").write_bytes(
            begin.ljust(300, b"\0") + np.stack([DEEP] * 3, axis=-1).astype("<u2").tobytes()
        )
        radiograph = read_radiograph(tmp_path / "a.tif")
        np.testing.assert_allclose(radiograph.pixels, (DEEP >> 8) / 255, atol=1e-5)
        assert "8 of 16 bits read" in radiograph.info.steps
