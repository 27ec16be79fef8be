"""Class lists: the shipped ones say what their sources say, and one's own are refused with a line."""

from pathlib import Path

import pytest
from pydicom.sr._concepts_dict import concepts

from lungdet.readers import AnnotationError
from lungdet.routing import class_list_names, load_class_list

NNCPR = (
    "abdomen_ap abdomen_left_lateral_decubitus pelvis_ap thoracic_spine_ap thoracic_spine_lateral "
    "elbow_ap elbow_lateral finger_ap finger_lateral foot_ap "
    "foot_oblique hand_ap wrist_ap wrist_lateral hand_oblique "
    "cervical_spine_ap cervical_spine_lateral knee_ap knee_lateral oblique_view_of_Lauenstein "
    "lumbar_spine_ap lumbar_spine_lateral panoramic_radiograph ankle_ap ankle_lateral "
    "patella_axial shoulder_ap shoulder_outlet chest_lateral chest_pa_ap "
)
WORDS = {"CSPINE": "cervical", "TSPINE": "thoracic", "LSPINE": "lumbar", "FEET": "foot"}
BODY_PARTS, VIEWS = 4031, 4010


def test_the_published_orders_are_kept():
    assert list(load_class_list("nncpr30").names) == NNCPR.split()
    assert load_class_list("vindr5").names == ("abdominal", "adult_chest", "pediatric_chest", "spine", "others")
    names = load_class_list("unifesp22").names
    assert len(names) == 22
    assert list(names) == sorted(names)  # the competition numbers them by the alphabet
    assert load_class_list("mednist6").names == ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT")


def test_only_one_list_has_several_labels():
    assert [name for name in class_list_names() if load_class_list(name).multi_label] == ["unifesp22"]


def test_groups_of_the_competition_are_the_classes_of_the_small_list():
    entries = load_class_list("unifesp22")
    assert entries.groups == load_class_list("unifesp4").names
    by_group = {group: [e.name for e in entries.classes if e.group == group] for group in entries.groups}
    assert (by_group["abdomen"], by_group["chest"]) == (["abdomen"], ["chest"])
    assert by_group["spine"] == ["cervical_spine", "lumbar_spine", "thoracic_spine"]
    assert len(by_group["other"]) == 17


def meanings(code: str, context: int) -> list[str]:
    """What pydicom's copy of the DICOM context group says that a SNOMED CT code means."""
    return [
        meaning
        for by_code in concepts["SCT"].values()
        for value, (meaning, contexts) in by_code.items()
        if value == code and context in contexts
    ]


@pytest.mark.parametrize("name", class_list_names())
def test_pydicom_knows_every_code_and_agrees_with_its_meaning(name: str):
    for entry in load_class_list(name).classes:
        if entry.snomed_code:
            (meaning,) = meanings(entry.snomed_code, BODY_PARTS)
            term = entry.body_part_examined
            assert WORDS.get(term, term).lower() in meaning.lower(), (entry, meaning)
        if entry.view_code:
            (view,) = meanings(entry.view_code, VIEWS)
            assert entry.view.lower() == {"antero-posterior": "ap"}.get(view, view), (entry, view)


def test_codes_are_left_out_where_none_is_at_hand():
    missing = {name: load_class_list(name).missing_codes() for name in class_list_names()}
    assert missing == {
        "mednist6": ("BreastMRI", "HeadCT"),
        "nncpr30": (),
        "unifesp22": ("clavicles", "forearm", "lower_leg", "others", "sinus", "skull", "thigh"),
        "unifesp4": ("other",),
        "vindr5": ("others",),
    }


def test_ones_own_list_as_yaml_and_as_csv(tmp_path: Path):
    (tmp_path / "own.yaml").write_text(
        "name: own\nclasses:\n- knee\n- {name: left hand, laterality: L, snomed_code: 85562004}\n"
    )
    (tmp_path / "own.csv").write_text("\ufeffname,laterality,snomed_code\nknee,,\n\nleft hand, L ,85562004\n")
    from_yaml, from_csv = load_class_list(tmp_path / "own.yaml"), load_class_list(str(tmp_path / "own.csv"))
    assert from_yaml.names == ("knee", "left hand")
    assert from_yaml.classes[1].snomed_code == "85562004"
    assert from_csv.classes == from_yaml.classes
    assert from_csv.name == "own"


YAML = "name: own\nclasses:\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (YAML + "- knee\n- {name: hand, snomed_code: 85562005}\n", 4, "check digit"),
        (YAML + "- knee\n- Knee\n", 4, "line 3"),
        (YAML + "- knee\n- {nmae: hand}\n", 4, "unknown setting 'nmae'"),
        (YAML + "- knee\n- {name: hand, name: foot}\n", 4, "twice"),
        (YAML + "- knee\n- {view: AP}\n", 4, "no name"),
        (YAML + "- knee\n- a/b\n", 4, "class name"),
        (YAML + "- knee\n- [hand]\n", 4, "a list of 1"),
        (YAML + "- knee\n", 1, "two classes"),
        (YAML + "- knee\n- hand\nmulti_label: perhaps\n", 5, "true or false"),
        ("name: own\n", 1, "no classes"),
        ("name: own\nclasses: [a, b\n", 3, "no YAML"),
        (YAML + "- &a knee\n- *a\n", 3, "anchors"),
        (YAML + "- knee\n- <<: {name: hand}\n", 4, "tag"),
        (YAML + "- knee\n- !!python/name:os.system x\n", 4, "tag"),
        ("- a\n- b\n", 1, "wanted name"),
        ("", None, "empty"),
        ("\x00", None, "no YAML"),
        ("name: own\nclasses:\n " + "[" * 100_000, 3, "lists in lists"),
        ("#" + "x" * (1 << 20), None, "bytes"),
    ],
)
def test_a_bad_yaml_is_refused_with_its_line(tmp_path: Path, text: str, line: int | None, what: str):
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(AnnotationError, match=what) as caught:
        load_class_list(tmp_path / "own.yaml")
    assert caught.value.problems[0].line == line
    assert str(tmp_path / "own.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("name,code\nknee,1\n", 1, "wanted a header"),
        ("", 1, "wanted a header"),
        ("name\nknee\nhand,L\n", 3, "2 fields"),
        ("name,snomed_code\nknee,\nhand,85562005\n", 3, "check digit"),
        ("name\nknee\n\nknee\n", 4, "line 2"),
        ("name\nknee\n", None, "two classes"),
        ('name\n"knee\n', 2, "no CSV"),
    ],
)
def test_a_bad_csv_is_refused_with_its_line(tmp_path: Path, text: str, line: int | None, what: str):
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(AnnotationError, match=what) as caught:
        load_class_list(tmp_path / "own.csv")
    assert caught.value.problems[0].line == line


def test_an_unknown_list_names_the_known_ones():
    with pytest.raises(ValueError, match="vindr5"):
        load_class_list("vindr")


@pytest.mark.parametrize("name", ["review", "Review"])
def test_no_class_is_called_like_what_is_no_answer(tmp_path: Path, name: str):
    for ending, text in ((".csv", f"name\nchest\n{name}\n"), (".yaml", f"name: x\nclasses:\n- chest\n- {name}\n")):
        path = tmp_path / f"own{ending}"
        path.write_text(text)
        with pytest.raises(AnnotationError, match=rf"own{ending}, line [34].*{name}"):
            load_class_list(path)
