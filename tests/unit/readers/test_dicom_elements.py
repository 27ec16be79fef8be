"""The walk over elements and sequences: what it passes, and what it refuses."""

import struct
from pathlib import Path

import pytest

from lungdet.readers.dicom_file import CT_TAGS, read_header, tags_of
from lungdet.readers.dicom_limits import ReadLimits
from lungdet.readers.errors import DicomFileError

UNDEFINED = 0xFFFFFFFF
LONG = (b"SQ", b"OW", b"UN", b"OB")
LUT, SHARED, PRIVATE = 0x00283000, 0x52009229, 0x00091010
EXPLICIT, IMPLICIT, BIG = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.2\0"


def element(tag: int, vr: bytes, value: bytes, length: int | None = None, order: str = "<") -> bytes:
    """One element with VR."""
    size = len(value) if length is None else length
    head = struct.pack(order + "HH2s", tag >> 16, tag & 0xFFFF, vr)
    return head + (struct.pack(order + "HL", 0, size) if vr in LONG else struct.pack(order + "H", size)) + value


def bare(tag: int, value: bytes = b"", length: int | None = None, order: str = "<") -> bytes:
    """One element without VR, an item or a delimiter."""
    return struct.pack(order + "HHL", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def item(value: bytes, undefined: bool = False, order: str = "<") -> bytes:
    if not undefined:
        return bare(0xFFFEE000, value, order=order)
    return bare(0xFFFEE000, value, UNDEFINED, order) + bare(0xFFFEE00D, order=order)


def sequence(tag: int, items: bytes, undefined: bool = False, vr: bytes = b"SQ", order: str = "<") -> bytes:
    if not undefined:
        return element(tag, vr, items, order=order)
    return element(tag, vr, items, UNDEFINED, order) + bare(0xFFFEE0DD, order=order)


MODALITY = element(0x00080060, b"CS", b"CT")
ROWS = element(0x00280010, b"US", b"\x04\x00")
END = element(0x7FE00010, b"OW", b"\x01\x00")


@pytest.fixture
def write(tmp_path):
    """Writer of a file that holds the given data set."""

    def write_file(data: bytes, syntax: bytes = EXPLICIT) -> Path:
        path = tmp_path / "x.dcm"
        path.write_bytes(bytes(128) + b"DICM" + element(0x00020010, b"UI", syntax) + data)
        return path

    return write_file


@pytest.mark.parametrize("undefined_item", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("tag", [PRIVATE, LUT])
def test_sequences_of_each_form_are_passed(write, tag, undefined, undefined_item):
    inner = sequence(SHARED, item(MODALITY) + item(b"", undefined_item), undefined)
    header = read_header(write(MODALITY + sequence(tag, item(inner, undefined_item) * 2, undefined) + ROWS + END))
    assert header.integer("Rows") == 4
    assert header.pixel_element.length == 2
    if tag == LUT:
        assert header.get("ModalityLUTSequence")[1].SharedFunctionalGroupsSequence[0].Modality == "CT"


def test_unknown_vr_of_undefined_length_has_no_vr_inside(write):
    private = sequence(PRIVATE, item(bare(0x00080060, b"MR"), undefined=True), undefined=True, vr=b"UN")
    assert read_header(write(MODALITY + private + ROWS + END)).integer("Rows") == 4
    nested = sequence(LUT, item(private), undefined=True)
    assert read_header(write(MODALITY + nested + ROWS + END)).integer("Rows") == 4


def test_unknown_vr_is_little_endian_even_in_big_endian_files(write):
    private = element(PRIVATE, b"UN", item(bare(0x00080060, b"MR")) + bare(0xFFFEE0DD), UNDEFINED, ">")
    data = element(0x00080060, b"CS", b"CT", order=">") + private + element(0x00280010, b"US", b"\0\x04", order=">")
    assert read_header(write(data, BIG)).integer("Rows") == 4


def test_known_sequence_written_as_unknown_vr_is_checked_too(write):
    deep = item(b"")
    for _ in range(60):
        deep = item(bare(LUT, deep))
    with pytest.raises(DicomFileError, match="nest deeper than 48"):
        read_header(write(MODALITY + element(LUT, b"UN", deep) + END))


def test_known_number_written_as_unknown_vr(write):
    assert read_header(write(MODALITY + element(0x00280010, b"UN", b"\x04\x00") + END)).integer("Rows") == 4


def test_items_without_vr_in_a_file_with_vr(write):
    data = MODALITY + sequence(LUT, item(bare(0x00080060, b"CT")), undefined=True) + ROWS + END
    assert read_header(write(data)).integer("Rows") == 4


def test_implicit_sequences(write):
    inner = bare(0xFFFEE000, bare(0x00080060, b"CT") + bare(LUT, item(b"")), UNDEFINED) + bare(0xFFFEE00D)
    data = bare(0x00080060, b"CT") + bare(LUT, inner, UNDEFINED) + bare(0xFFFEE0DD) + bare(0x00280010, b"\x04\x00")
    header = read_header(write(data, IMPLICIT))
    assert header.integer("Rows") == 4
    assert header.get("ModalityLUTSequence")[0].Modality == "CT"


def test_stray_empty_delimiters_are_passed(write):
    assert read_header(write(MODALITY + bare(0xFFFEE000) + bare(0xFFFEE0DD) + ROWS + END)).integer("Rows") == 4


def test_pixels_inside_a_sequence_are_not_the_image(write):
    compressed = element(0x7FE00010, b"OB", item(b"") + item(b"ab"), UNDEFINED) + bare(0xFFFEE0DD)
    icon = sequence(0x00880200, item(ROWS + compressed), undefined=True)
    header = read_header(write(MODALITY + icon + ROWS + END))
    assert header.pixel_element.length == 2


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (bare(0xFFFEE000, b"abcd"), "stray item tag"),
        (sequence(LUT, MODALITY), "not an item"),
        (sequence(LUT, item(bare(0xFFFEE000)), undefined=True), "stray item tag"),
        (sequence(LUT, bare(0xFFFEE000, b"", 30)), "ends at byte|over the end"),
        (sequence(LUT, bare(0xFFFEE000, MODALITY, 12)) + MODALITY, "over the end"),
        (element(0x00280010, b"US", b"", 500), r"needs \d+"),
        (element(PRIVATE, b"OB", b"", 0xFFFFFFF0), r"it ends at byte \d+, but element \(0009,1010\) needs \d+"),
        (element(PRIVATE, b"OB", item(b""), UNDEFINED), "a sequence needs"),
        (element(LUT, b"SQ", item(MODALITY + b"\x28\0\0\x30SQ", undefined=True), UNDEFINED), "needs|stray|not an item"),
        (ROWS[:7], "an element needs"),
        (element(PRIVATE, b"OB", b"")[:10], "an element needs"),
    ],
)
def test_damage_is_refused_with_the_place(write, data, problem):
    with pytest.raises(DicomFileError, match=r"x\.dcm: .*(" + problem + ")"):
        read_header(write(MODALITY + data))


def test_every_truncation_of_the_header_is_refused(write):
    data = MODALITY + sequence(LUT, item(sequence(SHARED, item(MODALITY), True), True), True) + ROWS
    path = write(data + END)
    whole = path.read_bytes()
    start = len(whole) - len(data + END)
    boundaries = {start, start + len(MODALITY), len(whole) - len(END) - len(ROWS), len(whole) - len(END)}
    for size in range(start, len(whole) - 2):
        path.write_bytes(whole[:size])
        if size in boundaries:  # a shorter data set, but a whole one
            assert read_header(path).pixel_element is None
        elif size >= len(whole) - len(END) + 12:
            assert read_header(path).pixel_element.length == 2
        else:
            with pytest.raises(DicomFileError, match=r"x\.dcm"):
                read_header(path)


def test_impossible_length_of_a_number(write):
    data = bare(0x00080060, b"CT") + bare(0x00280010, bytes(70000))
    with pytest.raises(DicomFileError, match="70000 bytes long"):
        read_header(write(data, IMPLICIT))


@pytest.mark.parametrize("undefined", [False, True])
def test_depth_budget(write, undefined):
    data = b""
    for _ in range(12):
        data = sequence(LUT, item(data, undefined), undefined)
    path = write(MODALITY + data + END)
    assert read_header(path, limits=ReadLimits(max_depth=12)).get("ModalityLUTSequence")
    with pytest.raises(DicomFileError, match=r"nest deeper than 11 levels; raise ReadLimits\.max_depth"):
        read_header(path, limits=ReadLimits(max_depth=11))


def test_defined_depth_that_nobody_asked_for_is_skipped(write):
    data = b""
    for _ in range(60):
        data = sequence(LUT, item(data))
    path = write(MODALITY + data + ROWS + END)
    assert read_header(path, tags=tags_of(["Rows"])).integer("Rows") == 4
    with pytest.raises(DicomFileError, match="nest"):
        read_header(path)


def test_element_budget(write):
    path = write(MODALITY + sequence(LUT, item(ROWS * 50)) + ROWS + END)
    assert read_header(path, limits=ReadLimits(max_elements=60)).integer("Rows") == 4
    with pytest.raises(DicomFileError, match="more than 50 elements"):
        read_header(path, limits=ReadLimits(max_elements=50))
    with pytest.raises(DicomFileError, match="more than 50 elements"):
        read_header(write(MODALITY + bare(0xFFFEE0DD) * 60 + END), limits=ReadLimits(max_elements=50))


def test_header_budget(write):
    path = write(MODALITY + element(PRIVATE, b"OB", bytes(100_000)) + ROWS + END)
    assert read_header(path).integer("Rows") == 4
    with pytest.raises(DicomFileError, match="more than the limit of 50000"):
        read_header(path, limits=ReadLimits(max_header_bytes=50_000))


def test_header_longer_than_the_first_read(write):
    path = write(MODALITY + ROWS * 3000 + element(0x00280011, b"US", b"\x05\x00") + END)
    assert read_header(path, tags=CT_TAGS).integer("Columns") == 5
