"""What a user names as the list of lesions: a file, or the folder that it lies in."""

from __future__ import annotations

from pathlib import Path

from lungdet.readers.plain_text import printable

NAME = "DL_info.csv"


def lesion_source(source: str | Path) -> Path:
    """Find the list of lesions that a user means.

    Args:
        source: a file, or a folder with ``DL_info.csv``.

    Returns:
        The file.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: it is a folder without ``DL_info.csv``, or a file of ``lungdet lesions embed``.
    """
    path, name = Path(source), printable(str(source))
    if not path.exists():
        raise FileNotFoundError(f"{name}: no such file or folder; check the path")
    if path.is_dir():
        return _of_folder(path)
    if path.suffix.lower() == ".npz":
        raise ValueError(
            f"{name}: is a file of `lungdet lesions embed`, not a list of lesions; name the {NAME} that it was made of "
            "(`lungdet lesions history` takes such a file by --embeddings)"
        )
    return path


def _of_folder(folder: Path) -> Path:
    if (folder / NAME).is_file():
        return folder / NAME
    above = folder.resolve().parent / NAME
    remedy = f"name {above}" if above.is_file() else f"name the file, such as {folder / NAME}"
    raise ValueError(f"{printable(str(folder))}: is a folder without {NAME}; {remedy}")
