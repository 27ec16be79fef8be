"""Class lists: those that come with the package, and the user's own as YAML or CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from lungdet.readers import AnnotationError, LabelProblem
from lungdet.records import BodyPartClass, ClassList
from lungdet.records.decision import REVIEW

from .yaml_places import Place, read_yaml_places

FOLDER = Path(__file__).with_name("class_lists")
CLASS_FIELDS = ("name", "body_part_examined", "snomed_code", "view", "view_code", "laterality", "modality", "group")
LIST_FIELDS = ("name", "classes", "multi_label", "source", "separator", "groups")
_MOST_CLASSES = 10_000


def class_list_names() -> list[str]:
    """Name the lists that come with the package.

    Example:
        >>> class_list_names()
        ['mednist6', 'nncpr30', 'unifesp22', 'unifesp4', 'vindr5']
    """
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_class_list(name_or_path: str | Path) -> ClassList:
    """Load a class list.

    A YAML file has ``name``, ``classes`` and, if wanted, ``multi_label``, ``source``, ``separator`` and ``groups``; a
    class is a name, or a dictionary with the fields of :class:`~lungdet.records.BodyPartClass`. A CSV has a column
    ``name`` and any of the other fields; its list is single-label and is called like the file.

    Args:
        name_or_path: one of :func:`class_list_names`, or a file that ends in ``.yaml``, ``.yml`` or ``.csv``.

    Raises:
        AnnotationError: the file cannot be trusted; the message has the line.
        ValueError: there is no such list.
        OSError: the file cannot be read.

    Example:
        >>> load_class_list("vindr5").names
        ('abdominal', 'adult_chest', 'pediatric_chest', 'spine', 'others')
    """
    path = Path(name_or_path)
    ending = path.suffix.lower()
    if ending == ".csv":
        return _from_csv(path)
    if ending in (".yaml", ".yml"):
        return _from_yaml(path)
    if str(name_or_path) not in class_list_names():
        shipped = ", ".join(class_list_names())
        raise ValueError(f"{name_or_path}: no such class list; there are {shipped}, or name a .yaml or .csv file")
    return _from_yaml(FOLDER / f"{name_or_path}.yaml")


def _from_yaml(path: Path) -> ClassList:
    root = read_yaml_places(path)
    fields = root.fields(LIST_FIELDS, wanted=("name", "classes"))
    entries = fields["classes"].items()
    classes = tuple(_class_of(entry) for entry in entries)
    _refuse_repeats(str(path), [(entry.line, found.name) for entry, found in zip(entries, classes, strict=True)])
    separator = fields["separator"].value if "separator" in fields else ";"
    try:
        return ClassList(
            fields["name"].text(),
            classes,
            multi_label="multi_label" in fields and fields["multi_label"].truth(),
            source=fields["source"].text() if "source" in fields else "",
            separator=str(separator),
            groups=tuple(item.text() for item in fields["groups"].items()) if "groups" in fields else (),
        )
    except AnnotationError:
        raise
    except ValueError as error:
        raise root.error(str(error)) from error


def _class_of(entry: Place) -> BodyPartClass:
    if isinstance(entry.value, str):
        return _checked(entry, {"name": entry.text()})
    fields = entry.fields(CLASS_FIELDS, wanted=("name",))
    return _checked(entry, {name: place.text() for name, place in fields.items()})


def _checked(entry: Place, values: Mapping[str, str]) -> BodyPartClass:
    if values["name"].casefold() == REVIEW:
        raise entry.error(f"no class can be called {values['name']}: that is what a router says when it has no answer")
    try:
        return BodyPartClass(**values)
    except ValueError as error:
        raise entry.error(str(error)) from error


def _from_csv(path: Path) -> ClassList:
    found: list[tuple[int, BodyPartClass]] = []
    for line, row in _csv_rows(str(path)):
        values = {name: text.strip() for name, text in row.items()}
        found.append((line, _checked(Place(str(path), line, "", {}), values)))
    _refuse_repeats(str(path), [(line, entry.name) for line, entry in found])
    groups = tuple(dict.fromkeys(entry.group for _, entry in found if entry.group))
    try:
        return ClassList(path.stem, tuple(entry for _, entry in found), source=path.name, groups=groups)
    except ValueError as error:
        raise AnnotationError([LabelProblem(str(path), None, str(error))]) from error


def _csv_rows(path: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield every row that is not blank with its line."""
    with open(path, newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            names = [name.strip() for name in next(reader, [])]
            unknown = [name for name in names if name not in CLASS_FIELDS]
            if "name" not in names or unknown or len(set(names)) != len(names):
                what = (
                    f"wanted a header with name and any of {', '.join(CLASS_FIELDS[1:])}, got {','.join(names)[:200]!r}"
                )
                raise AnnotationError([LabelProblem(path, 1, what)])
            for row in reader:
                if row and len(row) != len(names):
                    what = f"{len(row)} fields where {len(names)} are wanted"
                    raise AnnotationError([LabelProblem(path, reader.line_num, what)])
                if reader.line_num > _MOST_CLASSES:
                    raise AnnotationError([LabelProblem(path, reader.line_num, "too many lines for a list of classes")])
                if row:
                    yield reader.line_num, dict(zip(names, row, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise AnnotationError([LabelProblem(path, reader.line_num, f"no CSV in UTF-8 ({error})")]) from error


def _refuse_repeats(path: str, named: list[tuple[int, str]]) -> None:
    first: dict[str, int] = {}
    for line, name in named:
        if name.casefold() in first:
            what = f"class {name} is there already, in line {first[name.casefold()]}; capitals make no difference"
            raise AnnotationError([LabelProblem(path, line, what)])
        first[name.casefold()] = line
