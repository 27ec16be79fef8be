"""Rules that send a labelled radiograph to a folder, and maybe on to the next bundle: the first that matches wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from lungdet.records import ClassList, Decision, RadiographInfo
from lungdet.records.decision import ANSWER

# DICOM's names of the fields that a rule may ask for, and where the record of a radiograph keeps them.
HEADER_FIELDS: Mapping[str, str] = {
    "Modality": "modality",
    "BodyPartExamined": "body_part_examined",
    "ViewPosition": "view_position",
    "Laterality": "laterality",
    "PhotometricInterpretation": "photometric",
}
LABEL_SIGN = "{label}"


@dataclass(frozen=True)
class Route:
    """Where one picture goes.

    Attributes:
        folder: relative to the destination, with ``/`` between its parts.
        bundle: which bundle is to see it next; empty for none.
        rule: which rule said so, in words.
    """

    folder: str
    bundle: str
    rule: str


@dataclass(frozen=True)
class Rule:
    """One rule: all of its conditions must hold, and one value of each is enough.

    Attributes:
        folder: where to; ``{label}`` stands for the most probable label.
        bundle: which bundle is to see it next; empty for none.
        labels: classes, any of which must be among the labels of an answer; empty for no such condition.
        min_probability: that an answer must have; 0 for no such condition.
        decisions: ``answer``, ``review``; empty for both. A rule that looks at labels or probabilities never matches a
            picture that is to be reviewed: what the router would have guessed sends nothing anywhere.
        header: patterns of capitals, with ``*`` for anything, by name of :data:`HEADER_FIELDS`.
        text: how the rule is called in a manifest.
        line: in its file; 0 if it has none.
    """

    folder: str
    bundle: str = ""
    labels: frozenset[str] = frozenset()
    min_probability: float = 0.0
    decisions: frozenset[str] = frozenset()
    header: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""
    line: int = 0

    @property
    def asks_answer(self) -> bool:
        """Whether only pictures with an answer can match."""
        return bool(self.labels) or self.min_probability > 0 or self.decisions == {ANSWER}

    @property
    def asks_nothing(self) -> bool:
        """Whether every picture matches."""
        return not (self.labels or self.min_probability or self.decisions or self.header)

    def matches(self, decision: Decision, info: RadiographInfo) -> bool:
        """Tell whether all conditions hold for a picture."""
        if self.asks_answer and decision.decision != ANSWER:
            return False
        if self.decisions and decision.decision not in self.decisions:
            return False
        if self.labels and not self.labels.intersection(decision.labels):
            return False
        return decision.probability >= self.min_probability and all(
            _fits(getattr(info, HEADER_FIELDS[name]), patterns) for name, patterns in self.header.items()
        )

    def route(self, decision: Decision) -> Route:
        """Return where a picture goes that matches."""
        label = next((name for name in decision.labels if not self.labels or name in self.labels), "")
        return Route(self.folder.replace(LABEL_SIGN, label), self.bundle, self.text)


@dataclass(frozen=True)
class Rules:
    """All rules of a file, and the last resort.

    Attributes:
        rules: in the order in which they are tried.
        default: for a picture that none of them matches; it asks nothing.
        class_list: whose labels they name.
    """

    rules: tuple[Rule, ...]
    default: Rule
    class_list: ClassList

    def decide(self, decision: Decision, info: RadiographInfo) -> Route:
        """Return where a picture goes: the first rule that matches wins."""
        for rule in self.rules:
            if rule.matches(decision, info):
                return rule.route(decision)
        return self.default.route(decision)

    @property
    def folders(self) -> tuple[str, ...]:
        """Every folder that a picture can be sent to, in the order of the rules and without repeats."""
        found: dict[str, None] = {}
        for rule in (*self.rules, self.default):
            names = [name for name in self.class_list.names if name in rule.labels] or list(self.class_list.names)
            for name in names if LABEL_SIGN in rule.folder else [""]:
                found[rule.folder.replace(LABEL_SIGN, name)] = None
        return tuple(found)

    @property
    def bundles(self) -> tuple[str, ...]:
        """Every bundle that a rule names, without repeats."""
        return tuple(dict.fromkeys(rule.bundle for rule in (*self.rules, self.default) if rule.bundle))


def _fits(value: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(value.strip().upper(), pattern) for pattern in patterns)
