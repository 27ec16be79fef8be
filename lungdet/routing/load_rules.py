"""Rules from a file, checked as a whole before anything is done by them."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from lungdet.readers import AnnotationError, LabelProblem
from lungdet.records import ClassList
from lungdet.records.body_part import check_class_name
from lungdet.records.decision import ANSWER, REVIEW

from .rules import HEADER_FIELDS, LABEL_SIGN, Rule, Rules
from .yaml_places import Place, read_yaml_places

RULE_FIELDS = ("name", "when", "folder", "bundle")
CONDITIONS = ("label", "group", "decision", "min_probability", *HEADER_FIELDS)
DEFAULT = Rule("review", text="default")
RESERVED = ("manifest.csv", "manifest.parquet", "route.html", "results")  # what stands beside the folders


class RulesError(AnnotationError):
    """Rules cannot be followed; the message names the file and its faulty lines."""


def load_rules(path: str | Path, class_list: ClassList, check_bundle: Callable[[str], object] | None = None) -> Rules:
    """Read rules, and refuse the whole file if anything in it is wrong.

    The file is YAML with ``rules``, a list, and ``default``, which is ``{folder: review}`` if it is left out. A rule
    has a ``folder`` below the destination, and may have a ``name``, a ``bundle`` that is to see the picture next, and
    ``when``: conditions that must all hold. A condition takes one value or a list, any of which is enough, and ``*``
    stands for anything:

    * ``label``, ``group``: classes or groups of the class list;
    * ``min_probability``: of the answer;
    * ``decision``: ``answer`` or ``review``;
    * header fields by their DICOM names: ``Modality``, ``BodyPartExamined``, ``ViewPosition``, ``Laterality``,
      ``PhotometricInterpretation``; an empty text is a header that says nothing.

    Args:
        path: the file.
        class_list: whose labels the rules may name.
        check_bundle: called with the name of every bundle; its ValueError is a fault of that line.

    Raises:
        RulesError: the file cannot be opened, or there are faults, which are named with their lines.
    """
    try:
        root = _open(path)
        fields = root.fields(("rules", "default"), wanted=("rules",))
        entries = fields["rules"].items()
        default = fields.get("default")
    except AnnotationError as error:
        raise RulesError(error.problems) from error
    problems: list[LabelProblem] = []
    rules: list[Rule] = []
    for entry in entries:
        try:
            rules.append(_rule(entry, class_list, check_bundle))
            if any(rule.asks_nothing for rule in rules[:-1]):
                raise entry.error("no picture gets here: a rule above has no conditions; move that one to the end")
        except AnnotationError as error:
            problems += error.problems
    last = DEFAULT
    try:
        last = _default(default, class_list, check_bundle) if default else DEFAULT
    except AnnotationError as error:
        problems += error.problems
    if problems:
        raise RulesError(problems)
    return Rules(tuple(rules), last, class_list)


def _open(path: str | Path) -> Place:
    try:
        return read_yaml_places(path)
    except OSError as error:
        what = f"the rules cannot be opened ({error.strerror or error}); name a YAML file of rules that can be read"
        raise RulesError([LabelProblem(str(path), None, what)]) from error


def _rule(entry: Place, class_list: ClassList, check_bundle: Callable[[str], object] | None) -> Rule:
    fields = entry.fields(RULE_FIELDS, wanted=("folder",))
    asked = _conditions(fields["when"], class_list) if "when" in fields else {}
    name = fields["name"].text() if "name" in fields else _in_words(fields.get("when"))
    bundle = _bundle(fields["bundle"], check_bundle) if "bundle" in fields else ""
    rule = Rule(_folder(fields["folder"]), bundle, text=f"line {entry.line}: {name[:80]}", line=entry.line, **asked)
    if LABEL_SIGN in rule.folder and not rule.asks_answer:
        raise fields["folder"].error(f"{LABEL_SIGN} needs an answer; add decision: answer to the conditions")
    taken = [name for name in Rules((), rule, class_list).folders if name.split("/")[0].casefold() in RESERVED]
    if taken:
        raise fields["folder"].error(f"folder {taken[0][:80]!r}: the destination needs the name for something else")
    if REVIEW in rule.decisions and (rule.labels or rule.min_probability):
        raise entry.error("a picture to be reviewed has no label; leave out decision, or label and min_probability")
    return rule


def _default(entry: Place, class_list: ClassList, check_bundle: Callable[[str], object] | None) -> Rule:
    entry.fields(("folder", "bundle"), wanted=("folder",))
    rule = _rule(entry, class_list, check_bundle)
    return Rule(rule.folder, rule.bundle, text="default", line=rule.line)


def _conditions(when: Place, class_list: ClassList) -> dict[str, Any]:
    asked: dict[str, Any] = {"header": {}}
    labels: set[str] | None = None
    for name, place in when.fields(CONDITIONS).items():
        if not place.items():
            raise place.error(f"{name} lists nothing; leave it out")
        if name in ("label", "group"):
            chosen = _labels(place, class_list) if name == "label" else _grouped(place, class_list)
            labels = chosen if labels is None else labels & chosen
            asked["labels"] = frozenset(labels)
            if not labels:
                raise place.error("no class is in both label and group; no picture can match")
        elif name == "min_probability":
            asked[name] = _probability(place)
        elif name == "decision":
            asked["decisions"] = frozenset(_one_of(item, (ANSWER, REVIEW), "decision") for item in place.items())
        else:
            asked["header"][name] = tuple(item.text().upper() for item in place.items())
    return asked


def _labels(place: Place, class_list: ClassList) -> set[str]:
    found: set[str] = set()
    for item in place.items():
        text = item.text()
        names = [name for name in class_list.names if fnmatchcase(name, text)]
        found.update(names or [_one_of(item, class_list.names, "label")])
    return found


def _grouped(place: Place, class_list: ClassList) -> set[str]:
    wanted = {_one_of(item, class_list.groups, "group") for item in place.items()}
    return {entry.name for entry in class_list.classes if entry.group in wanted}


def _one_of(item: Place, known: tuple[str, ...], kind: str) -> str:
    text = item.text()
    if text in known:
        return text
    close = get_close_matches(text, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)[:200] or 'none'}"
    raise item.error(f"unknown {kind} {text[:80]!r}; {hint}")


def _probability(place: Place) -> float:
    number = place.number()
    if not 0.0 < number <= 1.0:
        raise place.error(f"min_probability must be above 0 and at most 1, got {number:g}")
    return number


def _folder(place: Place) -> str:
    """Check a relative folder part by part: it must not leave the destination on any system."""
    text = place.text()
    for part in text.split("/"):
        try:
            check_class_name(part.replace(LABEL_SIGN, "label"))
        except ValueError:
            what = f"folder {text[:80]!r} must be a plain path below the destination, such as chest/adult"
            raise place.error(what) from None
        if set(part.replace(LABEL_SIGN, "")) & set("{}"):
            raise place.error(f"folder {text[:80]!r}: {LABEL_SIGN} is all that can be filled in")
    return text


def _bundle(place: Place, check: Callable[[str], object] | None) -> str:
    text = place.text()
    if not text or not text.isprintable():
        raise place.error(f"bundle {text[:80]!r} is no name or folder of one")
    if check is not None:
        try:
            check(text)
        except ValueError as error:
            raise place.error(str(error)) from error
    return text


def _in_words(when: Place | None) -> str:
    """Describe conditions as they are written."""
    if when is None or not isinstance(when.value, dict):
        return "everything"
    parts = [f"{name} {'|'.join(item.text() for item in place.items())}" for name, place in when.value.items()]
    return ", ".join(parts) or "everything"
