"""YAML whose every value knows its line, for settings that people write by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from lungdet.readers import AnnotationError, LabelProblem

MOST_BYTES = 1 << 18
_DEEPEST = 12
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")}
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Place:
    """One value of a YAML file and its line. Numbers and truths stay text until asked for.

    Attributes:
        path: the file.
        line: counted from 1.
        value: text, a list of places, or a dictionary of them by key.
        key_lines: line of every key of a dictionary.
    """

    path: str
    line: int
    value: str | list[Place] | dict[str, Place]
    key_lines: dict[str, int]

    def error(self, what: str, line: int | None = None) -> AnnotationError:
        """Make the error for a fault here."""
        return AnnotationError([LabelProblem(self.path, line or self.line, what)])

    def text(self) -> str:
        """Return the value as text without blanks around it.

        Raises:
            AnnotationError: it is a list or a dictionary.
        """
        if not isinstance(self.value, str):
            raise self.error(f"wanted one value, got {self._kind()}")
        return self.value.strip()

    def truth(self) -> bool:
        """Return true or false.

        Raises:
            AnnotationError: it is neither.
        """
        word = self.text().lower()
        if word not in _TRUTHS:
            raise self.error(f"wanted true or false, got {self.text()!r}")
        return _TRUTHS[word]

    def number(self) -> float:
        """Return a finite number.

        Raises:
            AnnotationError: it is none.
        """
        try:
            number = float(self.text())
        except ValueError:
            number = float("nan")
        if not abs(number) < float("inf") or "_" in self.text():
            raise self.error(f"wanted a number, got {self.text()!r}")
        return number

    def items(self) -> list[Place]:
        """Return the values of a list; a single text counts as a list of one.

        Raises:
            AnnotationError: it is a dictionary.
        """
        if isinstance(self.value, dict):
            raise self.error(f"wanted a list, got {self._kind()}")
        return self.value if isinstance(self.value, list) else [self]

    def fields(self, known: Iterator[str] | tuple[str, ...], wanted: tuple[str, ...] = ()) -> dict[str, Place]:
        """Return the values of a dictionary by key.

        Args:
            known: keys that may be there.
            wanted: keys that must.

        Raises:
            AnnotationError: it is no dictionary, or its keys are others.
        """
        names = tuple(known)
        if not isinstance(self.value, dict):
            raise self.error(f"wanted {', '.join(names[:6])}, got {self._kind()}")
        for key in self.value:
            if key not in names:
                raise self.error(f"unknown setting {key[:80]!r}; there are {', '.join(names)}", self.key_lines[key])
        for key in wanted:
            if key not in self.value:
                raise self.error(f"no {key}; wanted {', '.join(wanted)}")
        return self.value

    def _kind(self) -> str:
        if isinstance(self.value, dict):
            return f"settings ({', '.join(self.value)[:80]})"
        return f"a list of {len(self.value)}" if isinstance(self.value, list) else repr(self.value[:80])


def read_yaml_places(path: str | Path) -> Place:
    """Read a YAML file.

    Nothing in it is executed: tags, anchors and aliases, with which a small file can stand for a huge one, are refused.

    Args:
        path: the file, at most 256 KiB.

    Raises:
        AnnotationError: it is no such YAML; the message has its line.
        OSError: it cannot be read.
    """
    name = str(path)
    with open(path, "rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise AnnotationError([LabelProblem(name, None, f"more than {MOST_BYTES} bytes; that is no file of settings")])
    try:
        text = content.decode("utf-8-sig")
        _refuse_tricks(name, text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise AnnotationError([LabelProblem(name, None, "the file is empty")])
        return _place(name, root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"no YAML ({error.problem or error.context})"
        raise AnnotationError([LabelProblem(name, mark.line + 1 if mark else None, what)]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AnnotationError(
            [LabelProblem(name, None, f"no YAML in UTF-8 ({' '.join(str(error).split())})")]
        ) from error


def _refuse_tricks(name: str, text: str) -> None:
    """Refuse what makes a small file cost much: aliases, and lists in lists."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        what = ""
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            what = "anchors (&) and aliases (*) are not taken; write the values out, or quote a text that begins so"
        elif depth > _DEEPEST:
            what = f"lists in lists, more than {_DEEPEST} deep; a few are enough"
        if what:
            raise AnnotationError([LabelProblem(name, event.start_mark.line + 1 if event.start_mark else None, what)])


def _place(name: str, node: yaml.Node) -> Place:
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN:
        raise AnnotationError([LabelProblem(name, line, f"the tag {node.tag[:80]} is not taken; write a plain value")])
    if isinstance(node, yaml.SequenceNode):
        return Place(name, line, [_place(name, child) for child in node.value], {})
    if not isinstance(node, yaml.MappingNode):
        return Place(name, line, str(node.value), {})
    values: dict[str, Place] = {}
    lines: dict[str, int] = {}
    for key_node, child in node.value:
        key = _place(name, key_node).text()
        key_line = key_node.start_mark.line + 1
        if key in values:
            what = f"{key[:80]} is there twice, first in line {lines[key]}; remove one"
            raise AnnotationError([LabelProblem(name, key_line, what)])
        values[key], lines[key] = _place(name, child), key_line
    return Place(name, line, values, lines)
