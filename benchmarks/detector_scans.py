"""Evaluation scans on disk: each made once, scored many times, the same for lungdet and its peers."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from detector_sources import PHANTOMS, ROOT, fingerprint
from torch import Tensor

CONFIGS = ROOT / "bundles" / "nodule_detector" / "configs"
WAY = ("spacing_mm", "scan_shape", "load_phantom", "to_network_grid")  # the settings that a scan depends on
LEVELS = 65535  # an image in [0, 1] is kept to one part in this
STRATA = ("kind", "location")


@dataclass(frozen=True)
class Scan:
    """One scan on the network's grid, with its truth.

    Attributes:
        seed: of the phantom.
        slice_mm: of its slices, before they were brought to the network's grid.
        spacing_mm: of the grid.
        image: ``(1, X, Y, Z)`` in [0, 1], float32.
        box: ``(N, 6)`` in the edge frame of the image.
        ignore_box: ``(M, 6)``: neither to be found nor false.
        strata: labels of the nodules, ``N`` for each name.
    """

    seed: int
    slice_mm: float
    spacing_mm: tuple[float, ...]
    image: Tensor
    box: Tensor
    ignore_box: Tensor
    strata: Mapping[str, Sequence[str]]


def seed_range(text: str) -> range:
    """``9000:9060`` as a range, its end left out."""
    first, end = text.split(":")
    return range(int(first), int(end))


def scan_path(folder: Path, seed: int, slice_mm: float) -> Path:
    return folder / f"scan_{seed}_{slice_mm:g}mm.npz"


def open_configs(overrides: Mapping[str, Any], *more: str) -> Any:
    """Parse the bundle's ``common.yaml`` and ``more`` of its files, with other values where given."""
    from monai.bundle import ConfigParser

    parser = ConfigParser(ConfigParser.load_config_files([str(CONFIGS / name) for name in ("common.yaml", *more)]))
    parser.update({"bundle_root": str(CONFIGS.parent), **overrides})
    return parser


def make_scan(seed: int, slice_mm: float, settings: Mapping[str, Any]) -> Scan:
    """Make a phantom as the bundle's evaluation does; ``settings`` are overrides of ``common.yaml``."""
    warnings.simplefilter("ignore")
    parser = open_configs(settings)
    spacing = tuple(map(float, parser.get_parsed_content("spacing_mm")))
    item = parser.get_parsed_content("load_phantom")({"seed": seed, "spacing_mm": (*spacing[:2], slice_mm)})
    image = item["image"].as_tensor()
    boxes = [torch.as_tensor(item.get(key, torch.empty(0, 6))).reshape(-1, 6) for key in ("box", "ignore_box")]
    strata = {name: [str(label) for label in item[name]] for name in STRATA if name in item}
    return Scan(seed, slice_mm, spacing, image, boxes[0], boxes[1], strata)


def write_scan(folder: Path, scan: Scan) -> None:
    """Write under another name first: a kill leaves no half scan behind."""
    path = scan_path(folder, scan.seed, scan.slice_mm)
    part = path.with_suffix(".part.npz")
    np.savez_compressed(
        part,
        image=np.rint(scan.image.clamp(0, 1).numpy() * LEVELS).astype(np.uint16),
        box=scan.box.numpy(),
        ignore_box=scan.ignore_box.numpy(),
        spacing_mm=np.array(scan.spacing_mm),
        strata=json.dumps(scan.strata),
    )
    part.replace(path)


def read_scan(folder: Path, seed: int, slice_mm: float) -> Scan:
    path = scan_path(folder, seed, slice_mm)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: run 'detector.py cache' with this seed and slice first")
    with np.load(path) as file:
        image = torch.from_numpy(file["image"].astype(np.float32)) / LEVELS
        box, ignore = torch.from_numpy(file["box"]), torch.from_numpy(file["ignore_box"])
        return Scan(
            seed, slice_mm, tuple(file["spacing_mm"].tolist()), image, box, ignore, json.loads(str(file["strata"]))
        )


def read_scans(folder: Path, seeds: Sequence[int], slice_mm: float) -> Iterator[Scan]:
    return (read_scan(folder, seed, slice_mm) for seed in seeds)


def fill_cache(
    folder: Path, seeds: Sequence[int], slices_mm: Sequence[float], settings: Mapping[str, Any], processes: int = 1
) -> dict[str, Any]:
    """Make the scans that are not there yet.

    Returns:
        What they were made with; it is kept beside them, and goes into every result.

    Raises:
        ValueError: the folder holds scans that other code or other settings made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made_with = mark_cache(folder, settings)
    wanted = [(seed, mm) for seed in seeds for mm in slices_mm if not scan_path(folder, seed, mm).is_file()]
    job = partial(_make_one, folder, dict(settings))
    if processes == 1 or len(wanted) < 2:
        for one in wanted:
            job(one)
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            list(pool.map(job, wanted))
    return made_with


def mark_cache(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write beside the scans what they are made with, or make sure that it is what is there.

    Raises:
        ValueError: it is not.
    """
    parser = open_configs(settings)
    wanted = json.loads(json.dumps({"phantoms": fingerprint(*PHANTOMS), **{name: parser[name] for name in WAY}}))
    mark = folder / "cache.json"
    found = made_by(folder) if mark.is_file() else {} if any(folder.glob("scan_*.npz")) else wanted
    if found != wanted:
        other = "; ".join(
            f"{key} {found.get(key)}, not {wanted[key]}" for key in wanted if found.get(key) != wanted[key]
        )
        raise ValueError(f"{folder} was made with {other}: remove it, or name another folder")
    mark.write_text(json.dumps(wanted))
    return wanted


def made_by(folder: Path) -> dict[str, Any]:
    """What the scans of a folder were made with."""
    content: dict[str, Any] = json.loads((folder / "cache.json").read_text())
    return content


def _make_one(folder: Path, settings: Mapping[str, Any], wanted: tuple[int, float]) -> None:
    torch.set_num_threads(1)
    write_scan(folder, make_scan(*wanted, settings))
