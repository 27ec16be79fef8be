"""Numbers and words of one slice that cannot be true, or must not be shown as they are."""

import warnings

import pytest
from pydicom.dataset import Dataset

from lungdet.readers import DicomFileError, list_series, read_ct
from lungdet.readers.plain_text import printable


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"PixelSpacing": [1e-5, 1e-5]}, "PixelSpacing must lie between 0.05 and 20 mm, got 1e-05"),
        ({"PixelSpacing": [2000, 2000]}, "PixelSpacing must lie between 0.05 and 20 mm, got 2000 and 2000"),
        ({"PixelSpacing": ["1e300", "1e300"]}, "PixelSpacing must lie"),
        ({"position": [0, 0, "1e308"]}, "ImagePositionPatient is 0, 0, 1e.308 mm, more than 100 m away"),
        ({"RescaleSlope": "1e38"}, r"RescaleSlope 1e\+38 and RescaleIntercept -1024 give no HU"),
        ({"RescaleIntercept": "1e9"}, r"RescaleSlope 1 and RescaleIntercept 1e\+09 give no HU"),
        ({"RescaleSlope": "1e-30"}, "RescaleSlope is 1e-30: all its values would lie within 6.6e-26 HU"),
    ],
)
def test_numbers_beyond_any_patient_are_refused(ct_files, stored, change, message: str):
    folder = ct_files.series(stored, change=lambda number: change if number == 2 else {})
    with pytest.raises(ValueError, match=rf"_2.dcm\): {message}"):
        read_ct(folder)


def test_a_number_as_only_python_writes_it_is_refused(ct_files, stored):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, on writing
        folder = ct_files.series(stored, RescaleSlope="1_0")
    with pytest.raises(ValueError, match=r"its RescaleSlope cannot be read .*'1_0' is no number"):
        read_ct(folder)


def test_a_modality_table_beside_a_slope_is_refused(ct_files, stored):
    table = Dataset()
    table.LUTDescriptor, table.ModalityLUTType, table.LUTData = [2, 0, 16], "HU", [0, 1]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    with pytest.raises(ValueError, match="it holds a ModalityLUTSequence beside RescaleSlope"):
        read_ct(ct_files.series(stored, ModalityLUTSequence=[table]))
    assert read_ct(ct_files.series(stored, ModalityLUTSequence=[])).info.steps == ()


def test_control_characters_do_not_reach_the_terminal(ct_files, stored):
    hostile = {"SeriesDescription": "CHEST\x1b]0;owned\x07", "ConvolutionKernel": "B30\u202ef\r\n"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, on writing
        folder = ct_files.series(stored, SpecificCharacterSet="ISO_IR 192", **hostile)
    (candidate,) = list_series(folder)
    assert str(candidate).isprintable()
    assert (candidate.description, candidate.kernel) == ("CHEST]0;owned", "B30f")
    assert read_ct(folder).info.description == "CHEST]0;owned"


def test_messages_about_files_with_hostile_names_are_plain(ct_files, stored):
    assert str(DicomFileError("a\x1b[2Jb", "one\ntwo", "three")) == "a[2Jb: onetwo; three"
    ct_files.slice("x\x1b[2Jy.dcm", stored[0], (0, 0, 0))
    with pytest.raises(ValueError, match=r"x\[2Jy.dcm is its only slice"):
        read_ct(ct_files.folder)


def test_plain_text_stays():
    for text in ("", "CHEST 1,25 mm", "Brustkorb für Ärzte", "胸部"):
        assert printable(text) == text


def test_broken_numbers_of_frames_are_refused(ct_files, stored):
    frame, item, scale = Dataset(), Dataset(), Dataset()
    item.ImagePositionPatient = [1.5, 2.5, 3.5]
    scale.RescaleSlope, scale.RescaleIntercept = 1, -1024
    frame.PlanePositionSequence, frame.PixelValueTransformationSequence = [item], [scale]
    path = ct_files.enhanced(stored[:1], Dataset(), [frame])
    path.write_bytes(path.read_bytes().replace(b"2.5\\3.5", b"2.5\\nan"))
    with pytest.raises(ValueError, match="ImagePositionPatient is not finite"):
        read_ct(path)
