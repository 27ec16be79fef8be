"""Find the CT of a series of LIDC-IDRI below a folder, however it was downloaded."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from lungdet.readers.dicom_file import read_header
from lungdet.readers.errors import SeriesError
from lungdet.readers.lidc_folders import walk_folders
from lungdet.readers.volume_formats import is_volume_file
from lungdet.reports import source_name

logger = logging.getLogger(__name__)

_UID = re.compile(r"\d+(\.\d+){3,}")
_TRIED_FILES = 3  # of a folder, before it is given up: the first may be a note or a thumbnail


def find_series(base: str | Path) -> dict[str, Path]:
    """Map series UIDs to their folders of DICOM slices, or their volume files.

    A folder or a volume file (``.nii.gz``, ``.mhd``, ...) may be named by its UID; of other folders the header of one
    DICOM file tells. Where there are several of one series, the first by name is taken. Links to folders are followed.

    Args:
        base: folder of the images.

    Raises:
        ValueError: there is no such folder.
    """
    if not Path(base).is_dir():
        raise ValueError(f"{base}: no such folder of images")
    found: dict[str, Path] = {}
    for path, names in walk_folders(base, lambda error: logger.warning("left out: %s", error)):
        for name in names:
            if is_volume_file(Path(name)) and _UID.fullmatch(source_name(name)):
                found.setdefault(source_name(name), path / name)
        uid = path.name if names and _UID.fullmatch(path.name) else _uid_of(path, names)
        if uid:
            found.setdefault(uid, path)
    return found


def _uid_of(folder: Path, files: list[str]) -> str:
    """SeriesInstanceUID of the DICOM files in a folder; empty if there are none."""
    slices = [name for name in files if name.lower().endswith((".dcm", ".ima")) or "." not in name]
    for name in slices[:_TRIED_FILES]:
        try:
            return read_header(folder / name).text("SeriesInstanceUID")
        except (SeriesError, OSError) as error:
            logger.debug("%s", error)
    return ""
