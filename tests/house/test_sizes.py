"""Files and functions stay small, names say something, and no path of one machine gets in."""

import ast
import re
import subprocess
from pathlib import Path

MOST_LINES, MOST_FUNCTION_LINES = 350, 70
EMPTY_NAMES = {"utils.py", "helpers.py", "misc.py", "common.py"}


def sources(repository: Path) -> list[Path]:
    return sorted((repository / "lungdet").rglob("*.py"))


def test_files_are_small(repository: Path):
    assert [str(path) for path in sources(repository) if path.read_text().count("\n") > MOST_LINES] == []


def test_functions_are_small(repository: Path):
    long = [
        f"{path.name}:{node.lineno} {node.name}"
        for path in sources(repository)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_FUNCTION_LINES
    ]
    assert long == []


def test_file_names_say_something(repository: Path):
    assert [str(path) for path in sources(repository) if path.name in EMPTY_NAMES] == []


def test_tracked_files_are_small_and_hold_no_machine_paths(repository: Path):
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, timeout=600)
    for name in filter(None, listing.stdout.split("\0")):
        path = repository / name
        if not path.is_file():
            continue
        assert path.stat().st_size < 6_000_000, name
        if path.suffix in {".py", ".md", ".yaml", ".yml", ".json", ".cfg", ".toml", ".sh", ""}:
            assert not re.search("/" + "(work|farm)" + r"/[a-z.]", path.read_text(errors="replace")), name
