"""Cubes around the marks of a training list, cut once and kept on disk."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
from numpy.typing import NDArray

from lungdet.datalists import load_reading
from lungdet.geometry.cubes import CUBE_SIDE, CUBE_SPACING_MM, Cube, cut_cube
from lungdet.readers import read_ct
from lungdet.readers.read_options import ReadOptions
from lungdet.records import CTVolume
from lungdet.reports import write_files

from .list_nodules import FewReaders, list_nodules

logger = logging.getLogger(__name__)
FORMAT = "lungdet-cubes/1"
DECIMALS = 4  # of a mm, in the key


@dataclass(frozen=True)
class CubeProblem:
    """A mark without a cube, or a CT without any."""

    image: str
    reason: str

    def __str__(self) -> str:
        """The file and what is wrong with it."""
        return self.reason if self.image in self.reason else f"{self.image}: {self.reason}"


class NoduleCubeCache:
    """Cut the cubes of many marks, each CT opened once for all of its marks, and keep them.

    In ``folder`` each CT has two files: ``KEY.npy``, its cubes, ``(N, side, side, side)`` int16 HU, and ``KEY.json``,
    the manifest that tells which mark each of them is of. The key is made from names, sizes and times of the CT's
    files, the marks and the settings, so that cubes of another CT, other marks or other settings are never taken for
    these. Both are written whole or not at all, and a run that was stopped goes on where it was.

    Args:
        folder: made if absent.
        side: voxels of a cube along each axis.
        spacing_mm: of the cubes.
        reading: options of :func:`lungdet.readers.read_ct`, such as ``{"on_gap": "interpolate"}``.

    Attributes:
        problems: of the last :meth:`prepare`.
        opened: CTs that it had to open.
    """

    def __init__(
        self,
        folder: str | Path,
        side: int = CUBE_SIDE,
        spacing_mm: float = CUBE_SPACING_MM,
        reading: Mapping[str, Any] | None = None,
    ) -> None:
        if not str(folder):
            raise ValueError("the cubes need a folder to be kept in: give cache_dir")
        self.folder, self.side, self.spacing_mm = Path(folder), side, float(spacing_mm)
        self.reading = dict(reading or {})
        ReadOptions(**self.reading)  # refuse what is wrong once, not for every CT
        self.problems: list[CubeProblem] = []
        self.opened = 0

    def prepare(self, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Cut what has not been cut.

        A CT that cannot be read is logged and kept in ``problems``, and so is a mark without a cube, such as one
        outside the image; the others go on. Where the cubes cannot be kept, as on a full disk, it ends at once.

        Args:
            items: with ``image``, the path of a CT, ``center_lps_mm`` and, if known, ``series_uid``; see
                :func:`~lungdet.engines.list_nodules.list_nodules`.

        Returns:
            Copies of the items that have a cube, in their order: ``image`` is the file of the cubes, ``cube`` its place
            in it, ``affine_lps`` its affine and ``inside`` the share of it that lies in the image, as
            :class:`~lungdet.transforms.LoadCubed` takes them.

        Raises:
            OSError: cubes cannot be written to the folder.
        """
        self.problems, self.opened = [], 0
        scans: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, item in enumerate(items):
            scans[str(item["image"]), str(item.get("series_uid", ""))].append(number)
        prepared: dict[int, dict[str, Any]] = {}
        for (image, series), numbers in scans.items():
            try:
                marks = [_point(items[number]["center_lps_mm"]) for number in numbers]
                path, manifest, cubes = self._cubes_of(image, series, marks)
            except Exception as error:  # whatever ails one CT, hundreds of others wait
                kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
                self._tell(image, f"{kind}{error}")
                continue
            if cubes is not None:
                self._keep(path, manifest, cubes)
            for number, mark in zip(numbers, manifest["marks"], strict=True):
                if mark["problem"]:
                    self._tell(image, mark["problem"])
                    continue
                known = {key: mark[key] for key in ("cube", "affine_lps", "inside")}
                prepared[number] = {**items[number], "image": str(path), **known}
        return [prepared[number] for number in sorted(prepared)]

    def _tell(self, image: str, reason: str) -> None:
        self.problems.append(CubeProblem(image, reason))
        logger.warning("no cube: %s", self.problems[-1])

    def _cubes_of(
        self, image: str, series: str, marks: list[list[float]]
    ) -> tuple[Path, dict[str, Any], NDArray[np.int16] | None]:
        """Find the cubes of one CT, or cut them: their file, the manifest, and what has to be written."""
        settings = {"format": FORMAT, "side": self.side, "spacing_mm": self.spacing_mm, "series": series}
        settings |= {"reading": self.reading} if self.reading else {}
        identity = {**settings, "files": _files(Path(image)), "marks": np.round(marks, DECIMALS).tolist()}
        key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:32]
        path = self.folder / f"{key}.npy"
        known = _manifest(path)
        if known is not None and len(known["marks"]) == len(marks):
            return path, known, None
        source = Path(image)
        volume = read_ct(source, series=series if source.is_dir() and series else None, **self.reading)
        self.opened += 1
        cubes, told = self._cut(volume, marks)
        return path, {**settings, "image": source.name, "cubes": len(cubes), "marks": told}, cubes

    def _keep(self, path: Path, manifest: Mapping[str, Any], cubes: NDArray[np.int16]) -> None:
        content = json.dumps(manifest, indent=1, allow_nan=False).encode()
        files = {path.name: _npy(cubes), path.with_suffix(".json").name: content}  # the manifest last: it vouches
        try:
            write_files(self.folder, files)
        except OSError as error:
            what = f"cubes cannot be kept ({error.strerror or error}); make room, or give another cache_dir"
            raise OSError(error.errno, what, str(self.folder)) from error

    def _cut(self, volume: CTVolume, marks: list[list[float]]) -> tuple[NDArray[np.int16], list[dict[str, Any]]]:
        cubes: list[NDArray[np.int16]] = []
        told: list[dict[str, Any]] = []
        for mark in marks:
            facts: dict[str, Any] = {"center_lps_mm": mark, "cube": None, "problem": ""}
            try:
                cube = cut_cube(volume.array, volume.affine_lps, mark, self.side, self.spacing_mm)
            except ValueError as error:
                told.append({**facts, "problem": str(error)})
                continue
            place = {"cube": len(cubes), "affine_lps": cube.affine_lps.tolist(), "inside": round(cube.inside, 6)}
            told.append({**facts, **place})
            cubes.append(_whole_hu(cube))
        shape = (0, self.side, self.side, self.side)
        return (np.stack(cubes) if cubes else np.empty(shape, dtype=np.int16)), told


def list_nodule_cubes(
    datalist: str | Path,
    part: str = "training",
    cache_dir: str | Path = "",
    dataset_dir: str | Path = "",
    fold: int | None = None,
    few_readers: FewReaders = "leave_out",
    lookalikes: bool = True,
    side: int = CUBE_SIDE,
    spacing_mm: float = CUBE_SPACING_MM,
) -> list[dict[str, Any]]:
    """List the nodules of one part of a list with their cubes, which are cut where they have not been before.

    CTs are read as they were for the list: what its options allow is allowed again. Of several processes the first
    cuts, and the others then find the cubes.

    Args:
        datalist: see :func:`~lungdet.engines.list_nodules.list_nodules`; the answer is empty where it is an empty
            string.
        part: see there.
        cache_dir: folder of the cubes, 221 KB for each; ``cubes`` beside the list if empty.
        dataset_dir: see there.
        fold: see there.
        few_readers: see there.
        lookalikes: see there.
        side: see :class:`NoduleCubeCache`.
        spacing_mm: see there.

    Returns:
        Items for :class:`~lungdet.transforms.LoadCubed`.

    Raises:
        DatalistError: see there.
        ValueError: no mark has a cube; the message has the first reason.
    """
    items = list_nodules(datalist, part, dataset_dir, fold, few_readers, lookalikes)
    if not items:
        return []
    cache = NoduleCubeCache(cache_dir or Path(datalist).parent / "cubes", side, spacing_mm, load_reading(datalist))
    with idist.one_rank_first():
        found = cache.prepare(items)
    if not found:
        raise ValueError(f"{datalist}, part {part}: none of {len(items)} marks has a cube; first: {cache.problems[0]}")
    logger.info("%d of %d cubes, %d CT opened, %d problems", len(found), len(items), cache.opened, len(cache.problems))
    return found


def _files(image: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of the files of a CT: what changes when its content does."""
    if not image.exists():
        raise FileNotFoundError(f"{image}: no such CT; fetch it, or give another dataset_dir")
    paths = sorted(path for path in image.rglob("*") if path.is_file()) if image.is_dir() else [image]
    stats = [(path, path.stat()) for path in paths]
    base = image if image.is_dir() else image.parent
    return [(path.relative_to(base).as_posix(), stat.st_size, stat.st_mtime_ns) for path, stat in stats]


def _manifest(path: Path) -> dict[str, Any] | None:
    """The manifest of a file of cubes; None unless both are there and fit each other."""
    try:
        manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        count = len(np.load(path, mmap_mode="r", allow_pickle=False))
        fits = manifest["format"] == FORMAT and manifest["cubes"] == count and isinstance(manifest["marks"], list)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return manifest if fits else None


def _point(center: Any) -> list[float]:
    return [float(value) for value in center]


def _whole_hu(cube: Cube) -> NDArray[np.int16]:
    limits = np.iinfo(np.int16)
    return np.clip(np.rint(cube.hu[0]), limits.min, limits.max).astype(np.int16)


def _npy(cubes: NDArray[np.int16]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, cubes, allow_pickle=False)
    return stream.getvalue()
