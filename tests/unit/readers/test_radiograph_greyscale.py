"""Polarity, modality tables and windows of a radiograph, by hand-worked numbers; pydicom is a referee."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.readers import RadiographError, read_radiograph
from lungdet.records import Radiograph

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)  # every value that 12 bits have


@pytest.fixture
def read(tmp_path):
    """Write stored values with any elements, and read them back."""

    def write_and_read(stored: np.ndarray = RAMP, **elements) -> Radiograph:
        options = {name: elements.pop(name) for name in ("frame", "max_side", "max_bytes") if name in elements}
        return read_radiograph(write_radiograph_dicom(stored, tmp_path / "a.dcm", **elements), **options)

    return write_and_read


def lut(first: int, bits: int, entries: np.ndarray, keyword: str = "US") -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65536, first, bits])
    data = np.asarray(entries, "<u2")
    item.add_new("LUTData", keyword, data.tobytes() if keyword == "OW" else [int(entry) for entry in data])
    return [item]


def words(radiograph: Radiograph) -> str:
    return "; ".join(radiograph.info.steps)


class TestPolarity:
    def test_monochrome1_is_turned_over_once(self, read):
        plain, inverse = read(), read(photometric="MONOCHROME1")
        np.testing.assert_allclose(inverse.pixels, 1 - plain.pixels, atol=1e-6)
        assert plain.pixels[0, 0] == 0
        assert inverse.pixels[0, 0] == 1
        assert words(inverse).count("inverted: MONOCHROME1") == 1
        assert "inverted" not in words(plain)

    @pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE", None])
    def test_the_presentation_lut_shape_does_not_turn_it_over_again(self, read, shape):
        assert read(photometric="MONOCHROME1", PresentationLUTShape=shape).pixels[0, 0] == 1
        assert read(photometric="MONOCHROME2", PresentationLUTShape=shape).pixels[0, 0] == 0

    def test_a_contradiction_is_told(self, read):
        assert "contradicts MONOCHROME2" in words(read(PresentationLUTShape="INVERSE"))

    def test_bone_is_bright_whatever_the_polarity(self, tmp_path):
        picture = make_radiograph(0, "hand")
        for photometric in ("MONOCHROME1", "MONOCHROME2"):
            path = write_radiograph_dicom(picture, tmp_path / "a.dcm", photometric=photometric)
            np.testing.assert_allclose(read_radiograph(path).pixels, picture, atol=1e-3)

    @pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
    @pytest.mark.parametrize(("sign", "inverted"), [(1, True), (-1, False)])
    def test_raw_data_go_by_the_sign_of_the_x_ray_intensity(self, read, photometric, sign, inverted):
        raw = {"PresentationIntentType": "FOR PROCESSING", "PixelIntensityRelationshipSign": sign}
        radiograph = read(photometric=photometric, **raw)
        assert radiograph.pixels[0, 0] == inverted
        assert ("inverted: raw data" in words(radiograph)) == inverted
        assert read(photometric=photometric, PixelIntensityRelationshipSign=sign).pixels[0, 0] == (
            photometric == "MONOCHROME1"
        )

    def test_missing_photometric_is_taken_as_monochrome2_and_told(self, read):
        radiograph = read(PhotometricInterpretation=None)
        assert radiograph.pixels[0, 0] == 0
        assert "PhotometricInterpretation is missing" in words(radiograph)


class TestModality:
    def test_rescale_comes_before_the_window(self, read):
        # 2 x 1000 - 1000 = 1000 is the middle of the window: LINEAR gives (1000 - 999.5) / 1999 + 0.5.
        radiograph = read(window=(1000, 2000), RescaleSlope="2", RescaleIntercept="-1000")
        assert radiograph.pixels.reshape(-1)[1000] == pytest.approx(0.5 / 1999 + 0.5, abs=1e-6)
        assert "rescaled: slope 2, intercept -1000" in words(radiograph)

    def test_the_lut_sequence_wins_over_rescale(self, read):
        table = lut(0, 16, 4095 - np.arange(4096))
        radiograph = read(ModalityLUTSequence=table, RescaleSlope="1000", RescaleIntercept="77")
        assert radiograph.pixels[0, 0] == 1
        assert radiograph.pixels[-1, -1] == 0
        assert "modality LUT: 4096 entries" in words(radiograph)
        assert "rescaled" not in words(radiograph)

    def test_inputs_beyond_the_table_take_its_ends(self, read):
        radiograph = read(ModalityLUTSequence=lut(1000, 16, np.arange(0, 4096, 16)), window=(2048, 4096))
        assert (radiograph.pixels.reshape(-1)[:1001] == 0).all()
        assert (radiograph.pixels.reshape(-1)[1255:] == radiograph.pixels.max()).all()

    def test_a_slope_of_zero_is_passed_over(self, read):
        radiograph = read(RescaleSlope="0")
        np.testing.assert_array_equal(radiograph.pixels, read().pixels)
        assert "RescaleSlope 0 passed over" in words(radiograph)

    def test_a_negative_slope_turns_the_values_over(self, read):
        radiograph = read(RescaleSlope="-1", RescaleIntercept="4095")
        np.testing.assert_allclose(radiograph.pixels, 1 - read().pixels, atol=1e-6)


class TestVoi:
    @pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID", None])
    @pytest.mark.parametrize(("center", "width"), [(2048, 4096), (1000.5, 300), (100, 1), (4000, 1000)])
    def test_windows_are_those_of_pydicom(self, read, tmp_path, function, center, width):
        radiograph = read(window=(center, width), VOILUTFunction=function)
        expected = apply_voi_lut(RAMP, pydicom.dcmread(tmp_path / "a.dcm")).astype(float) / 4095
        np.testing.assert_allclose(radiograph.pixels, expected, atol=2e-6)

    def test_the_first_of_several_windows_counts(self, read):
        radiograph = read(WindowCenter=["500", "2000"], WindowWidth=["100", "4000"])
        np.testing.assert_array_equal(radiograph.pixels, read(window=(500, 100)).pixels)

    @pytest.mark.parametrize(
        "elements",
        [
            {"WindowWidth": "0"},
            {"WindowWidth": "-5"},
            {"WindowWidth": ""},
            {"WindowCenter": ""},
            {"WindowCenter": None},
            {"WindowWidth": "0.5"},
            {"WindowCenter": "99999"},  # nothing would be seen
        ],
    )
    def test_a_useless_window_gives_way_to_percentiles(self, read, elements):
        radiograph = read(**elements)
        assert "passed over" in words(radiograph)
        assert "percentiles 0.5 and 99.5" in words(radiograph)
        np.testing.assert_array_equal(radiograph.pixels, read(window=None).pixels)

    def test_without_a_window_percentiles_are_taken(self, read):
        radiograph = read(window=None)
        low, high = np.percentile(RAMP, (0.5, 99.5))
        np.testing.assert_allclose(radiograph.pixels, np.clip((RAMP - low) / (high - low), 0, 1), atol=1e-5)

    def test_an_unknown_function_is_taken_as_linear(self, read):
        radiograph = read(VOILUTFunction="WAVY")
        np.testing.assert_array_equal(radiograph.pixels, read().pixels)
        assert "'WAVY' is unknown" in words(radiograph)

    @pytest.mark.parametrize("kind", ["US", "OW"])
    def test_the_lut_sequence_wins_over_the_window(self, read, kind):
        entries = np.round(np.sqrt(np.arange(4096) / 4095) * 4095)
        radiograph = read(VOILUTSequence=lut(0, 12, entries, kind), window=(100, 5))
        np.testing.assert_allclose(radiograph.pixels.reshape(-1), entries / 4095, atol=1e-6)
        assert "VOI LUT: 4096 entries of 12 bits, white is 4095" in words(radiograph)

    def test_a_lut_of_nine_bits(self, read):
        radiograph = read(VOILUTSequence=lut(0, 9, np.arange(4096) // 8))
        assert radiograph.pixels.max() == 1
        assert radiograph.pixels.reshape(-1)[2048] == pytest.approx(256 / 511)

    def test_a_lut_that_promises_16_bits_and_uses_nine_is_not_black(self, read):
        assert read(VOILUTSequence=lut(0, 16, np.arange(4096) // 8)).pixels.max() == 1

    def test_a_lut_may_begin_below_zero(self, read):
        entries = np.arange(4200)
        radiograph = read(VOILUTSequence=lut(-104, 13, entries), RescaleIntercept="-104")
        np.testing.assert_allclose(radiograph.pixels.reshape(-1), np.arange(4096) / 8191, atol=1e-6)

    def test_a_lut_of_65536_entries(self, read, tmp_path):
        entries = np.arange(65536)[::-1]
        radiograph = read(VOILUTSequence=lut(0, 16, entries, "OW"))
        np.testing.assert_allclose(radiograph.pixels.reshape(-1), (65535 - np.arange(4096)) / 65535, atol=1e-6)

    def test_a_lut_that_is_cut_off_is_refused(self, read):
        item = lut(0, 12, np.arange(100))
        item[0].LUTDescriptor = [4096, 0, 12]
        with pytest.raises(RadiographError, match=r"a\.dcm.*VOILUTSequence.*200 bytes.*4096 entries"):
            read(VOILUTSequence=item)

    def test_an_even_picture_is_no_crash(self, read):
        assert (read(np.full((8, 8), 7, np.uint16), window=None).pixels == 0).all()
        assert (read(np.full((8, 8), 7, np.uint16), window=None, photometric="MONOCHROME1").pixels == 1).all()
