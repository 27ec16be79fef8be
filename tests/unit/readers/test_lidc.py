"""LIDC XML: what is written is read back, from files, folders and archives, joined by series, odd things noted."""

import io
import logging
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.phantoms import write_lidc_xml
from lungdet.readers import AnnotationError, LidcReport, read_lidc
from lungdet.readers.lidc_join import join_files
from lungdet.readers.lidc_parse import parse_lidc
from lungdet.records import Contour, Mark, Rating, SeriesMarks
from lungdet.records.mark import RATING_RANGES

HEAD = "<ResponseHeader><SeriesInstanceUid>1.2.3</SeriesInstanceUid></ResponseHeader>"
RADIOGRAPH = b"<IdriReadMessage xmlns='http://www.nih.gov/idri'><a/></IdriReadMessage>"
REGION = "<roi><imageZposition>-5.5</imageZposition><imageSOP_UID>1.9</imageSOP_UID>{}{}</roi>"
POINTS = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in ((1, 2), (5, 2), (3, 7)))
ONE_POINT = "<edgeMap><xCoord>1</xCoord><yCoord>2</yCoord></edgeMap>"


def message(sessions: str, head: str = HEAD) -> bytes:
    return (
        f"<?xml version='1.0'?><LidcReadMessage xmlns='http://www.nih.gov'>{head}{sessions}</LidcReadMessage>".encode()
    )


def session(*marks: str) -> str:
    return f"<readingSession><servicingRadiologistID>r</servicingRadiologistID>{''.join(marks)}</readingSession>"


def nodule(*inside: str) -> str:
    return f"<unblindedReadNodule><noduleID>n 1</noduleID>{''.join(inside)}</unblindedReadNodule>"


def parse(document: bytes) -> SeriesMarks:
    return parse_lidc(io.BytesIO(document), "a.xml")


def outline(rng: np.random.Generator, **kwargs) -> Contour:
    return Contour("1.2." + str(rng.integers(99)), float(rng.normal(0, 100)), rng.integers(0, 128, (12, 2)), **kwargs)


def random_series(seed: int, uid: str = "1.2.3", sessions: int = 4) -> SeriesMarks:
    rng = np.random.default_rng(seed)
    marks = []
    for index in range(sessions):
        who = (uid, "1.2", index, f"reader {index}")
        for number in range(rng.integers(0, 4)):
            kind = ("nodule", "small_nodule", "non_nodule")[rng.integers(3)]
            contours = [Contour("1.2", float(rng.normal()), rng.integers(0, 512, (1, 2)))]
            ratings = None
            if kind == "nodule":
                contours = [outline(rng), outline(rng, inclusion=False), *contours, outline(rng)]
                ratings = tuple(
                    Rating(name, int(rng.integers(low, high + 1))) for name, (low, high) in RATING_RANGES.items()
                )
            marks.append(Mark(*who, f"Nodule {number}", kind, tuple(contours), ratings))
    return SeriesMarks(uid, "1.2", sessions, tuple(marks))


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_round_trip(tmp_path_factory, seed):
    path = write_lidc_xml(random_series(seed), tmp_path_factory.mktemp("lidc") / "a.xml")
    (back,) = read_lidc(path)
    written = random_series(seed)
    assert [(m.session, m.nodule_id, m.kind, m.contours, m.ratings) for m in back.marks] == [
        (m.session, m.nodule_id, m.kind, m.contours, m.ratings) for m in written.marks
    ]
    assert (back.series_uid, back.study_uid, back.sessions, back.sources) == ("1.2.3", "1.2", 4, (str(path),))


def test_by_hand():
    hole = REGION.format("<inclusion>FALSE</inclusion>", POINTS)
    rating = "<characteristics><malignancy>4</malignancy></characteristics>"
    marks = parse(
        message(session(nodule(rating, REGION.format("<inclusion>TRUE</inclusion>", POINTS), hole)) + session())
    )
    (mark,) = marks.marks
    assert (mark.kind, mark.nodule_id, mark.reader, mark.rating("malignancy")) == ("nodule", "n 1", "r", 4)
    assert [contour.inclusion for contour in mark.contours] == [True, False]
    assert mark.contours[0].z_mm == -5.5
    assert mark.contours[0].points.tolist() == [[1, 2], [5, 2], [3, 7]]
    assert marks.sessions == 2
    assert marks.notes == ()


def test_non_nodule_by_hand():
    text = (
        "<nonNodule><nonNoduleID>9</nonNoduleID><imageZposition>3</imageZposition><imageSOP_UID/>"
        "<locus><xCoord>10</xCoord><yCoord>20</yCoord></locus></nonNodule>"
    )
    (mark,) = parse(message(session(text))).marks
    assert (mark.kind, mark.nodule_id, mark.ratings) == ("non_nodule", "9", None)
    assert mark.contours == (Contour("", 3.0, np.array([[10, 20]])),)


@pytest.mark.parametrize(
    ("inside", "kind", "note"),
    [
        ([REGION.format("", POINTS)], "nodule", "no ratings"),
        ([REGION.format("", ONE_POINT)], "small_nodule", None),
        (
            ["<characteristics><texture>5</texture></characteristics>", REGION.format("", ONE_POINT)],
            "small_nodule",
            "ratings but no outline",
        ),
        (
            [
                "<characteristics><texture>0</texture><margin>2</margin></characteristics>",
                REGION.format("", POINTS),
                REGION.format("", ONE_POINT),
            ],
            "nodule",
            "texture '0'",
        ),
        (
            ["<characteristics><texture>5</texture></characteristics>"]
            + 2 * [REGION.format("", POINTS), REGION.format("", "")],
            "nodule",
            "without points",
        ),
    ],
)
def test_odd_nodules_are_taken_and_noted(inside, kind, note):
    marks = parse(message(session(nodule(*inside))))
    assert [mark.kind for mark in marks.marks] == [kind]
    assert (note is None and not marks.notes) or any(note in text and "a.xml, line" in text for text in marks.notes)


def test_nodule_without_regions_is_left_out_and_noted():
    marks = parse(message(session(nodule(), nodule(REGION.format("<inclusion>FALSE</inclusion>", POINTS)))))
    assert marks.marks == ()
    assert len([note for note in marks.notes if "left out" in note]) == 2


def test_files_of_one_series_are_joined_and_copies_dropped(tmp_path: Path):
    first, second = random_series(1), random_series(2)
    other = random_series(3, uid="1.2.4")
    for name, series in (("a/1", first), ("a/2", first), ("b/3", other), ("c/4", second)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_lidc_xml(series, tmp_path / f"{name}.xml")
    report = LidcReport()
    found = list(read_lidc(tmp_path, report=report))
    assert [marks.series_uid for marks in found] == ["1.2.4", "1.2.3"]  # as soon as each is complete
    assert found[1].sessions == 8
    assert len(found[1].marks) == len(first.marks) + len(second.marks)
    assert [mark.session for mark in found[1].marks] == sorted(mark.session for mark in found[1].marks)
    assert len(found[1].sources) == 3
    assert any("2.xml: 4 of 4 sessions repeat" in note for note in found[1].notes)
    assert (report.files, report.read, report.series, report.problems) == (4, 4, 2, [])


def test_joining_keeps_readers_who_saw_nothing():
    empty = SeriesMarks("1.2", "", 4, (), ("a",))
    assert join_files([empty]) is empty
    assert join_files([empty, empty]).sessions == 4  # a copy
    with pytest.raises(ValueError, match="different series"):
        join_files([empty, SeriesMarks("1.3", "", 4, (), ("b",))])


def archives(folder: Path) -> list[Path]:
    base = folder.parent
    return [folder, *(Path(shutil.make_archive(str(base / kind), kind, folder)) for kind in ("zip", "tar", "gztar"))]


def test_folder_and_archives_say_the_same(tmp_path: Path):
    folder = tmp_path / "xml"
    for number in range(4):
        (folder / f"{number % 2}").mkdir(parents=True, exist_ok=True)
        write_lidc_xml(random_series(number, uid=f"1.2.{number % 3}"), folder / f"{number % 2}" / f"{number}.XML")
    (folder / "cxr.xml").write_bytes(RADIOGRAPH)
    (folder / "readme.txt").write_text("not this")
    (folder / "._0.xml").write_bytes(b"\0\5\26\7")
    results = []
    for source in archives(folder):
        report = LidcReport()
        found = {
            marks.series_uid: sorted(len(mark.contours) for mark in marks.marks)
            for marks in read_lidc(source, report=report)
        }
        results.append(found)
        assert (report.files, report.read, len(report.radiographs), report.problems) == (5, 4, 1, []), source
    assert all(result == results[0] for result in results)
    assert len(results[0]) == 3


def test_without_a_report_the_first_bad_file_raises_and_with_one_the_run_goes_on(tmp_path: Path, caplog):
    write_lidc_xml(random_series(1), tmp_path / "a.xml")
    (tmp_path / "b.xml").write_bytes((tmp_path / "a.xml").read_bytes()[:-40])
    write_lidc_xml(random_series(2, uid="1.2.5"), tmp_path / "c.xml")
    with pytest.raises(AnnotationError, match=r"b\.xml, line \d+: no well-formed XML"):
        list(read_lidc(tmp_path))
    report = LidcReport()
    with caplog.at_level(logging.WARNING, "lungdet"):
        assert [marks.series_uid for marks in read_lidc(tmp_path, report=report)] == ["1.2.3", "1.2.5"]
    assert [Path(problem.path).name for problem in report.problems] == ["b.xml"]
    assert "b.xml" in caplog.text


def test_nothing_there(tmp_path: Path):
    with pytest.raises(AnnotationError, match="holds no XML file"):
        list(read_lidc(tmp_path))
    with pytest.raises(FileNotFoundError):
        list(read_lidc(tmp_path / "none"))


def test_streams_from_large_archives_keep_nothing(tmp_path: Path):
    """Series come out before the archive has been read to its end."""
    path = tmp_path / "many.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for number in range(30):
            data = message(session(nodule(REGION.format("", POINTS))), HEAD.replace("1.2.3", f"1.2.{number}"))
            member = tarfile.TarInfo(f"xml/{number}.xml")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    report = LidcReport()
    walk = read_lidc(path, report=report)
    next(walk)
    assert (report.files, report.read) == (30, 1)
    assert len(list(walk)) == 29


def test_an_empty_zip_holds_nothing(tmp_path: Path):
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    with pytest.raises(AnnotationError, match="holds no XML file"):
        list(read_lidc(tmp_path / "a.zip"))
