"""Class lists cannot hold what a file, a folder or a code table would trip over."""

import pytest

from lungdet.records import BodyPartClass, ClassList, is_snomed_code

HAND, WRIST, CHEST = BodyPartClass("hand", group="limb"), BodyPartClass("wrist", group="limb"), BodyPartClass("chest")
BOTH = ClassList("both", (HAND, WRIST, BodyPartClass("chest", group="trunk")), True, "", " ", ("trunk", "limb"))


def test_check_digit_finds_every_wrong_digit_and_swap():
    code = "818981001"
    assert is_snomed_code(code)
    for place in range(len(code)):
        for digit in "0123456789":
            other = code[:place] + digit + code[place + 1 :]
            assert is_snomed_code(other) == (other == code)
    for place in range(len(code) - 1):
        other = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert is_snomed_code(other) == (other == code)


@pytest.mark.parametrize("code", ["", "12345", "x18981001", "8189810010000000000", "٨١٨٩٨١٠٠١"])
def test_what_is_no_code(code: str):
    assert not is_snomed_code(code)


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "a\\b", "..", ".hidden", "a,b", "a;b", "a\tb", "a\nb", "x" * 65, " a", "a.", "-rm", 'a"b', "a:b"],
)
def test_names_that_could_do_harm_are_refused(name: str):
    with pytest.raises(ValueError, match="class name"):
        BodyPartClass(name)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"snomed_code": "818981002"}, "snomed_code"),
        ({"view_code": "1"}, "view_code"),
        ({"laterality": "X"}, "laterality"),
        ({"body_part_examined": "chest"}, "code string"),
        ({"modality": "C" * 17}, "code string"),
    ],
)
def test_bad_fields_are_refused_by_name(fields: dict[str, str], what: str):
    with pytest.raises(ValueError, match=what):
        BodyPartClass("chest", **fields)


def test_several_labels_come_back_sorted_and_go_out_as_they_came():
    assert BOTH.split("wrist hand") == (0, 1)
    assert BOTH.split("  ") == ()
    assert BOTH.join((1, 0)) == "hand wrist"
    assert [BOTH.split(BOTH.join(outputs)) for outputs in [(), (2,), (0, 2)]] == [(), (2,), (0, 2)]


def test_one_label_may_hold_blanks():
    names = ClassList("own", (BodyPartClass("left hand"), CHEST))
    assert names.split(" left hand ") == (0,)


@pytest.mark.parametrize("text", ["", "hand wrist", "hand;wrist", "Hand", "foot"])
def test_one_label_means_exactly_one(text: str):
    with pytest.raises(ValueError, match="own"):
        ClassList("own", (BodyPartClass("hand"), BodyPartClass("wrist"))).split(text)


def test_a_class_twice_in_a_label_is_refused():
    with pytest.raises(ValueError, match="twice"):
        BOTH.split("hand hand")


def test_the_first_group_of_the_list_wins():
    assert BOTH.group_of == (1, 1, 0)
    assert BOTH.group((0, 2)) == 0
    assert BOTH.group((0, 1)) == 1
    for outputs, entries in [((), BOTH), ((0,), ClassList("own", (BodyPartClass("a"), BodyPartClass("b"))))]:
        with pytest.raises(ValueError, match="no group"):
            entries.group(outputs)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("own", (CHEST,)), "two classes"),
        (("own", (CHEST, BodyPartClass("Chest"))), "twice"),
        (("own", (CHEST, BodyPartClass("hand")), False, "", ","), "separator"),
        (("own", (CHEST, BodyPartClass("left hand")), True, "", " "), "separated by ';'"),
        (("own", (CHEST, HAND), False, "", ";", ("limb",)), "chest has group ''"),
        (("own", (CHEST, HAND)), "hand has group 'limb'"),
        (("own", (HAND, WRIST), False, "", ";", ("limb", "limb")), "twice"),
        (("a/b", (CHEST, BodyPartClass("hand"))), "class name"),
    ],
)
def test_bad_lists_are_refused(arguments: tuple, what: str):
    with pytest.raises(ValueError, match=what):
        ClassList(*arguments)


@pytest.mark.parametrize(
    "name",
    ["left_knee", "knee right", "knee-l", "R_hand", "kneeLeft", "LKnee", "Knie rechts", "knee1L", "leftknee"],
)
def test_a_name_can_tell_left_from_right(name: str) -> None:
    classes = (BodyPartClass(name), BodyPartClass("chest"))
    assert ClassList("own", classes).laterality_is_label


@pytest.mark.parametrize("name", ["knee", "chest", "shoulder", "cranial", "forearm", "AbdomenCT", "sinus"])
def test_other_names_do_not(name: str) -> None:
    classes = (BodyPartClass(name), BodyPartClass("foot", laterality="B"))
    assert not ClassList("own", classes).laterality_is_label


def test_a_laterality_tells_it_whatever_the_name() -> None:
    classes = (BodyPartClass("knee_1", laterality="L"), BodyPartClass("knee_2", laterality="R"))
    assert ClassList("own", classes).laterality_is_label
