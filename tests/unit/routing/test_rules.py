"""Rules: the first that matches wins, a guess sends nothing anywhere, and faults have lines."""

from pathlib import Path

import pytest

from lungdet.records import Decision, RadiographInfo
from lungdet.routing import Rules, RulesError, load_class_list, load_rules

TEXT = """\
rules:
- name: chest CT to the detector
  when: {label: ChestCT, Modality: [CT, PT], min_probability: 0.9}
  folder: ct/chest
  bundle: nodule_detector
- when: {label: ["*CT", BreastMRI]}
  folder: "cross_sections/{label}"
- when: {decision: review, BodyPartExamined: ["", "UNKNOWN*"]}
  folder: lost
- when: {decision: answer}
  folder: radiographs
default: {folder: people/now}
"""


@pytest.mark.parametrize("folder", ["manifest.csv", "Manifest.Parquet", "route.html", "results", "results/a"])
def test_names_of_the_results_are_no_folders(tmp_path: Path, folder: str):
    with pytest.raises(RulesError, match=r"rules\.yaml, line 3: folder .*something else"):
        rules(tmp_path, f"rules:\n- when: {{decision: answer}}\n  folder: {folder}\n")
    with pytest.raises(RulesError, match="line 2"):
        rules(tmp_path, f"rules: []\ndefault: {{folder: {folder}}}\n")
    assert rules(tmp_path, f"rules: []\ndefault: {{folder: a/{folder}}}\n").folders == (f"a/{folder}",)


def test_a_label_that_is_a_name_of_the_results_is_no_folder(tmp_path: Path):
    (tmp_path / "own.csv").write_text("name\nchest\nresults\n")
    text = "rules:\n- {{when: {{label: [{}]}}, folder: '{{label}}'}}\n"
    with pytest.raises(RulesError, match=r"line 2.*results"):
        rules(tmp_path, text.format("chest, results"), str(tmp_path / "own.csv"))
    assert rules(tmp_path, text.format("chest"), str(tmp_path / "own.csv")).folders == ("chest", "review")


def rules(tmp_path: Path, text: str = TEXT, name: str = "mednist6") -> Rules:
    (tmp_path / "rules.yaml").write_text(text)
    return load_rules(tmp_path / "rules.yaml", load_class_list(name))


def answer(label: str, probability: float = 0.95) -> Decision:
    return Decision(label, tuple(label.split(";")), probability, ((label, probability),), "answer")


def review(label: str) -> Decision:
    return Decision(label, (label,), 0.95, ((label, 0.95),), "review", "unsure")


@pytest.mark.parametrize(
    ("decision", "header", "folder", "bundle"),
    [
        (answer("ChestCT"), {"modality": "CT"}, "ct/chest", "nodule_detector"),
        (answer("ChestCT"), {"modality": " ct "}, "ct/chest", "nodule_detector"),
        (answer("ChestCT", 0.89), {"modality": "CT"}, "cross_sections/ChestCT", ""),
        (answer("ChestCT"), {"modality": "DX"}, "cross_sections/ChestCT", ""),
        (answer("ChestCT"), {}, "cross_sections/ChestCT", ""),
        (answer("BreastMRI"), {}, "cross_sections/BreastMRI", ""),
        (answer("Hand"), {}, "radiographs", ""),
        (review("ChestCT"), {"modality": "CT", "body_part_examined": "CHEST"}, "people/now", ""),
        (review("ChestCT"), {"body_part_examined": ""}, "lost", ""),
        (review("Hand"), {"body_part_examined": "unknown part"}, "lost", ""),
    ],
)
def test_the_first_that_matches_wins(tmp_path: Path, decision: Decision, header: dict, folder: str, bundle: str):
    route = rules(tmp_path).decide(decision, RadiographInfo("a.dcm", **header))
    assert (route.folder, route.bundle) == (folder, bundle)


def test_a_route_says_which_rule_it_was(tmp_path: Path):
    book = rules(tmp_path)
    info = RadiographInfo("a.dcm")
    assert book.decide(answer("Hand"), info).rule == "line 10: decision answer"
    assert book.decide(answer("HeadCT"), info).rule == "line 6: label *CT|BreastMRI"
    assert book.decide(review("Hand"), RadiographInfo("a", body_part_examined="HAND")).rule == "default"
    assert book.rules[0].text == "line 2: chest CT to the detector"


def test_all_folders_and_bundles_are_known_before_the_first_file(tmp_path: Path):
    book = rules(tmp_path)
    parts = [f"cross_sections/{name}" for name in ("AbdomenCT", "BreastMRI", "ChestCT", "HeadCT")]
    assert book.folders == ("ct/chest", *parts, "lost", "radiographs", "people/now")
    assert book.bundles == ("nodule_detector",)


def test_without_rules_everything_goes_to_a_person(tmp_path: Path):
    book = rules(tmp_path, "rules: []\n")
    assert book.decide(answer("Hand"), RadiographInfo("a")).folder == "review"
    assert book.folders == ("review",)


def test_groups_and_several_labels(tmp_path: Path):
    text = "rules:\n- {when: {group: spine}, folder: spine}\n- {when: {label: wrist}, folder: '{label}'}\n"
    book = rules(tmp_path, text, "unifesp22")
    info = RadiographInfo("a")
    assert book.decide(answer("chest;lumbar_spine"), info).folder == "spine"
    assert book.decide(answer("hand;wrist"), info).folder == "wrist"  # the one that the rule is about
    assert book.decide(answer("hand"), info).folder == "review"


@pytest.mark.parametrize(
    ("rule", "line", "what"),
    [
        ("- {when: {label: ChestXR}, folder: a}", 2, "did you mean ChestCT"),
        ("- {when: {label: foot}, folder: a}", 2, "unknown label 'foot'; there are AbdomenCT"),
        ("- {when: {label: []}, folder: a}", 2, "lists nothing"),
        ("- {when: {group: spine}, folder: a}", 2, "unknown group 'spine'; there are none"),
        ("- {when: {Modalty: CT}, folder: a}", 2, "unknown setting 'Modalty'"),
        ("- {when: {PatientName: X}, folder: a}", 2, "unknown setting 'PatientName'"),
        ("- {when: {decision: maybe}, folder: a}", 2, "unknown decision"),
        ("- {when: {min_probability: 90}, folder: a}", 2, "at most 1, got 90"),
        ("- {when: {min_probability: high}, folder: a}", 2, "wanted a number"),
        ("- {when: {min_probability: nan}, folder: a}", 2, "wanted a number"),
        ("- {when: {decision: review, label: Hand}, folder: a}", 2, "to be reviewed has no label"),
        ("- {when: {label: Hand}}", 2, "no folder"),
        ("- {when: [Hand], folder: a}", 2, "a list of 1"),
        ("- {when: {label: Hand}, folder: [a]}", 2, "wanted one value"),
        ("- {when: {Modality: CT}, folder: '{label}'}", 2, "needs an answer"),
        ("- {when: {label: Hand}, folder: '{name}'}", 2, "all that can be filled in"),
        ("- {folder: a}\n- {when: {label: Hand}, folder: b}", 3, "no picture gets here"),
        ("- {when: {label: Hand}, folder: a, bundle: ''}", 2, "bundle ''"),
        ("- {when: {label: Hand}, folder: a}\ndefault: {folder: '{label}'}", 3, "needs an answer"),
        ("- {when: {label: Hand}, folder: a}\ndefault: {when: {label: Hand}, folder: b}", 3, "unknown setting 'when'"),
        ("- {when: {label: Hand}, folder: a}\nrulez: []", 3, "unknown setting 'rulez'"),
        ("- x\n- {when: {label: Hand}, folder: a, folder: b}", 3, "twice"),
    ],
)
def test_a_fault_is_refused_with_its_line(tmp_path: Path, rule: str, line: int, what: str):
    with pytest.raises(RulesError, match=what) as caught:
        rules(tmp_path, f"rules:\n{rule}\n")
    assert caught.value.problems[-1].line == line
    assert f"rules.yaml, line {line}" in str(caught.value)


@pytest.mark.parametrize(
    "folder",
    ["", "/abs", "..", "a/../b", "a/..", "./a", "a//b", "a/", "C:/x", "a\\b", "~/a\\", ".hidden", "a\tb", "a;b"],
)
def test_a_folder_cannot_leave_the_destination(tmp_path: Path, folder: str):
    quoted = folder.replace("\\", "\\\\").replace("\t", "\\t")
    with pytest.raises(RulesError, match="below the destination"):
        rules(tmp_path, f'rules:\n- {{when: {{label: Hand}}, folder: "{quoted}"}}\n')


def test_all_faults_are_told_at_once(tmp_path: Path):
    text = "rules:\n- {when: {label: x}, folder: a}\n- {folder: ..}\n- {when: {Modality: CT}, folder: b}\ndefault: {}\n"
    with pytest.raises(RulesError) as caught:
        rules(tmp_path, text)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 5]


def test_rules_that_are_not_there_are_named_with_a_remedy(tmp_path: Path):
    with pytest.raises(RulesError, match=r"nosuch\.yaml: .*cannot be opened .*; name a YAML file"):
        load_rules(tmp_path / "nosuch.yaml", load_class_list("mednist6"))


def test_an_unknown_bundle_is_a_fault_of_its_line(tmp_path: Path):
    def check(name: str) -> None:
        raise ValueError(f"{name}: no such bundle")

    (tmp_path / "rules.yaml").write_text(TEXT)
    with pytest.raises(RulesError, match="line 5: nodule_detector: no such bundle"):
        load_rules(tmp_path / "rules.yaml", load_class_list("mednist6"), check_bundle=check)


@pytest.mark.parametrize("text", ["", "rules\n", "default: {folder: a}\n", "- {folder: a}\n", "rules: {folder: a}\n"])
def test_what_is_no_file_of_rules_is_refused(tmp_path: Path, text: str):
    with pytest.raises(RulesError, match=r"rules\.yaml"):
        rules(tmp_path, text)
