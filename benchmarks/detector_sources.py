"""Which code made something: a hash of what files say, so that an edit that changes nothing keeps what was made."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PHANTOMS = ("lungdet/phantoms", "lungdet/transforms/phantom.py")  # scans and backgrounds depend on these
ALL = ("lungdet", "benchmarks", "bundles/nodule_detector/configs")  # results depend on these
KINDS = {".py", ".yaml"}


@cache
def fingerprint(*paths: str, root: Path = ROOT) -> str:
    """Hash of all code and settings under ``paths``, without the comments and docstrings of Python, as 12 digits."""
    found: set[Path] = set()
    for path in (root / each for each in paths):
        found |= {path} if path.is_file() else {each for each in path.rglob("*") if each.suffix in KINDS}
    total = hashlib.sha256()
    for path in sorted(found):
        text = path.read_text(encoding="utf-8")
        said = statements(text) if path.suffix == ".py" else text
        total.update(f"{path.relative_to(root).as_posix()}\n{said}\n".encode())
    return total.hexdigest()[:12]


def statements(text: str) -> str:
    """What a module of Python does.

    Example:
        >>> statements("'a'; x = 1  # b") == statements("x=1")
        True
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return ast.dump(tree)
