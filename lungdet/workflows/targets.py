"""Where results go, looked at before any work: no result may replace what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lungdet.reports import prepare_output


def prepare_file(path: str | Path, inputs: Iterable[str | Path]) -> Path:
    """Try whether a file can be written, and whether it replaces an input.

    Args:
        path: the file; its folder is made if absent.
        inputs: files and folders that are read. In a folder, any file that is there and is no JSON is taken for an
            input, for labels and scans are CSV, XML, archives and images.

    Returns:
        The path; of a link, what it leads to, for a file that is renamed into place would replace the link.

    Raises:
        ValueError: it is a folder, a device or the like, or an input.
        OSError: nothing can be written there.
    """
    target = Path(path)
    if target.is_dir():
        raise ValueError(f"{target}: is a folder; name the file to write, such as {target / 'list.json'}")
    if target.exists() and not target.is_file():
        raise ValueError(f"{target}: is no regular file but a device, a pipe or the like; name a file to write")
    refuse_inputs([target], inputs)
    target = target.resolve() if target.is_symlink() else target
    prepare_output(target.parent)
    return target


def refuse_inputs(targets: Iterable[str | Path], inputs: Iterable[str | Path]) -> None:
    """Refuse targets that are inputs, by whatever name or link.

    Raises:
        ValueError: one is; the message names both.
    """
    read = [Path(path) for path in inputs if Path(path).exists()]
    for target in map(Path, targets):
        if not target.exists():
            continue
        for source in read:
            if target.samefile(source):
                raise ValueError(f"{target}: is the input {source}, and would be overwritten; name another output")
            inside = source.is_dir() and target.resolve().is_relative_to(source.resolve())
            if inside and target.suffix.lower() != ".json":
                raise ValueError(f"{target}: is a file of the input {source}, and would be overwritten; name another")
