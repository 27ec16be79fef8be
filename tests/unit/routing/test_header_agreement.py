"""A header agrees with a picture if it names the part, a part of it, or the whole."""

import itertools

import pytest

from lungdet.routing.header_agreement import _INSIDE, body_part, header_agreement


@pytest.mark.parametrize(
    ("header", "answers", "expected"),
    [
        ("CHEST", ["CHEST"], "agree"),
        ("thorax", ["CHEST"], "agree"),
        ("LSPINE", ["SPINE"], "agree"),
        ("SPINE", ["LSPINE"], "agree"),
        ("L-SPINE", ["TSPINE"], "disagree"),
        ("LEFT HAND", ["HAND"], "agree"),
        ("FINGER", ["HAND"], "agree"),
        ("EXTREMITY", ["PATELLA"], "agree"),
        ("EXTREMITY", ["CHEST"], "disagree"),
        ("KNEE", ["CHEST"], "disagree"),
        ("KNEE", ["CHEST", "KNEE"], "agree"),  # several labels
        ("CHEST_TO_ABDOMEN", ["ABDOMEN"], "agree"),
        ("", ["CHEST"], "unknown"),
        ("UNKNOWN", ["CHEST"], "unknown"),
        ("WHOLEBODY", ["CHEST"], "unknown"),
        ("KNEE", [""], "unknown"),  # a class such as "others"
        ("KNEE", [], "unknown"),
        ("KNEE", ["", "CHEST"], "disagree"),
        # terms for several parts share one with the picture
        ("CTSPINE", ["SPINE"], "agree"),
        ("TLSPINE", ["SPINE"], "agree"),
        ("LSSPINE", ["SPINE"], "agree"),
        ("Lumbosacral spine", ["SPINE"], "agree"),
        ("Thoraco-lumbar spine", ["LSPINE"], "agree"),
        ("TLSPINE", ["LSSPINE"], "agree"),
        ("TLSPINE", ["CSPINE"], "disagree"),
        ("CHESTABDOMEN", ["CHESTABDPELVIS"], "agree"),
        ("CHESTABDOMEN", ["ABDOMENPELVIS"], "agree"),
        ("CHESTABDOMEN", ["PELVIS"], "disagree"),
        ("Chest/Abdomen/Pelvis", ["PELVIS"], "agree"),
        ("SPINE", ["PELVIS"], "disagree"),  # both hold the sacrum, but neither stands for its parts
        # as people write it
        ("L KNEE", ["KNEE"], "agree"),
        ("KNEE R", ["KNEE"], "agree"),
        ("KNEE R", ["HAND"], "disagree"),
        ("Rt. Knee", ["KNEE"], "agree"),
        ("Knees", ["KNEE"], "agree"),
        ("both feet", ["FOOT"], "agree"),
        ("CHEST PA", ["CHEST"], "agree"),
        ("CHEST PA", ["KNEE"], "disagree"),
        ("Portable chest AP", ["CHEST"], "agree"),
        ("Hand AP", ["HAND"], "agree"),
        ("KNEE 2 VIEWS", ["KNEE"], "agree"),
        ("L SPINE LAT", ["LSPINE"], "agree"),
        ("L SPINE LAT", ["CSPINE"], "disagree"),
        ("C-SPINE AP", ["CSPINE"], "agree"),
        ("Hip joint L", ["HIP"], "agree"),
        # several values, and several words
        ("KNEE\\HAND", ["HAND"], "agree"),
        ("KNEE\\HAND", ["CHEST"], "disagree"),
        ("KNEE\\OTHER", ["KNEE"], "agree"),
        ("KNEE\\OTHER", ["CHEST"], "unknown"),
        ("Hand and wrist", ["WRIST"], "agree"),
        ("Foot, ankle", ["ANKLE"], "agree"),
        ("Foot, ankle", ["CHEST"], "disagree"),
        ("NECK OF FEMUR", ["CSPINE"], "unknown"),  # a word that is not in the tables
        ("L", ["KNEE"], "unknown"),
        ("AP", ["KNEE"], "unknown"),
        ("Pelvis AP", ["PELVIS"], "agree"),
    ],
)
def test_cases(header: str, answers: list[str], expected: str):
    assert header_agreement(header, answers) == expected


def test_it_does_not_matter_which_one_is_the_header():
    for one, other in itertools.product(_INSIDE, repeat=2):
        assert header_agreement(one, [other]) == header_agreement(other, [one])


def test_every_term_is_its_own_spelling_and_agrees_with_itself():
    for term in _INSIDE:
        assert body_part(term) == term
        assert header_agreement(term, [term]) == "agree"


def test_nothing_is_inside_itself():
    assert [term for term, inside in _INSIDE.items() if term in inside] == []


@pytest.mark.parametrize("name", ["vindr5", "nncpr30", "unifesp22", "mednist6"])
def test_every_code_of_the_shipped_lists_is_known(name: str):
    from lungdet.routing import load_class_list

    codes = [entry.body_part_examined for entry in load_class_list(name).classes if entry.body_part_examined]
    assert codes
    assert [code for code in codes if not body_part(code)] == []
