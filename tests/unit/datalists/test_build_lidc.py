import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists import LidcChoice, build_lidc
from lungdet.datalists.lidc_images import find_series
from lungdet.phantoms import DAMAGES, write_dicom_series, write_lidc_xml, write_nifti
from lungdet.records import Contour, CTVolume, Mark, Rating, SeriesInfo, SeriesMarks

UID = "1.2.826.0.1.7"
AFFINE = np.array([[0.5, 0, 0, -100], [0, 0.5, 0, -80], [0, 0, 2.0, -300], [0, 0, 0, 1.0]])


def square(session: int, first: int, z_mm: float = -290.0, size: int = 6) -> Mark:
    """An outline around ``size - 2`` pixels a side; the outline itself does not belong to the nodule."""
    last = first + size - 1
    points = np.array([[first, first], [last, first], [last, last], [first, last], [first, first]])
    contours = tuple(Contour("", z, points) for z in (z_mm, z_mm + 2))
    return Mark(UID, "1.2.3", session, "r", f"n{session}", "nodule", contours, (Rating("malignancy", 1 + session),))


def point(kind: str, column: int) -> Mark:
    return Mark(UID, "1.2.3", 0, "r", "p", kind, (Contour("", -292.0, np.array([[column, 40]])),))


MARKS = SeriesMarks(
    UID, "1.2.3", 4,
    (*(square(session, 50) for session in range(3)), square(0, 10), point("small_nodule", 80),
     point("non_nodule", 100)),
)  # fmt: skip


@pytest.fixture
def xml(tmp_path: Path) -> Path:
    folder = tmp_path / "LIDC-IDRI-0007"
    folder.mkdir()
    return write_lidc_xml(MARKS, folder / "069.xml")


@pytest.fixture
def volume() -> CTVolume:
    return CTVolume(np.full((120, 120, 12), -800, np.int16), AFFINE, SeriesInfo("made", series_uid=UID))


def test_without_images_boxes_are_in_pixels_and_mm(xml: Path):
    built = build_lidc([xml])
    (entry,) = built.entries
    assert (entry.image, entry.patient_id, entry.box_frame) == (UID, "LIDC-IDRI-0007", "pixel_z_mm")
    assert entry.boxes[0].box == (51, 51, -291, 55, 55, -287)
    assert entry.boxes[0].weight == 0.75
    facts = entry.boxes[0].facts
    assert (facts["readers"], facts["votes"], facts["nodule_ids"]) == (3, 2, ["n0", "n1", "n2"])
    assert facts["ratings"] == {"malignancy": {"median": 2.0, "spread": 2, "values": [1, 2, 3]}}
    assert "diameter_mm" not in facts
    assert [item.reason for item in entry.ignored] == [
        "outlined by 1, fewer than 3 readers", "nodule < 3 mm", "non-nodule",
    ]  # fmt: skip
    assert [item.facts["kind"] for item in entry.ignored] == ["nodule", "small_nodule", "non_nodule"]
    assert entry.ignored[0].facts["ratings"]["malignancy"]["values"] == [1]
    assert entry.sources == ("069.xml",)
    assert "pixels and z mm" in built.notes[0]


def test_the_type_of_a_nodule_comes_from_its_readers(tmp_path: Path):
    """Three readers' textures and calcifications, by the numbers of the scales."""
    rated = [
        replace(square(n, 50), ratings=(Rating("calcification", c), Rating("texture", t)))
        for n, (c, t) in enumerate([(6, 3), (6, 3), (2, 5)])
    ]
    path = write_lidc_xml(SeriesMarks(UID, "1.2.3", 4, tuple(rated)), tmp_path / "a.xml")
    (entry,) = build_lidc([path]).entries
    assert entry.boxes[0].facts["type"] == "part_solid"
    assert entry.boxes[0].facts["ratings"]["calcification"]["values"] == [2, 6, 6]


def test_a_reader_who_drew_two_pieces_rates_once_by_the_larger(tmp_path: Path):
    large, piece = square(0, 50, size=8), replace(square(0, 50), nodule_id="piece", ratings=(Rating("malignancy", 5),))
    other = replace(square(1, 50, size=8), ratings=(Rating("malignancy", 3),))
    corners = tuple(replace(contour, points=contour.points[:4]) for contour in piece.contours)
    path = write_lidc_xml(
        SeriesMarks(UID, "1.2.3", 4, (large, replace(piece, contours=corners), other)), tmp_path / "a.xml"
    )
    (entry,) = build_lidc([path], choice=LidcChoice(min_readers=2)).entries
    assert entry.boxes[0].facts["ratings"] == {"malignancy": {"median": 2.0, "spread": 2, "values": [1, 3]}}


def test_with_a_ct_boxes_are_in_the_patient(xml: Path, tmp_path: Path, volume: CTVolume):
    write_nifti(volume, tmp_path / "ct" / f"{UID}.nii.gz")
    built = build_lidc([xml], tmp_path / "ct")
    (entry,) = built.entries
    assert (entry.image, entry.box_frame) == (f"{UID}.nii.gz", "lps_mm")
    # columns 51 to 54 reach from 50.5 to 54.5 in voxels of 0.5 mm; slices at -290 and -288 are 2 mm thick
    assert entry.boxes[0].box == pytest.approx((-74.75, -54.75, -291, -72.75, -52.75, -287), abs=1e-4)
    assert entry.boxes[0].facts["diameter_mm"] == pytest.approx((6 * 16 / np.pi) ** (1 / 3), abs=1e-3)
    small = entry.ignored[1].box
    assert small == pytest.approx((-65, -65, -297, -55, -55, -287), abs=1e-4)  # 10 mm around the point
    assert built.notes == ()


@pytest.mark.parametrize(
    ("damage", "reading", "wanted"),
    [
        ("gap", {"on_gap": "interpolate"}, (-291, -287)),  # as without a gap
        ("gap", {}, "on_gap='interpolate' (--on-gap interpolate)"),
        ("shear", {"on_tilt": "resample"}, "every slice of the image was resampled"),
    ],
)
def test_what_a_ct_is_not_is_allowed_or_told(tmp_path: Path, volume: CTVolume, damage: str, reading: dict, wanted):
    """Outlines at -290 and -288 mm; the gap takes the slices at -288 and -286."""
    write_dicom_series(volume, tmp_path / "ct", series_uid=UID)
    DAMAGES[damage](tmp_path / "ct")
    xml = write_lidc_xml(MARKS, tmp_path / "069.xml")
    built = build_lidc([xml], tmp_path / "ct", reading=reading)
    if isinstance(wanted, str):
        assert (built.entries, len(built.problems)) == ((), 1)
        assert wanted in built.problems[0]
    else:
        (entry,) = built.entries
        assert entry.boxes[0].box[2::3] == pytest.approx(wanted)
        assert any("interpolated" in step for step in entry.facts["ct_steps"])


def test_a_single_slice_is_taken_as_thick_as_it_says(tmp_path: Path, volume: CTVolume):
    one = CTVolume(volume.array[:, :, :1], AFFINE + [[0] * 4, [0] * 4, [0, 0, 0, 10], [0] * 4], volume.info)
    write_dicom_series(one, tmp_path / "ct", series_uid=UID, thickness_mm=2.5)
    mark = replace(square(0, 50), contours=square(0, 50).contours[:1])  # at -290, where the slice is
    xml = write_lidc_xml(SeriesMarks(UID, "1.2.3", 1, (mark,)), tmp_path / "069.xml")
    choice = LidcChoice(min_readers=1)
    assert "its only slice" in build_lidc([xml], tmp_path / "ct", choice=choice).problems[0]
    (entry,) = build_lidc([xml], tmp_path / "ct", choice=choice, reading={"on_single": "thickness"}).entries
    assert entry.boxes[0].box[2::3] == pytest.approx((-291.25, -288.75))


def test_a_way_of_reading_that_is_none_is_refused_at_once(xml: Path):
    with pytest.raises(ValueError, match="on_gap must be one of"):
        build_lidc([xml], reading={"on_gap": "guess"})
    with pytest.raises(TypeError, match="on_hole"):
        build_lidc([xml], reading={"on_hole": "error"})


@pytest.mark.parametrize("folder_name", [UID, "3000566-NA"])
def test_dicom_folders_by_name_or_by_header(xml: Path, tmp_path: Path, volume: CTVolume, folder_name: str):
    info = write_dicom_series(volume, tmp_path / "ct" / "x" / folder_name)
    (tmp_path / "ct" / "x" / folder_name / "069.xml").write_text("<a/>")
    (tmp_path / "ct" / "x" / "notes").write_text("no DICOM")
    found = find_series(tmp_path / "ct")
    key = UID if folder_name == UID else info.series_uid
    assert found == {key: tmp_path / "ct" / "x" / folder_name}


def test_a_missing_ct_is_named(xml: Path, tmp_path: Path, volume: CTVolume):
    (tmp_path / "ct").mkdir()
    built = build_lidc([xml], tmp_path / "ct")
    assert built.entries == ()
    assert built.problems == (f"{tmp_path / 'ct'}: no CT of series {UID}; fetch it, or give another folder",)
    with pytest.raises(ValueError, match="no such folder of images"):
        build_lidc([xml], tmp_path / "nothing")


def test_a_ct_that_does_not_fit_is_named(xml: Path, tmp_path: Path, volume: CTVolume):
    affine = AFFINE.copy()
    affine[2, 3] = 500
    write_nifti(CTVolume(volume.array, affine, volume.info), tmp_path / "ct" / f"{UID}.nii.gz")
    built = build_lidc([xml], tmp_path / "ct")
    assert built.entries == ()
    assert "lie on no slice of the image" in built.problems[0]


def test_bad_files_are_listed_and_the_run_goes_on(xml: Path, tmp_path: Path):
    bad = tmp_path / "bad.xml"
    bad.write_text("<LidcReadMessage")
    built = build_lidc([tmp_path / "nothing.xml", bad, xml])
    assert len(built.entries) == 1
    assert len(built.problems) == 2
    assert any("bad.xml" in problem for problem in built.problems)


def test_readers_wanted_and_patients(xml: Path):
    built = build_lidc([xml], patients={UID: "A"}, choice=LidcChoice(min_readers=1))
    (entry,) = built.entries
    assert (entry.patient_id, len(entry.boxes), len(entry.ignored)) == ("A", 2, 2)
    assert "names no patients" in built.notes[-1]
    with pytest.raises(ValueError, match="min_readers"):
        LidcChoice(min_readers=0)
    with pytest.raises(ValueError, match="level"):
        LidcChoice(level=0)


def test_a_nodule_on_one_slice_has_a_depth(tmp_path: Path):
    mark = Mark(UID, "", 0, "r", "n", "nodule", square(0, 50).contours[:1])
    path = write_lidc_xml(SeriesMarks(UID, "", 1, (mark,)), tmp_path / "a.xml")
    (entry,) = build_lidc([path], choice=LidcChoice(min_readers=1)).entries
    assert entry.boxes[0].box == (51, 51, -290.5, 55, 55, -289.5)
    assert entry.patient_id == UID


@pytest.mark.parametrize(
    ("folders", "patient"),
    [
        ("LIDC-IDRI-0001-0150/LIDC-IDRI-0042", "LIDC-IDRI-0042"),
        ("LIDC-IDRI-0001-0150/xml/5", "1.2.3"),
        ("LIDC-IDRI-0001/LIDC-IDRI-0042", "LIDC-IDRI-0042"),
        ("my-LIDC-IDRI-0001", "1.2.3"),
    ],
)
def test_only_a_whole_part_of_the_path_is_a_patient(tmp_path: Path, folders: str, patient: str):
    (tmp_path / folders).mkdir(parents=True)
    write_lidc_xml(MARKS, tmp_path / folders / "069.xml")
    (entry,) = build_lidc([tmp_path]).entries
    assert entry.patient_id == patient
    assert entry.sources == (f"{folders}/069.xml",)


def test_a_series_with_two_patients_is_a_problem(tmp_path: Path):
    for name in ("LIDC-IDRI-0001", "LIDC-IDRI-0002"):
        (tmp_path / name).mkdir()
        write_lidc_xml(MARKS, tmp_path / name / "069.xml")
    built = build_lidc([tmp_path])
    assert built.entries == ()
    assert "several patients: LIDC-IDRI-0001, LIDC-IDRI-0002" in built.problems[0]
    assert build_lidc([tmp_path], patients={UID: "A"}).entries[0].patient_id == "A"


def test_a_series_from_two_sources_is_one_entry(tmp_path: Path):
    other = SeriesMarks(UID, "1.2.3", 1, (square(0, 90),))
    for name, marks in (("a", MARKS), ("b", MARKS), ("c", other)):
        (tmp_path / name).mkdir()
        write_lidc_xml(marks, tmp_path / name / "069.xml")
    built = build_lidc([tmp_path / name for name in "abc"])
    (entry,) = built.entries
    assert (entry.facts["sessions"], len(entry.ignored)) == (5, 4)
    assert built.problems == ()
    assert any("4 of 4 sessions repeat" in note for note in built.notes)
    assert built.notes[-2] == f"not 4 reading sessions, as LIDC-IDRI has, in: {UID} has 5"
    (tmp_path / "empty").mkdir()
    assert "holds no XML" in build_lidc([tmp_path / "a", tmp_path / "empty"]).problems[0]


def test_a_zip_gives_what_its_folder_gives(tmp_path: Path):
    base = tmp_path / "xml"
    for number, name in enumerate(("z.xml", "b/1.xml", "a/2.xml", "a/c/3.xml")):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        write_lidc_xml(SeriesMarks(UID, "1.2.3", 1, (square(0, 20 * number + 10),)), base / name)
    with zipfile.ZipFile(tmp_path / "xml.zip", "w") as archive:
        for name in ("a/c/3.xml", "b/1.xml", "z.xml", "a/2.xml"):
            archive.write(base / name, name)
    folder, packed = build_lidc([base]).entries[0], build_lidc([tmp_path / "xml.zip"]).entries[0]
    assert folder.sources == ("z.xml", "a/2.xml", "a/c/3.xml", "b/1.xml")
    assert folder == packed


def test_folders_behind_links_are_found_once(xml: Path, tmp_path: Path, volume: CTVolume):
    write_nifti(volume, tmp_path / "far" / "ct" / f"{UID}.nii.gz")
    base = tmp_path / "here"
    base.mkdir()
    (base / "ct").symlink_to(tmp_path / "far" / "ct")
    (base / "xml").symlink_to(xml.parent)
    (base / "again").symlink_to(base)
    built = build_lidc([base], base)
    (entry,) = built.entries
    assert (entry.image, entry.sources) == (f"ct/{UID}.nii.gz", ("xml/069.xml",))
    assert (built.problems, built.notes[1:]) == ((), ())


def test_whatever_fails_in_one_series_is_listed(xml: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*args, **kwargs):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(sys.modules[build_lidc.__module__], "find_nodules", fail)
    assert build_lidc([xml]).problems == (f"{UID}: ZeroDivisionError: of all things",)


def test_a_flipped_file_gives_no_mirrored_boxes(xml: Path, tmp_path: Path, volume: CTVolume):
    turn = np.array([[1, 0, 0, 0], [0, -1, 0, 119], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    write_nifti(CTVolume(volume.array, AFFINE @ turn, volume.info), tmp_path / "ct" / f"{UID}.nii.gz")
    built = build_lidc([xml], tmp_path / "ct")
    assert built.entries == ()
    assert built.problems[0].startswith(f"{UID}: the image is mirrored")


def test_radiographs_and_oddities_are_counted(xml: Path, tmp_path: Path):
    (xml.parent / "chest.xml").write_text('<IdriReadMessage xmlns="http://www.nih.gov/idri"/>')
    text = xml.read_text()
    (xml.parent / "069.xml").write_text(text.replace("<malignancy>2</malignancy>", "<malignancy>0</malignancy>"))
    built = build_lidc([xml.parent])
    assert len(built.entries) == 1
    assert "1 XML files about chest radiographs skipped" in built.notes
    at = next(place for place, note in enumerate(built.notes) if "oddities" in note)
    assert "069.xml, line " in built.notes[at + 1]
