"""The header of one file: what is kept, how it is converted, and what is no DICOM."""

import logging
import pickle
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from lungdet.readers.dicom_file import CT_TAGS, read_header, tags_of
from lungdet.readers.dicom_limits import ReadLimits
from lungdet.readers.errors import DicomFileError, MissingCodecError, NotDicomError, SeriesError

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def resave(path: Path, syntax: str, **elements: object) -> Path:
    """Write the file again in another transfer syntax, with elements changed."""
    old = pydicom.dcmread(path)
    dataset = pydicom.Dataset()
    dataset.file_meta = old.file_meta
    for element in old:
        dataset.add(element)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = old.pixel_array.astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


def raw_edit(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))
    return path


@pytest.fixture
def ct_file(ct_files, stored):
    return ct_files.slice("a.dcm", stored[0], (-10.5, 20.0, 3.25), PixelPaddingValue=-2000, SeriesDescription="Thórax")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_values_are_those_of_pydicom_in_every_encoding(ct_file, syntax):
    resave(ct_file, syntax, SpecificCharacterSet="ISO_IR 100")
    header, other = read_header(ct_file), pydicom.dcmread(ct_file)
    assert header.transfer_syntax == syntax
    assert header.path == ct_file
    wanted = [element for element in other if element.tag in CT_TAGS]
    assert len(wanted) > 20
    for element in wanted:
        assert header.dataset[element.tag].value == element.value, element.name


def test_numbers_and_text(ct_file):
    resave(ct_file, ImplicitVRLittleEndian, SpecificCharacterSet="ISO_IR 100")
    for _ in range(2):  # before and after pydicom converted them
        header = read_header(ct_file)
        assert header.numbers("ImagePositionPatient") == (-10.5, 20.0, 3.25)
        assert header.number("SliceThickness") == 2.5
        assert header.integer("Rows") == 4
        assert header.text("Modality") == "CT"
        assert header.texts("ImageType") == ("ORIGINAL", "PRIMARY", "AXIAL")
        assert header.text("SeriesDescription") == "Thórax"
        assert header.get("SliceThickness") == 2.5
        _ = [header.dataset.get(keyword) for keyword in ("ImagePositionPatient", "Rows", "ImageType", "Modality")]
        assert header.numbers("ImagePositionPatient") == (-10.5, 20.0, 3.25)
        assert header.integer("Rows") == 4
        assert header.texts("ImageType") == ("ORIGINAL", "PRIMARY", "AXIAL")


def test_absent_and_empty_values(ct_files, stored):
    header = read_header(ct_files.slice("a.dcm", stored[0], (0, 0, 0), GantryDetectorTilt=None or "", ImageType=""))
    for keyword in ("GantryDetectorTilt", "PixelPaddingValue"):
        assert header.numbers(keyword) == ()
        assert header.number(keyword) is None
        assert header.integer(keyword) is None
        assert header.get(keyword, "none") == "none"
    assert header.text("ImageType") == header.text("RescaleType") == ""
    assert header.texts("ImageType") == header.texts("RescaleType") == ()


@pytest.mark.parametrize(
    ("old", "new", "read"),
    [
        (b"20.0\\3.25", b"2O.0\\3.25", lambda header: header.numbers("ImagePositionPatient")),
        (b"20.0\\3.25", b"20.0\\ nan", lambda header: header.numbers("ImagePositionPatient")),
        (b"DS\x04\x002.5 ", b"DS\x04\x002.5 ", lambda header: header.integer("SliceThickness")),
        (b"US\x02\x00\x04\x00(\x00\x11", b"US\x01\x00\x04(\x00\x11", lambda header: header.integer("Rows")),
        (b"US\x02\x00\x04\x00(\x00\x11", b"US\x01\x00\x04(\x00\x11", lambda header: header.get("Rows")),
    ],
)
def test_broken_values_name_file_and_keyword(ct_files, stored, old, new, read):
    path = ct_files.slice("a.dcm", stored[0], (-10.5, 20, 3.25))
    header = read_header(raw_edit(path, old, new))
    with pytest.raises(DicomFileError, match=r"a\.dcm: its \w+ cannot be read"):
        read(header)


def test_pixels_are_where_the_header_says(ct_file, stored):
    header = read_header(ct_file)
    assert header.pixel_length == stored[0].nbytes
    assert ct_file.read_bytes()[header.pixel_element.offset :] == stored[0].tobytes()


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_pixels_that_need_work_have_no_plain_place(ct_file, syntax):
    header = read_header(resave(ct_file, syntax))
    assert header.pixel_length is None
    assert header.pixel_element is not None
    assert header.is_native


def test_no_pixels(ct_files, stored):
    header = read_header(ct_files.slice("a.dcm", stored[0], (0, 0, 0), PixelData=None))
    assert header.pixel_element is header.pixel_length is None


def test_tags_can_be_widened(ct_files, stored):
    path = ct_files.slice("a.dcm", stored[0], (0, 0, 0), BodyPartExamined="CHEST", PatientName="Somebody")
    assert "BodyPartExamined" not in read_header(path).dataset
    header = read_header(path, tags=CT_TAGS | tags_of(["BodyPartExamined"]))
    assert header.text("BodyPartExamined") == "CHEST"
    assert "PatientName" not in header.dataset
    with pytest.raises(ValueError, match="NoSuchTag"):
        tags_of(["NoSuchTag"])


def test_sequences_are_kept_whole(ct_files, stored):
    item = pydicom.Dataset()
    item.LUTDescriptor, item.LUTData = [4, 0, 16], [1, 2, 3, 4]
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    path = ct_files.slice("a.dcm", stored[0], (0, 0, 0), ModalityLUTSequence=[item])
    assert read_header(path).get("ModalityLUTSequence")[0].LUTData == [1, 2, 3, 4]
    dataset = pydicom.dcmread(path)
    dataset["ModalityLUTSequence"].is_undefined_length = True
    dataset.save_as(path)
    assert b"SQ\0\0\xff\xff\xff\xff" in path.read_bytes()
    assert read_header(path).get("ModalityLUTSequence")[0].LUTData == [1, 2, 3, 4]


# --- files without preamble, or that are written unlike they say ---


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_bare_data_set(ct_file, syntax):
    resave(ct_file, syntax)
    whole = read_header(ct_file)
    ct_file.write_bytes(ct_file.read_bytes()[whole.data_set_offset :])
    header = read_header(ct_file)
    assert header.transfer_syntax == syntax
    assert header.text("SOPInstanceUID") == whole.text("SOPInstanceUID")
    assert header.data_set_offset == 0


def test_bare_data_set_with_meta_information(ct_file):
    ct_file.write_bytes(ct_file.read_bytes()[132:])
    assert read_header(ct_file).transfer_syntax == ExplicitVRLittleEndian


def test_preamble_without_meta_information(ct_file):
    data = ct_file.read_bytes()
    ct_file.write_bytes(data[:132] + data[read_header(ct_file).data_set_offset :])
    assert read_header(ct_file).transfer_syntax == ExplicitVRLittleEndian


def test_forerunner_without_uids(ct_file):
    data = ct_file.read_bytes()[read_header(ct_file).data_set_offset :]
    uid = data.index(b"\x08\x00\x16\x00UI")
    ct_file.write_bytes(data[:uid] + data[data.index(b"\x08\x00\x18\x00UI") :])
    assert read_header(ct_file).text("Modality") == "CT"
    start = data.index(b"\x08\x00\x60\x00CS")
    ct_file.write_bytes(data[:uid] + data[start + 10 :])
    with pytest.raises(NotDicomError, match="no SOPClassUID"):
        read_header(ct_file)


def test_lying_transfer_syntax_is_logged(ct_file, caplog):
    raw_edit(ct_file, b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0")
    with caplog.at_level(logging.WARNING, logger="lungdet"):
        header = read_header(ct_file)
    assert not header.encoding.implicit
    assert header.integer("Rows") == 4
    assert "unlike its transfer syntax" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"D",
        b"plain text that goes on for a while\n" * 40,
        b"\x89PNG\r\n\x1a\n" + bytes(300),
        b"\x08\x00rubbish" * 40,
    ]
    + [b"\x08\x00", bytes(5000), b"PK\x03\x04" + bytes(200), b"\x02\x00" + b"\xff" * 100, b"\x00\x08" + b"a" * 900],
)
def test_rubbish_is_no_dicom(tmp_path, content):
    path = tmp_path / "rubbish"
    path.write_bytes(content)
    with pytest.raises(NotDicomError, match=r"rubbish: it is no DICOM file: .*; leave it out"):
        read_header(path)


def test_folder_and_absent_file(tmp_path):
    with pytest.raises(NotDicomError, match="no regular file"):
        read_header(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "absent.dcm")


def test_directory_file_has_no_pixels():
    header = read_header(get_testdata_file("DICOMDIR"))
    assert header.pixel_element is None
    assert header.text("SOPClassUID") == ""


def test_unknown_character_set_does_not_stop(ct_files, stored):
    path = ct_files.slice("a.dcm", stored[0], (0, 0, 0), SpecificCharacterSet="ISO_IR 100", SeriesDescription="ä")
    header = read_header(raw_edit(path, b"ISO_IR 100", b"ISO_IX 999"))
    assert isinstance(header.text("SeriesDescription"), str)


# --- errors and limits ---


def test_errors_survive_pickling():
    for kind in (DicomFileError, NotDicomError, MissingCodecError):
        error = pickle.loads(pickle.dumps(kind("a.dcm", "too short", "copy it again")))  # noqa: S301
        assert isinstance(error, SeriesError)
        assert str(error) == "a.dcm: too short; copy it again"
        assert (error.path, error.problem, error.remedy) == ("a.dcm", "too short", "copy it again")


def test_limits_are_positive():
    with pytest.raises(ValueError, match="max_depth must be positive, got 0"):
        ReadLimits(max_depth=0)


def test_no_patient_data_in_messages(ct_files, stored, caplog):
    path = ct_files.slice("a.dcm", stored[0], (0, 0, 0), PatientName="Somebody^Known", PatientID="4711-77")
    data, messages = path.read_bytes(), []
    with caplog.at_level(logging.DEBUG, logger="lungdet"):
        for size in range(0, len(data), 7):
            path.write_bytes(data[:size])
            try:
                read_header(path)
            except DicomFileError as error:
                messages.append(str(error))
    assert len(messages) > 10
    for secret in ("Somebody", "Known", "4711"):
        assert secret not in "".join(messages) + caplog.text
