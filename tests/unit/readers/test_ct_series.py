import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from lungdet.readers import SeriesError, list_series, read_ct
from lungdet.readers.errors import DicomFileError


def test_a_series_is_ordered_by_position(ct_files, stored):
    volume = read_ct(ct_files.series(stored))
    np.testing.assert_array_equal(volume.array, (stored - 1024).transpose(2, 1, 0))
    assert volume.array.dtype == np.int16
    assert volume.array.transpose(2, 1, 0).flags.c_contiguous
    np.testing.assert_allclose(
        volume.affine_lps, [[0.6, 0, 0, -10], [0, 0.7, 0, -20], [0, 0, 2, 5], [0, 0, 0, 1]], atol=1e-12
    )
    assert volume.info.source == str(ct_files.folder)
    assert (volume.info.description, volume.info.kernel, volume.info.thickness_mm) == ("CHEST", "B30f", 2.5)
    assert len(set(volume.info.slice_uids)) == 6
    assert volume.info.steps == ()


def test_folder_list_and_shuffled_list_agree(ct_files, stored):
    folder = ct_files.series(stored, subfolder="deep/er")
    files = sorted(folder.rglob("*.dcm"))
    one, two = read_ct(folder), read_ct(files[::-1])
    np.testing.assert_array_equal(one.array, two.array)
    assert one.info.slice_uids == two.info.slice_uids
    assert two.info.source == f"6 files (first {files[-1]})"


def test_an_empty_or_absent_source_is_refused(tmp_path: Path):
    for source in (tmp_path, [], tmp_path / "absent"):
        with pytest.raises(SeriesError, match="check the path"):
            read_ct(source)


def test_a_folder_without_ct_says_what_is_in_it(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "scan.nii.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(
        SeriesError, match=r"no CT series found; give a folder of axial CT .*:\n  left out 2 files: not DIC"
    ):
        read_ct(tmp_path)


def test_mixed_folder_leaves_out_what_is_no_slice(ct_files, stored, caplog):
    folder = ct_files.series(stored, subfolder="scan")
    colour = np.zeros((4, 5, 3), np.uint8)
    ct_files.slice("dose.dcm", colour, (0, 0, 0), SamplesPerPixel=3, Rows=4, Columns=5, PlanarConfiguration=0)
    ct_files.slice("scout.dcm", stored[0], (0, 0, 0), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    ct_files.slice("pet.dcm", stored[0], (0, 0, 0), Modality="PT")
    ct_files.slice("shot.dcm", stored[0], (0, 0, 0), SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    ct_files.slice("plan.dcm", stored[0], (0, 0, 0), PixelData=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5")
    ct_files.slice("DICOMDIR", stored[0], (0, 0, 0), SOPClassUID="1.2.840.10008.1.3.10")
    (folder / "readme.txt").write_text("rubbish")
    (folder / "._0001.dcm").write_bytes(b"the shadow of a file")
    (folder / "dead").symlink_to(folder / "nowhere")
    with caplog.at_level(logging.INFO):
        volume = read_ct(folder)
    np.testing.assert_array_equal(volume.array, (stored - 1024).transpose(2, 1, 0))
    assert volume.info.steps == (
        "left out 1 file: DICOMDIR",
        "left out 1 file: colour picture (dose page)",
        "left out 1 file: localizer",
        "left out 1 file: modality PT",
        "left out 1 file: no pixels",
        "left out 2 files: not DICOM",
        "left out 1 file: secondary capture",
    )
    assert "modality PT" in caplog.text


@pytest.fixture
def two_series(ct_files, stored) -> Path:
    ct_files.series(stored, subfolder="thick", SeriesInstanceUID="1.2.31", SliceThickness=2.5)
    thin = {
        "SeriesInstanceUID": "1.2.32",
        "SliceThickness": 1.0,
        "SeriesDescription": "THIN",
        "ConvolutionKernel": None,
    }
    return ct_files.series(stored[:4], (0, 0, 1.0), subfolder="thin", **thin)


def test_several_series_are_listed(two_series):
    lines = [str(candidate) for candidate in list_series(two_series)]
    assert lines == [
        "1.2.31: CHEST, 6 axial slices every 2 mm, 2.5 mm thick, 5 x 4 pixels of 0.6 x 0.7 mm, kernel B30f",
        "1.2.32: THIN, 4 axial slices every 1 mm, 1 mm thick, 5 x 4 pixels of 0.6 x 0.7 mm",
    ]
    with pytest.raises(SeriesError) as caught:
        read_ct(two_series)
    assert "2 series could be read, pass series= with the beginning of one, or choose='thinnest'" in str(caught.value)
    assert all(line in str(caught.value) for line in lines)


def test_a_series_can_be_chosen(two_series):
    assert read_ct(two_series, series="1.2.31").array.shape == (5, 4, 6)
    thinnest = read_ct(two_series, choose="thinnest")
    assert thinnest.info.series_uid == "1.2.32"
    assert thinnest.info.steps == ("chose 1.2.32 of 2 series",)
    with pytest.raises(SeriesError, match=r"no series begins with '9'; there are:\n  1.2.31"):
        read_ct(two_series, series="9")
    with pytest.raises(SeriesError, match="2 series could be read"):
        read_ct(two_series, series="1.2.3")
    with pytest.raises(SeriesError, match="2 series could be read, pass series= with the whole key of one:"):
        read_ct(two_series, series="1.2.3", choose="thinnest")  # the beginning of several is no choice
    with pytest.raises(ValueError, match="choose must be"):
        read_ct(two_series, choose="best")


def test_options_are_checked_before_anything_is_read(tmp_path: Path):
    for option in ({"on_gap": "ignore"}, {"padding_hu": float("nan")}, {"max_bytes": 0}):
        with pytest.raises(ValueError, match=next(iter(option))):
            read_ct(tmp_path / "absent", **option)


def test_a_missing_slice_is_refused_or_interpolated(ct_files, stored):
    folder = ct_files.series(stored)
    for file in folder.glob("*_3.dcm"):
        file.unlink()
    with pytest.raises(SeriesError, match=r"1 slice is missing in 1 gap, the first of 4.00 mm between .*_2.dcm and "):
        read_ct(folder)
    volume = read_ct(folder, on_gap="interpolate")
    expected = (stored - 1024).astype(float)
    expected[3] = np.rint((expected[2] + expected[4]) / 2)
    np.testing.assert_allclose(volume.array.transpose(2, 1, 0), expected, atol=0.5)
    np.testing.assert_array_equal(volume.array[..., [0, 1, 2, 4, 5]], expected.T[..., [0, 1, 2, 4, 5]])
    assert volume.affine_lps[2, 2] == 2.0
    assert [bool(uid) for uid in volume.info.slice_uids] == [True, True, True, False, True, True]
    assert "interpolated: 1 slice is missing" in volume.info.steps[0]


def test_the_gap_names_the_unreadable_file_that_may_fill_it(ct_files, stored):
    folder = ct_files.series(stored)
    bad = next(folder.glob("*_3.dcm"))
    bad.write_bytes(bad.read_bytes()[:140])
    with pytest.raises(SeriesError, match=f"unreadable files that may belong there: {bad.name}"):
        read_ct(folder)


def test_an_unreadable_file_elsewhere_is_told_and_not_fatal(ct_files, stored, caplog):
    folder = ct_files.series(stored)
    bad = ct_files.slice("bad.dcm", stored[0], (0, 0, 0))
    bad.write_bytes(bad.read_bytes()[:140])
    volume = read_ct(folder)
    assert volume.array.shape == (5, 4, 6)
    assert volume.info.steps[0].startswith("could not read bad.dcm")
    assert "could not read bad.dcm" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ImagePositionPatient": None}, "ImagePositionPatient must hold 3 numbers, found none"),
        ({"ImageOrientationPatient": None}, "ImageOrientationPatient must hold 6"),
        ({"PixelSpacing": None}, "PixelSpacing must hold 2"),
        ({"PixelSpacing": [0, 0.6]}, "PixelSpacing must be positive, got 0 and 0.6 mm"),
        ({"RescaleSlope": None}, "RescaleSlope must hold 1 number, found none"),
        ({"RescaleSlope": 0}, "RescaleSlope is 0"),
        ({"RescaleIntercept": None}, "RescaleIntercept must hold 1"),
        ({"RescaleType": "MGML"}, "RescaleType is MGML, the values are not Hounsfield units"),
        ({"Rows": 0}, "Rows x Columns is 0 x 5"),
        ({"NumberOfFrames": 2}, "it holds 2 frames without a position of each"),
    ],
)
def test_a_bad_slice_is_fatal_in_its_own_series_only(ct_files, stored, change, message):
    ct_files.series(stored, subfolder="good", SeriesInstanceUID="1.2.31")
    folder = ct_files.series(
        stored, subfolder="bad", SeriesInstanceUID="1.2.32", change=lambda number: change if number == 2 else {}
    )
    with pytest.raises(SeriesError, match=rf"1.2.32: 1 of its files cannot be used \(.*_2.dcm\): {message}"):
        read_ct(folder, series="1.2.32")
    volume = read_ct(folder, series="1.2.31")
    assert "could not read" in volume.info.steps[0]


def test_infinite_positions_are_refused(ct_files, stored):
    folder = ct_files.series(stored)
    file = next(folder.glob("*_2.dcm"))
    file.write_bytes(file.read_bytes().replace(b"-10.0\\-20.0\\9.0 ", b"-10.0\\-20.0\\inf "))
    with pytest.raises(SeriesError, match=f"{file.name}.*finite"):
        read_ct(folder)


def test_broken_direction_cosines_are_refused(ct_files, stored):
    folder = ct_files.series(stored, ImageOrientationPatient=[1, 0, 0, 0, 2, 0])
    assert [(one.plane, one.step_mm) for one in list_series(folder)] == [("oblique", None)]
    with pytest.raises(DicomFileError, match="must hold unit vectors, got lengths 1, 2"):
        read_ct(folder)


def test_repeats_with_the_same_pixels_are_dropped(ct_files, stored, caplog):
    folder = ct_files.series(stored)
    shutil.copy(next(folder.glob("*_2.dcm")), folder / "copy.dcm")
    volume = read_ct(folder)
    np.testing.assert_array_equal(volume.array, (stored - 1024).transpose(2, 1, 0))
    assert volume.info.steps == ("dropped 1 slice at a place taken twice (copy.dcm)",)
    assert "dropped 1 slice" in caplog.text
    with pytest.raises(
        SeriesError, match=r"_2.dcm and copy.dcm lie at one height \(9.00 mm\); pass on_duplicate='drop'"
    ):
        read_ct(folder, on_duplicate="error")


@pytest.mark.parametrize("change", ["pixels", "intercept"])
def test_repeats_with_other_pixels_are_refused(ct_files, stored, change: str):
    folder = ct_files.series(stored)
    other = stored[2].copy()
    other[1, 1] += change == "pixels"
    intercept = -1023 if change == "intercept" else -1024
    ct_files.slice("zz.dcm", other, (-10, -20, 9), RescaleIntercept=intercept)
    with pytest.raises(
        SeriesError, match=r"_2.dcm and zz.dcm lie at one height .* with different pixels \(1 such pairs\)"
    ):
        read_ct(folder)
    np.testing.assert_array_equal(read_ct(folder, on_duplicate="first").array, (stored - 1024).transpose(2, 1, 0))


def test_slices_beside_each_other_are_refused(ct_files, stored):
    folder = ct_files.series(stored)
    ct_files.slice("zz.dcm", stored[2], (-30, -20, 9))
    with pytest.raises(SeriesError, match=r"zz.dcm lie at one height .*, 20.00 mm beside each other"):
        read_ct(folder)


def test_two_passes_in_one_series_are_two_candidates(ct_files, stored):
    """A contrast study: one SeriesInstanceUID, one place twice, told apart by AcquisitionNumber."""
    ct_files.series(stored, subfolder="native", AcquisitionNumber=1)
    folder = ct_files.series(stored + 1, subfolder="contrast", AcquisitionNumber=2)
    keys = [candidate.key for candidate in list_series(folder)]
    assert keys == ["1.2.3.4.5/1", "1.2.3.4.5/2"]
    with pytest.raises(SeriesError, match="2 series could be read"):
        read_ct(folder, series="1.2.3.4.5")
    arrays = [read_ct(folder, series=key).array for key in keys]
    assert {int((array - arrays[0]).max()) for array in arrays} in ({0, 1}, {0, -1})


def test_a_number_for_each_slice_splits_nothing(ct_files, stored):
    folder = ct_files.series(stored, change=lambda number: {"AcquisitionNumber": number})
    shutil.copy(next(folder.glob("*_2.dcm")), folder / "copy.dcm")
    assert len(list_series(folder)) == 1


def test_mixed_orientations_are_two_candidates(ct_files, stored):
    ct_files.series(stored, subfolder="axial")
    coronal = [1, 0, 0, 0, 0, -1]
    folder = ct_files.series(stored, (0, 2, 0), subfolder="coronal", ImageOrientationPatient=coronal)
    assert sorted(candidate.plane for candidate in list_series(folder)) == ["axial", "coronal"]
    with pytest.raises(SeriesError, match="2 series could be read"):
        read_ct(folder, series="1.2.3.4.5")
    assert read_ct(folder, choose="thinnest").affine_lps[2, 2] == 2.0
    only_coronal = read_ct(folder / "coronal")
    np.testing.assert_allclose(only_coronal.affine_lps[:3, :3], [[0.6, 0, 0], [0, 0, 2], [0, -0.7, 0]], atol=1e-12)


def test_thinnest_needs_an_axial_stack(ct_files, stored):
    for name, orientation, step in (("c", [1, 0, 0, 0, 0, -1], (0, 2, 0)), ("s", [0, 1, 0, 0, 0, -1], (2, 0, 0))):
        ct_files.series(stored, step, subfolder=name, ImageOrientationPatient=orientation)
    with pytest.raises(
        SeriesError, match=r"no.* is a stack of axial slices; another plane is read by series= \(--series\):"
    ):
        read_ct(ct_files.folder, choose="thinnest")


def test_a_lone_axial_slice_among_other_planes_is_read_when_asked_for(ct_files, stored):
    ct_files.series(stored[:1], subfolder="a", SeriesInstanceUID="1.2.8")
    coronal = [1, 0, 0, 0, 0, -1]
    ct_files.series(stored, (0, 2, 0), subfolder="c", ImageOrientationPatient=coronal)
    with pytest.raises(
        SeriesError, match=r"lone axial slice is read by series= \(--series\) with on_single='thickness'"
    ):
        read_ct(ct_files.folder, choose="thinnest")
    assert read_ct(ct_files.folder, series="1.2.8", on_single="thickness").array.shape[2] == 1


def test_noise_in_orientation_and_spacing_is_one_stack(ct_files, stored):
    noisy = {"ImageOrientationPatient": [1, 0, 1e-5, 0, 1, 0], "PixelSpacing": [0.70001, 0.6]}
    folder = ct_files.series(stored, change=lambda number: noisy if number % 2 else {})
    assert read_ct(folder).array.shape == (5, 4, 6)


def test_other_grids_are_other_stacks(ct_files, stored):
    ct_files.series(stored, subfolder="one")
    ct_files.series(stored[:, :3], subfolder="two")
    ct_files.series(stored, subfolder="three", PixelSpacing=[0.8, 0.8])
    assert [candidate.key[-2:] for candidate in list_series(ct_files.folder)] == ["/1", "/2", "/3"]


def test_a_changing_step_is_refused_or_resampled(ct_files):
    heights = np.array([0, 1, 2, 3, 4.5, 6, 7.5])
    stored = (100 * heights[:, None, None] + np.zeros((7, 3, 4))).astype(np.int16)
    place = lambda number: {"position": [0, 0, heights[number]]}  # noqa: E731
    folder = ct_files.series(stored, change=place)
    with pytest.raises(SeriesError, match=r"its step changes: steps of 1.00, 1.50 mm, first between .*_3.dcm and .*_4"):
        read_ct(folder)
    volume = read_ct(folder, on_spacing="resample")
    # typical: lower median of 1, 1, 1, 1.5, 1.5, 1.5; a ramp stays a ramp under linear interpolation
    np.testing.assert_allclose(volume.array[0, 0], 100 * np.arange(8) - 1024, atol=0.5)
    assert volume.affine_lps[2, 2] == 1.0
    assert [bool(uid) for uid in volume.info.slice_uids] == [True] * 4 + [False, False, True, False]


def test_a_wide_hole_in_a_changing_step_is_still_a_gap(ct_files):
    heights = [0, 1, 2, 3.3, 4.4, 12.1]
    stored = np.zeros((6, 3, 4), np.int16)
    folder = ct_files.series(stored, change=lambda number: {"position": [0, 0, heights[number]]})
    with pytest.raises(SeriesError, match=r"slices are missing in 1 gap, the first of 7.70 mm"):
        read_ct(folder, on_spacing="resample")
    assert read_ct(folder, on_spacing="resample", on_gap="interpolate").array.shape[2] == 12


def test_a_step_that_drifts_slowly_is_refused(ct_files):
    heights = np.concatenate([np.arange(30) * 1.0, 29 + np.arange(1, 31) * 1.04])
    folder = ct_files.series(
        np.zeros((60, 2, 2), np.int16), change=lambda number: {"position": [0, 0, float(round(heights[number], 3))]}
    )
    with pytest.raises(SeriesError, match=r"its step changes: steps of 1.00, 1.04 mm"):
        read_ct(folder)


def test_one_slice_has_no_step(ct_files, stored):
    folder = ct_files.series(stored[:1])
    with pytest.raises(SeriesError, match="is its only slice, so the step is not known"):
        read_ct(folder)
    assert read_ct(folder, on_single="thickness").affine_lps[2, 2] == 2.5
    with pytest.raises(SeriesError, match="neither SpacingBetweenSlices nor SliceThickness"):
        read_ct(ct_files.series(stored[:1], SliceThickness=None), on_single="thickness")
    volume = read_ct(ct_files.series(stored[:1], SpacingBetweenSlices=-1.5), on_single="thickness")
    assert volume.affine_lps[2, 2] == 1.5
    assert "the step of 1.5 mm" in volume.info.steps[0]


def test_too_large_a_volume_is_refused_before_it_is_read(ct_files, stored):
    with pytest.raises(SeriesError, match="6 x 4 x 5 voxels need 240 bytes, more than max_bytes=239"):
        read_ct(ct_files.series(stored), max_bytes=239)


def test_a_truncated_slice_is_refused(ct_files, stored):
    folder = ct_files.series(stored)
    file = next(folder.glob("*_4.dcm"))
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(SeriesError, match=file.name):
        read_ct(folder)
