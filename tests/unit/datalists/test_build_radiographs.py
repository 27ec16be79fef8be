from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from lungdet.datalists import RadiographChoice, build_radiographs
from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.readers import AnnotationError
from lungdet.records import BodyPartClass, ClassList

TWO = ClassList("two", (BodyPartClass("hand"), BodyPartClass("knee")))
SEVERAL = ClassList(
    "several",
    (BodyPartClass("hand", group="limb"), BodyPartClass("chest", group="trunk"), BodyPartClass("wrist", group="limb")),
    multi_label=True,
    separator=" ",
    groups=("trunk", "limb"),
)


def save(path: Path, seed: int, kind: str = "hand") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((make_radiograph(seed, kind, rows=24, columns=20) * 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four hands and three knees, a hidden file, and one hand that is there twice."""
    root = tmp_path / "tree"
    for seed in range(4):
        save(root / "hand" / f"{seed}.png", seed)
    for seed in range(3):
        save(root / "knee" / "sub" / f"p{seed}_1.png", seed, "knee")
    save(root / "hand" / "again.png", 0)
    (root / "hand" / ".hidden.png").write_text("")
    return root


def test_a_tree(tree: Path):
    built = build_radiographs(tree)
    assert built.classes.names == ("hand", "knee")
    assert not built.classes.multi_label
    assert [entry.image for entry in built.entries][:2] == ["hand/0.png", "hand/1.png"]
    assert [entry.image for entry in built.entries][-1] == "knee/sub/p2_1.png"
    assert [entry.labels for entry in built.entries] == [(0,)] * 5 + [(1,)] * 3
    assert built.entries[0].patient == "hand/0.png"
    assert built.entries[0].content == built.entries[4].content
    assert built.unknown_patients == 8
    assert built.problems == ()
    no_patients, twice, apart = built.notes
    assert no_patients.startswith("no patients are known: each picture is taken for one")
    assert "hand/0.png = hand/again.png" in twice
    assert "several patients" in apart


def test_patients_of_a_pattern_or_a_table(tree: Path):
    built = build_radiographs(tree, choice=RadiographChoice(patient_pattern=r"(p\d)_", with_content=False))
    assert [entry.patient for entry in built.entries][-3:] == ["p0", "p1", "p2"]
    assert built.unknown_patients == 5
    assert built.notes[0].startswith("5 of 8 pictures tell no patient, such as hand/0.png")
    assert all(entry.content == "" for entry in built.entries)
    built = build_radiographs(tree, choice=RadiographChoice(patients={"hand/0.png": "7", "hand/again.png": "7"}))
    assert [entry.patient for entry in built.entries if entry.labels == (0,)][::4] == ["7", "7"]
    assert not any("several patients" in note for note in built.notes)
    with pytest.raises(ValueError, match="regular expression"):
        build_radiographs(tree, choice=RadiographChoice(patient_pattern="("))


def test_a_class_list_decides(tree: Path):
    (tree / "foot").mkdir()
    save(tree / "foot" / "1.png", 9)
    built = build_radiographs(tree, choice=RadiographChoice(TWO))
    assert len(built.entries) == 8
    assert len(built.problems) == 1
    assert "no class 'foot'" in built.problems[0]
    only = ClassList("three", (*TWO.classes, BodyPartClass("skull"), BodyPartClass("foot")))
    assert "no picture of skull" in build_radiographs(tree, choice=RadiographChoice(only)).notes


def test_what_is_no_picture_is_a_problem(tree: Path):
    (tree / "hand" / "broken.png").write_text("nothing")
    built = build_radiographs(tree)
    assert len(built.entries) == 8
    assert "broken.png: it is neither DICOM nor a picture" in built.problems[0]


def test_a_table_with_several_labels(tmp_path: Path):
    for seed in range(4):
        save(tmp_path / "images" / f"{seed}.png", seed)
    table = tmp_path / "labels.csv"
    table.write_text(
        "image,label,patient\nimages/0.png,wrist hand,7\nimages/1.png,,7\n"
        "images/2.png,chest wrist,8\nimages/3.png,toe,8\n"
    )
    built = build_radiographs(table, choice=RadiographChoice(SEVERAL))
    assert [(entry.labels, entry.patient) for entry in built.entries] == [((0, 2), "7"), ((), "7"), ((1, 2), "8")]
    assert built.problems[0].startswith(f"{table}, line 5: ")
    assert built.name == "labels"
    grouped = build_radiographs(table, choice=RadiographChoice(SEVERAL, by_group=True))
    assert grouped.classes.names == ("trunk", "limb")
    assert not grouped.classes.multi_label
    assert [entry.labels for entry in grouped.entries] == [(1,), (0,)]
    assert len(grouped.problems) == 2  # a picture without labels is of no group


def test_labels_that_come(tmp_path: Path):
    save(tmp_path / "a.png", 0)
    save(tmp_path / "b.png", 1)
    table = tmp_path / "labels.csv"
    table.write_text("image,label\na.png,wrist; hand\nb.png,hand\n")
    built = build_radiographs(table)
    assert (built.classes.names, built.classes.multi_label) == (("hand", "wrist"), True)
    assert [entry.labels for entry in built.entries] == [(0, 1), (0,)]
    table.write_text("image,label\na.png,hand\nb.png,hand\n")
    with pytest.raises(ValueError, match="at least two classes"):
        build_radiographs(table)


def test_the_split_of_the_data_set(tmp_path: Path):
    for seed in range(3):
        save(tmp_path / f"{seed}.png", seed)
    table = tmp_path / "labels.csv"
    table.write_text("image,label,split\n0.png,hand,train\n1.png,knee,valid\n2.png,knee,test\n")
    built = build_radiographs(table)
    assert built.official
    assert [entry.part for entry in built.entries] == ["training", "validation", "test"]
    table.write_text("image,label,split\n0.png,hand,train\n1.png,knee,\n2.png,knee,test\n")
    built = build_radiographs(table)
    assert not built.official
    assert built.notes[-1] == "the column split is empty for 1 of 3 pictures: it is not used"


def test_different_labels_on_one_picture_are_told(tmp_path: Path):
    save(tmp_path / "a.png", 0)
    save(tmp_path / "b.png", 0)
    table = tmp_path / "labels.csv"
    table.write_text("image,label,patient\na.png,hand,1\nb.png,knee,1\n")
    assert "with different labels: 1, such as a.png = b.png" in build_radiographs(table).notes[-1]


def test_a_folder_of_dicom_and_a_table(tmp_path: Path):
    folder = tmp_path / "dicom"
    uids = []
    for number in range(4):
        pixels = make_radiograph(number, "hand", rows=32, columns=24)
        path = write_radiograph_dicom(
            pixels, folder / "deep" / f"IM{number}.dcm", patient=f"P{number // 2}", seed=number
        )
        uids.append(pydicom.dcmread(path).SOPInstanceUID)
    table = tmp_path / "labels.csv"
    table.write_text(f"image,label\n{uids[0]},hand\nIM1,hand\ndeep/IM2.dcm,knee\n{folder / 'deep' / 'IM3.dcm'},knee\n")
    built = build_radiographs(table, folder)
    assert built.problems == ()
    assert [entry.image for entry in built.entries] == [f"deep/IM{number}.dcm" for number in range(4)]
    patients = [entry.patient for entry in built.entries]
    assert patients[0] == patients[1] != patients[2] == patients[3]
    assert all(patient.startswith("id-") for patient in patients)
    assert built.unknown_patients == 0


@pytest.mark.parametrize("image", ["../secret.png", "/etc/passwd", "absent", "1.2.3"])
def test_names_that_lead_nowhere(tmp_path: Path, image: str):
    save(tmp_path / "data" / "a.png", 0)
    save(tmp_path / "data" / "b.png", 1)
    save(tmp_path / "secret.png", 1)
    table = tmp_path / "data" / "labels.csv"
    table.write_text(f"image,label\na.png,hand\nb.png,knee\n{image},hand\n")
    built = build_radiographs(table)
    assert len(built.entries) == 2
    assert len(built.problems) == 1
    assert "line 4" in built.problems[0]


def test_ambiguous_names(tmp_path: Path):
    save(tmp_path / "1" / "a.png", 0)
    save(tmp_path / "2" / "a.png", 1)
    table = tmp_path / "labels.csv"
    table.write_text("image,label\na,hand\n1/a.png,knee\n")
    built = build_radiographs(table)
    assert "2 files of that name" in built.problems[0]


def test_nothing_to_read(tmp_path: Path):
    with pytest.raises(ValueError, match="no folders in it"):
        build_radiographs(tmp_path)
    (tmp_path / "labels.csv").write_text("nothing")
    with pytest.raises(AnnotationError):
        build_radiographs(tmp_path / "labels.csv")
    with pytest.raises(OSError, match="absent"):
        build_radiographs(tmp_path / "absent.csv")
    (tmp_path / "hand").mkdir()
    with pytest.raises(ValueError, match="no other folder"):
        build_radiographs(tmp_path, tmp_path / "hand")
