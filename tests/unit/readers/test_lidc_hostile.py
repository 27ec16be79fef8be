"""LIDC XML from people who mean harm, or from a broken disk: refused with file and line, never obeyed."""

import io
import os
import pickle
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from lungdet.readers import AnnotationError, LidcReport, read_lidc
from lungdet.readers.lidc_limits import DEFAULT_LIDC_LIMITS, LidcLimits
from lungdet.readers.lidc_parse import parse_lidc

GOOD = b"""<?xml version="1.0" encoding="UTF-8"?>
<LidcReadMessage xmlns="http://www.nih.gov">
<ResponseHeader><SeriesInstanceUid>1.2.3</SeriesInstanceUid></ResponseHeader>
<readingSession><unblindedReadNodule><noduleID>1</noduleID>
<roi><imageZposition>1.5</imageZposition><imageSOP_UID>1.9</imageSOP_UID><inclusion>TRUE</inclusion>
<edgeMap><xCoord>10</xCoord><yCoord>20</yCoord></edgeMap>
</roi></unblindedReadNodule></readingSession></LidcReadMessage>"""
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><LidcReadMessage xmlns="http://www.nih.gov">&c;</LidcReadMessage>"""
OUTSIDE = b"""<!DOCTYPE a SYSTEM "file:///etc/passwd"><LidcReadMessage xmlns="http://www.nih.gov"/>"""


def parse(document: bytes, **limits):
    return parse_lidc(io.BytesIO(document), "a.xml", replace(DEFAULT_LIDC_LIMITS, **limits))


def test_the_good_one_is_good():
    assert len(parse(GOOD).marks) == 1
    assert len(parse(GOOD.decode().replace("UTF-8", "UTF-16").encode("utf-16")).marks) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"<xCoord>10<", b"<xCoord>1e1<", "line 6: xCoord '1e1' is no whole pixel"),
        (b"<xCoord>10<", b"<xCoord>10.5<", "line 6: xCoord '10.5' is no whole pixel"),
        (b"<xCoord>10<", b"<xCoord>NaN<", "line 6: xCoord 'NaN' is no whole pixel"),
        (b"<xCoord>10<", b"<xCoord><", "line 6: xCoord '' is no whole pixel"),
        (b"<xCoord>10<", b"<xCoord>-10<", "outside the image"),
        (b"<xCoord>10<", b"<xCoord>1000000<", "must lie in"),
        (b"<xCoord>10<", b"<xCoord>" + b"9" * 400 + b"<", "9'... of 400 characters is no whole pixel"),
        (b"<xCoord>10<", b"<xCoord>1_0<", "line 6: xCoord '1_0' is no whole pixel"),
        (b"<xCoord>10<", "<xCoord>\u0661\u0660<".encode(), "is no whole pixel"),
        (b"<xCoord>10<", b"<xCoord>1<b/>0<", "line 6: xCoord holds other elements"),
        (b"<xCoord>10<", b"<xCoord><b>1</b>0<", "line 6: xCoord holds other elements"),
        (b">1.5<", b">1_0.5<", "'1_0.5' is no number"),
        (b">1.5<", b">1<b/>.5<", "imageZposition holds other elements"),
        (b">1.2.3<", b">1.2<b/>.3<", "SeriesInstanceUid holds other elements"),
        (b"<xCoord>10<", b"<xCoord>" + b"9" * 5000 + b"<", "text longer than 4096"),
        (b"<xCoord>10</xCoord>", b"", "needs one xCoord"),
        (b">1.5<", b">nan<", "'nan' is no number"),
        (b">1.5<", b">1e999<", "'1e999' is no number"),
        (b">1.5<", b">1,5<", "'1,5' is no number"),
        (b"<imageZposition>1.5</imageZposition>", b"", "no imageZposition"),
        (b"TRUE", b"maybe", "TRUE or FALSE, got 'maybe'"),
        (b">1.9<", b">../../etc<", "is no UID"),
        (b">1.2.3<", b">1.2/3<", "line 3: SeriesInstanceUid '1.2/3' is no UID"),
        (b"<SeriesInstanceUid>1.2.3</SeriesInstanceUid>", b"", "line 4: a readingSession comes before"),
        (
            b"</ResponseHeader>",
            b"<SeriesInstanceUid>1.4</SeriesInstanceUid></ResponseHeader>",
            "second SeriesInstanceUid",
        ),
        (b"http://www.nih.gov", b"http://www.nih.gov/else", "of namespace 'http://www.nih.gov/else'"),
        (b' xmlns="http://www.nih.gov"', b"", "of namespace ''"),
        (b"LidcReadMessage", b"html", "begins with 'html'"),
        (b"readingSession", b"writingSession", "outside any readingSession"),
        (b"</roi>", b"", "no well-formed XML"),
        (b"<roi>", b"<roi a='1' a='2'>", "no well-formed XML"),
        (b"UTF-8", b"UTF-99", "unknown encoding: UTF-99"),
        (b"UTF-8", b"Shift-JIS", "save it as UTF-8"),
    ],
)
def test_bad_values_name_the_line(old, new, message):
    assert old in GOOD
    with pytest.raises(AnnotationError) as caught:
        parse(GOOD.replace(old, new))
    assert message in str(caught.value)
    assert str(caught.value).startswith("a.xml, line ")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


def test_repeated_rating_is_refused():
    rating = b"<characteristics><margin>2</margin><margin>3</margin></characteristics>"
    with pytest.raises(AnnotationError, match="given twice"):
        parse(GOOD.replace(b"<roi>", rating + b"<roi>"))


@pytest.mark.parametrize("cut", range(0, len(GOOD) - 1, 37))
def test_truncated_anywhere(cut):
    with pytest.raises(AnnotationError, match="no well-formed XML"):
        parse(GOOD[:cut])


@pytest.mark.parametrize("document", [LAUGHS, OUTSIDE, LAUGHS.decode().encode("utf-16")])
def test_document_types_and_entities_are_refused(document):
    with pytest.raises(AnnotationError, match="document type or entities"):
        parse(document)


def test_unknown_entity_is_refused():
    with pytest.raises(AnnotationError, match="undefined entity"):
        parse(GOOD.replace(b"<noduleID>1<", b"<noduleID>&a;<"))


def test_huge_attribute_is_refused_before_it_is_complete():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            assert self.given < 10_000_000
            return (b"<a b='" if self.given == size else b"") + b"x" * size

    with pytest.raises(AnnotationError, match="a single tag is longer"):
        parse_lidc(Endless(), "a.xml")


def test_budgets():
    with pytest.raises(AnnotationError, match="larger than the limit of 100 bytes"):
        parse(GOOD, max_file_bytes=100)
    with pytest.raises(AnnotationError, match="deeper than 4"):
        parse(GOOD, max_depth=4)
    with pytest.raises(AnnotationError, match="deeper than 32"):
        parse(b"<LidcReadMessage xmlns='http://www.nih.gov'>" + b"<a>" * 100_000)
    mark = GOOD[GOOD.index(b"<unblinded") : GOOD.index(b"</readingSession>")]
    with pytest.raises(AnnotationError, match="more than 5 marks"):
        parse(GOOD.replace(b"</readingSession>", 9 * mark + b"</readingSession>"), max_marks=5)
    with pytest.raises(ValueError, match="max_depth must be positive"):
        LidcLimits(max_depth=0)


@pytest.mark.parametrize("text", ["1.5", "+1.5", "-1.5", "1.", ".5", " 1.5\n", "1.5e1", "-70.514999389648438", "3"])
def test_numbers_as_they_are_written(text):
    (mark,) = parse(GOOD.replace(b">1.5<", f">{text}<".encode())).marks
    assert mark.contours[0].z_mm == float(text)


def outlined(*corners: tuple[int, int], repeat: int = 1) -> bytes:
    points = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in corners)
    start, end = GOOD.index(b"<unblinded"), GOOD.index(b"</readingSession>")
    mark = GOOD[start:end].replace(b"<edgeMap><xCoord>10</xCoord><yCoord>20</yCoord></edgeMap>", points.encode())
    return GOOD[:start] + repeat * mark + GOOD[end:]


def test_outlines_that_would_take_minutes_to_fill_are_refused():
    square = ((0, 0), (4000, 0), (4000, 4000), (0, 4000))
    with pytest.raises(
        AnnotationError, match=r"line 7: region of .1.: .* spans 16008001 pixels, more than max_region_px"
    ):
        parse(outlined(*square))
    zigzag = [(0, 0) if k % 2 else (500, 500 - k % 3) for k in range(3000)]
    with pytest.raises(AnnotationError, match="pixels long, more than max_edge_px = 16384"):
        parse(outlined(*zigzag))
    with pytest.raises(AnnotationError, match="an outline of '1' has more than 5000 points"):
        parse(outlined(*((k % 2, 0) for k in range(5001))))
    whole = ((0, 0), (511, 0), (511, 511), (0, 511))
    assert len(parse(outlined(*whole, repeat=8)).marks) == 8
    with pytest.raises(AnnotationError, match=r"line 31: .* span 2359296 pixels together, more than max_series_px"):
        parse(outlined(*whole, repeat=9))
    assert len(parse(outlined(*whole, repeat=9), max_series_px=1 << 30).marks) == 9


def test_files_of_one_series_share_its_budget(tmp_path: Path):
    for k in range(3):
        data = outlined((0, 0), (511, 0), (511, 509 + k), (0, 509 + k), repeat=3)
        (tmp_path / f"{k}.xml").write_bytes(data)
    found, problems = read_all(tmp_path)
    assert found == []
    assert "0.xml and 2 more: 1.2.3: its outlines span" in problems[0]
    assert "more than max_marks = 8" in read_all(tmp_path, max_marks=8)[1][0]
    with pytest.raises(AnnotationError, match="max_series_px"):
        list(read_lidc(tmp_path))


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(data) if kind == tarfile.REGTYPE else 0, kind, "/etc/passwd"
            archive.addfile(member, io.BytesIO(data))
    return path


def read_all(path: Path, **limits):
    report = LidcReport()
    found = list(read_lidc(path, report=report, limits=replace(DEFAULT_LIDC_LIMITS, **limits)))
    return found, [str(problem) for problem in report.problems]


@pytest.mark.parametrize("name", ["../a.xml", "/etc/a.xml", "x/../../a.xml", "C:/a.xml", "..\\a.xml"])
@pytest.mark.parametrize("make", [zipped, tarred])
def test_names_that_climb_out_are_refused_and_the_rest_is_read(tmp_path: Path, make, name):
    found, problems = read_all(make(tmp_path / "a.archive", {name: GOOD, "fine.xml": GOOD}))
    assert len(found) == 1
    assert len(problems) == 1
    assert "leads out of the archive" in problems[0]
    with pytest.raises(AnnotationError, match="leads out"):
        list(read_lidc(tmp_path / "a.archive"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind):
    found, problems = read_all(tarred(tmp_path / "a.tar", {"a.xml": b""}, kind))
    assert found == []
    assert "is a link or a device" in problems[0]


@pytest.mark.parametrize(("make", "name"), [(zipped, "a.zip"), (tarred, "a.tar.gz")])
def test_archives_have_budgets(tmp_path: Path, make, name):
    path = make(tmp_path / name, {f"{k}.xml": GOOD + b" " * 10**6 for k in range(9)})
    assert path.stat().st_size < 100_000
    for limits in ({"max_archive_bytes": 10**6}, {"max_members": 3}):
        _, problems = read_all(path, **limits)
        assert any("raise LidcLimits" in problem for problem in problems)
    found, problems = read_all(path, max_file_bytes=10**5)
    assert found == []
    assert len(problems) == 9


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_damaged_archives(tmp_path: Path, name):
    make = zipped if name == "a.zip" else tarred
    whole = make(
        tmp_path / name, {f"{k}.xml": GOOD + os.urandom(3000).hex().encode().join([b"<!--", b"-->"]) for k in range(9)}
    )
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    with pytest.raises(AnnotationError, match=r"damaged|cannot be read"):
        list(read_lidc(whole))
    found, problems = read_all(whole)
    assert "download it again" in problems[-1]
    assert len(found) == (0 if name == "a.zip" else 1)  # the directory of a zip is at its end


def test_tar_that_is_cut_between_members(tmp_path: Path):
    whole = tarred(tmp_path / "a.tar", {"a.xml": GOOD, "b.xml": GOOD})
    whole.write_bytes(whole.read_bytes()[: 512 + -(-len(GOOD) // 512) * 512])
    with pytest.raises(AnnotationError, match="breaks off"):
        list(read_lidc(whole))


def test_tar_header_that_claims_gigabytes(tmp_path: Path):
    member = tarfile.TarInfo("a.xml")
    member.type, member.size = tarfile.XHDTYPE, 8 * 10**9
    (tmp_path / "a.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(AnnotationError, match="claims"):
        list(read_lidc(tmp_path / "a.tar"))


def test_a_pipe_and_a_dead_link_in_a_folder(tmp_path: Path):
    os.mkfifo(tmp_path / "a.xml")
    (tmp_path / "b.xml").symlink_to(tmp_path / "none")
    (tmp_path / "c.xml").write_bytes(GOOD)
    found, problems = read_all(tmp_path)
    assert len(found) == 1
    assert len(problems) == 2


def test_same_file_twice_counts_once(tmp_path: Path):
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_bytes(GOOD)
    (marks,), problems = read_all(tmp_path)
    assert (len(marks.marks), marks.sessions, problems) == (1, 1, [])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_is_in_the_archive_twice_is_read_once(tmp_path: Path, kind):
    other = GOOD.replace(b">10<", b">30<")
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for data in (GOOD, other):
                archive.writestr("a.xml", data)
    else:
        with tarfile.open(path, "w") as archive:
            for data in (GOOD, other):
                member = tarfile.TarInfo("a.xml")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    (marks,), problems = read_all(path)
    assert (marks.sessions, marks.marks[0].contours[0].points.tolist()) == (1, [[10, 20]])
    assert problems == [f"{path}/a.xml: the archive holds this name twice; the first was read, this one is left out"]


def test_links_to_folders_are_followed_once(tmp_path: Path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.xml").write_bytes(GOOD)
    (tmp_path / "here").mkdir()
    for name in ("one", "two"):
        (tmp_path / "here" / name).symlink_to(tmp_path / "far")
    (tmp_path / "far" / "up").symlink_to(tmp_path / "here")
    (marks,), problems = read_all(tmp_path / "here")
    assert (marks.sources, problems) == ((f"{tmp_path}/here/one/a.xml",), [])
