"""Folders import from lower floors only; see the map in CONTRIBUTING.md."""

import ast
from pathlib import Path

import pytest

FLOORS = {
    "late_names": 0, "counted": 0,
    "records": 1, "geometry": 1,
    "readers": 2, "networks": 2, "losses": 2, "metrics": 2, "reports": 2, "phantoms": 2,
    "transforms": 3, "detection": 3, "routing": 3, "lesions": 3, "datalists": 3,
    "inferers": 4, "engines": 4,
    "workflows": 5,
    "service": 6,
    "cli": 7, "__main__": 8,
}  # fmt: skip


def imported_rooms(source: str, module: tuple[str, ...]) -> set[str]:
    """Rooms of lungdet that ``source`` imports anywhere; ``module`` is its dotted path, ``("lungdet", room, file)``."""
    rooms = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module[: len(module) - node.level] if node.level else ()
            name = tuple(node.module.split(".")) if node.module else ()
            targets = [base + name + (alias.name,) for alias in node.names]
        else:
            continue
        rooms |= {target[1] for target in targets if target[0] == "lungdet" and len(target) > 1}
    return rooms


def breaches(source: str, module: tuple[str, ...]) -> set[str]:
    room = module[1]
    rooms = imported_rooms(source, module) - {room, "__version__"}
    return {f"{room} -> {other}" for other in rooms if FLOORS.get(other, 99) >= FLOORS[room]}


def test_every_import_goes_down(repository: Path):
    found = set()
    for path in sorted((repository / "lungdet").rglob("*.py")):
        module = path.relative_to(repository).with_suffix("").parts
        if module == ("lungdet", "__init__"):
            continue
        found |= {f"{path.relative_to(repository)}: {breach}" for breach in breaches(path.read_text(), module)}
    assert not found, "\n".join(sorted(found))


def test_every_room_has_a_floor(repository: Path):
    rooms = {path.stem for path in (repository / "lungdet").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__pycache__", "py"} <= FLOORS.keys() | {"py.typed"}


@pytest.mark.parametrize(
    ("source", "module", "expected"),
    [
        ("from ..transforms import ScaleHU", ("lungdet", "geometry", "boxes"), {"geometry -> transforms"}),
        ("from lungdet.workflows.detect import detect", ("lungdet", "engines", "x"), {"engines -> workflows"}),
        ("import lungdet.readers", ("lungdet", "networks", "x"), {"networks -> readers"}),
        ("from .. import detection", ("lungdet", "transforms", "x"), {"transforms -> detection"}),
        ("from ...inferers import A", ("lungdet", "networks", "nets", "x"), {"networks -> inferers"}),
        ("def f():\n    from ..reports import x", ("lungdet", "readers", "x"), {"readers -> reports"}),
        ("from ..records import Finding", ("lungdet", "readers", "x"), set()),
        ("from .. import __version__", ("lungdet", "reports", "x"), set()),
        ("from .boxes import clip", ("lungdet", "geometry", "patches"), set()),
    ],
)
def test_the_check_sees_breaches(source, module, expected):
    assert breaches(source, module) == expected
