"""Series that fall into parts: passes are candidates of their own, and no part passes for the whole."""

import warnings

import numpy as np
import pytest

from lungdet.readers import SeriesError, list_series, read_ct
from lungdet.readers.series_candidate import is_uid, key_of

THIN = {"SliceThickness": 2.0}


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 3000, size=(count, 4, 5)).astype(np.int16)


def again(ct_files, stored, places, **elements):
    """Send slices again: same place, another file and SOPInstanceUID."""
    for place in places:
        ct_files.slice(f"again_{place}.dcm", stored[place], (-10, -20, 5 + 2 * place), **elements)


def test_slices_sent_again_later_do_not_split_a_scan(ct_files):
    """Four slices a second, ContentTime in whole seconds, and two slices sent again an hour later."""
    stored = pixels(40)
    folder = ct_files.series(stored, change=lambda n: {"ContentTime": f"10{n // 4:02d}00"})
    again(ct_files, stored, (5, 9), ContentTime="110000")
    assert len(list_series(folder)) == 1
    volume = read_ct(folder, choose="thinnest")
    np.testing.assert_array_equal(volume.array, (stored - 1024).transpose(2, 1, 0))
    assert "dropped 2 slices at a place taken twice" in volume.info.steps[0]


@pytest.mark.parametrize("per_shot", [20, 4])
def test_acquisitions_that_share_their_ends_are_one_scan(ct_files, per_shot: int):
    stored = pixels(40)
    folder = ct_files.series(stored, change=lambda n: {"AcquisitionNumber": n // per_shot})
    for place in range(per_shot, 40, per_shot):
        again(ct_files, stored, [place], AcquisitionNumber=place // per_shot - 1)
    assert read_ct(folder, choose="thinnest").array.shape == (5, 4, 40)


def test_acquisitions_that_share_a_place_with_other_pixels_are_refused(ct_files):
    stored = pixels(12)
    folder = ct_files.series(stored, change=lambda n: {"AcquisitionNumber": n // 6})
    ct_files.slice("zz.dcm", stored[0], (-10, -20, 5 + 2 * 6), AcquisitionNumber=0)
    with pytest.raises(SeriesError, match=r"lie at one height .* with different pixels"):
        read_ct(folder, choose="thinnest")


def test_passes_of_unlike_length_with_a_repeat_are_still_passes(ct_files):
    stored = pixels(26)
    ct_files.series(stored[:20], subfolder="native", AcquisitionNumber=1)
    folder = ct_files.series(stored, subfolder="contrast", AcquisitionNumber=2)
    again(ct_files, stored, [3], AcquisitionNumber=2)
    assert sorted(candidate.slices for candidate in list_series(folder)) == [20, 27]
    assert read_ct(folder, choose="thinnest").array.shape[2] == 26


END = {
    "ImageOrientationPatient": [0.99, 0.1410674, 0, -0.1410674, 0.99, 0],
    "PixelSpacing": [0.71, 0.6],
    "FrameOfReferenceUID": "1.5.2",
    "PatientID": "B",
    "StudyInstanceUID": "1.2.9",
}


@pytest.mark.parametrize("keyword", END)
def test_a_part_that_goes_on_in_another_is_no_whole(ct_files, stored, caplog, keyword: str):
    first = {"FrameOfReferenceUID": "1.5.1", "PatientID": "A"}
    change = lambda n: {**first, **({keyword: END[keyword]} if n >= 4 else {})}  # noqa: E731
    folder = ct_files.series(stored, change=change)
    keys = [candidate.key for candidate in list_series(folder)]
    assert sorted(keys) == ["1.2.3.4.5/1", "1.2.3.4.5/2"]
    with pytest.raises(SeriesError, match=rf"/\d goes on in .*/\d, which differs in {keyword}; to read this part"):
        read_ct(folder, choose="thinnest")
    parts = [read_ct(folder, series=key) for key in keys]  # named in full: the user has seen both
    assert sorted(part.array.shape[2] for part in parts) == [2, 4]
    assert all("this is a part of its series, which goes on in" in part.info.steps[1] for part in parts)
    assert "this is a part of its series" in caplog.text


def test_a_part_between_the_slices_of_another_is_missed(ct_files):
    stored = pixels(12)
    folder = ct_files.series(stored, change=lambda n: THIN | ({"PixelSpacing": [0.71, 0.6]} if n % 2 else {}))
    with pytest.raises(SeriesError, match="goes on in"):
        read_ct(folder, choose="thinnest")


def test_other_reconstructions_and_other_stations_are_no_parts(ct_files):
    """A second field of view over the same range, a reformat, and a head scan far above."""
    stored = pixels(12)
    ct_files.series(stored, subfolder="chest", **THIN)
    ct_files.series(stored, subfolder="wide", PixelSpacing=[0.9, 0.9], **THIN)
    ct_files.series(stored[:4], (0, 2, 0), subfolder="coronal", ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    head = {"PixelSpacing": [0.5, 0.5], "first_lps_mm": (0, 0, 300)}
    folder = ct_files.series(stored[:4], subfolder="head", **head, **THIN)
    assert read_ct(folder, choose="thinnest").array.shape == (5, 4, 12)


def test_many_planes_in_one_series_leave_the_others_readable(ct_files, stored):
    ct_files.series(stored, subfolder="axial", SeriesInstanceUID="1.2.31")
    angles = np.arange(70) * np.pi / 70
    for number, (c, s) in enumerate(zip(np.cos(angles), np.sin(angles), strict=True)):
        turned = [float(round(cosine, 6)) for cosine in (c, s, 0, 0, 0, -1)]
        ct_files.slice(f"r{number}", stored[0], (0, 0, 0), ImageOrientationPatient=turned, SeriesInstanceUID="1.2.32")
    volume = read_ct(ct_files.folder)
    reason = "left out 70 files: of series 1.2.32, which has more than 64 different orientations or grids"
    assert volume.info.steps == (reason,)


def test_an_error_lists_ten_series_at_most(ct_files, stored):
    for number in range(12):
        ct_files.slice(f"{number}.dcm", stored[0], (0, 0, 0), SeriesInstanceUID=f"1.2.{number}")
    with pytest.raises(SeriesError, match=r"12 series could be read.*(\n.*){10}\n  and 2 more, list_series") as caught:
        read_ct(ct_files.folder)
    assert str(caught.value).count("\n") == 11


def test_series_without_a_proper_uid_are_read_and_told(ct_files, stored):
    hostile = "$__import__('os').system('true')"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, on writing
        ct_files.series(stored, subfolder="a", SeriesInstanceUID=hostile)
        folder = ct_files.series(stored, subfolder="b", SeriesInstanceUID=None)
    keys = [candidate.key for candidate in list_series(folder)]
    assert keys == ["___import____os__.system__true__", "no-uid"]
    told = [read_ct(folder, series=key).info.steps[1] for key in keys]
    assert "is no UID, and is taken as a name" in told[0]
    assert told[1] == "it has no SeriesInstanceUID: files without one are taken to belong together"
    assert read_ct(folder, series=hostile).info.series_uid == hostile


def test_keys_have_no_meaning_in_settings():
    assert not set("$@#%:'\"\\ ") & set(key_of("$@#%:'\"\\ 1.2"))
    assert key_of("1.2.3") == "1.2.3"
    assert not is_uid("1" * 65)
    assert is_uid("1" * 64)


@pytest.mark.parametrize("key", ["1.2.3/2", key_of("$1+1"), key_of("@a#b%c"), key_of("")])
def test_keys_pass_settings_of_monai_unchanged(key: str):
    bundle = pytest.importorskip("monai.bundle")
    parser = bundle.ConfigParser({"options": {"series": "none"}})
    parser["options::series"] = key
    assert parser.get_parsed_content("options::series") == key
    parser.update({"options": {"series": key}})
    assert parser.get_parsed_content("options") == {"series": key}
