"""Damage the slices of a series: positions, orientation, pixels, rescale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates

from .dicom_series import decimal_string, derive_uid
from .series_files import read_slice, rename_uid, save, set_pixels, slice_paths, stored_pixels

Paths = tuple[Path, ...]

AIR_HU = -1000
UNSIGNED_INTERCEPT_HU = -4096
PADDING_STORED = -2000


def drop_slices(folder: str | Path, count: int = 2) -> Paths:
    """Leave a gap: delete ``count`` slices in the middle. Returns the files that are gone."""
    paths = slice_paths(folder)
    start = len(paths) // 2
    gone = tuple(paths[start : start + count])
    for path in gone:
        path.unlink()
    return gone


def change_step(folder: str | Path, factor: float = 1.5) -> Paths:
    """Let the slices of the upper half lie ``factor`` times as far apart."""
    paths = slice_paths(folder)
    middle = len(paths) // 2
    step = _position(paths[1]) - _position(paths[0])
    return tuple(_move(path, (factor - 1) * (index + 1) * step) for index, path in enumerate(paths[middle + 1 :]))


def duplicate_same(folder: str | Path) -> Paths:
    """Repeat a slice: same place, same pixels, a file and a UID of its own."""
    source = slice_paths(folder)[2]
    dataset = read_slice(source)
    rename_uid(dataset, derive_uid(dataset.SOPInstanceUID, "again"))
    return (save(dataset, source.with_name("again.dcm")),)


def duplicate_different(folder: str | Path) -> Paths:
    """Repeat a slice at the same place with other pixels."""
    source = slice_paths(folder)[2]
    dataset = read_slice(source)
    rename_uid(dataset, derive_uid(dataset.SOPInstanceUID, "other"))
    set_pixels(dataset, stored_pixels(dataset)[::-1].copy())
    return (save(dataset, source.with_name("other.dcm")),)


def tilt_gantry(folder: str | Path, degrees: float = 15.0) -> Paths:
    """Scan the same patient with a tilted gantry.

    Slices are turned about the patient's left-right axis through their middle and still step along the table, so
    their positions are not along their normal. The pixels are interpolated anew: the patient stays where it is.
    """
    paths = slice_paths(folder)
    datasets = [read_slice(path) for path in paths]
    volume = np.stack([stored_pixels(dataset) for dataset in datasets])  # (Z, Y, X)
    first, second = _position(paths[0]), _position(paths[1])
    step_mm, row_mm = float(second[2] - first[2]), float(datasets[0].PixelSpacing[0])
    down = (np.arange(volume.shape[1]) - (volume.shape[1] - 1) / 2) * row_mm
    # A positive GantryDetectorTilt turns the columns' direction downwards, as GE's scanners write it.
    cosine, sine = np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))
    rows = (down * cosine / row_mm + (volume.shape[1] - 1) / 2)[:, None]  # where the turned rows lie in the old grid
    columns = np.arange(volume.shape[2])[None, :]
    for index, (path, dataset) in enumerate(zip(paths, datasets, strict=True)):
        heights = (index + down * sine / step_mm)[:, None]
        places = np.broadcast_arrays(heights, rows, columns)
        air = AIR_HU - float(dataset.RescaleIntercept)
        pixels = map_coordinates(volume, places, order=1, mode="constant", cval=air, output=np.float32)
        set_pixels(dataset, np.rint(pixels).astype(volume.dtype))
        old = np.array(dataset.ImagePositionPatient, dtype=float)
        shift = np.array([0.0, down[0] * (cosine - 1), down[0] * sine])
        dataset.ImagePositionPatient = [decimal_string(value) for value in old + shift]
        dataset.ImageOrientationPatient = [decimal_string(v) for v in (1, 0, 0, 0, cosine, sine)]
        dataset.GantryDetectorTilt = decimal_string(degrees)
        save(dataset, path)
    return tuple(paths)


def shear(folder: str | Path, degrees: float = 8.0) -> Paths:
    """Let the slices drift sideways from one to the next while they stay axial."""
    paths = slice_paths(folder)
    step = _position(paths[1]) - _position(paths[0])
    drift = np.array([np.tan(np.radians(degrees)) * np.linalg.norm(step), 0.0, 0.0])
    return tuple(_move(path, index * drift) for index, path in enumerate(paths))


def mix_orientations(folder: str | Path) -> Paths:
    """Turn the last third of the slices to coronal, in the same series."""
    paths = slice_paths(folder)
    turned = paths[-(len(paths) // 3) :]
    for index, path in enumerate(turned):
        dataset = read_slice(path)
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        position = np.array(dataset.ImagePositionPatient, dtype=float)
        dataset.ImagePositionPatient = [decimal_string(v) for v in (position[0], position[1] + index, position[2])]
        save(dataset, path)
    return tuple(turned)


def remove_position(folder: str | Path) -> Paths:
    """Take ImagePositionPatient and ImageOrientationPatient from all slices."""
    return _remove(folder, ("ImagePositionPatient", "ImageOrientationPatient"))


def remove_pixel_spacing(folder: str | Path) -> Paths:
    """Take PixelSpacing from all slices."""
    return _remove(folder, ("PixelSpacing",))


def remove_position_of_one(folder: str | Path) -> Paths:
    """Take the position from one slice in the middle."""
    paths = slice_paths(folder)
    return _remove(folder, ("ImagePositionPatient",), [paths[len(paths) // 2]])


def vary_rescale(folder: str | Path) -> Paths:
    """Store the same HU in three ways in turn: as it was, unsigned, and with a slope of one half."""
    touched = []
    for index, path in enumerate(slice_paths(folder)):
        if index % 3 == 0:
            continue
        dataset = read_slice(path)
        hu = stored_pixels(dataset) * int(dataset.RescaleSlope) + int(dataset.RescaleIntercept)
        if "PixelPaddingValue" in dataset:
            del dataset.PixelPaddingValue  # it would have another value in every slice
        if index % 3 == 1:
            dataset.RescaleIntercept, dataset.RescaleSlope = str(UNSIGNED_INTERCEPT_HU), "1"
            set_pixels(dataset, (hu - UNSIGNED_INTERCEPT_HU).astype(np.uint16))
        else:
            dataset.RescaleIntercept, dataset.RescaleSlope = "0", "0.5"
            set_pixels(dataset, (2 * hu).astype(np.int16))
        touched.append(save(dataset, path))
    return tuple(touched)


def add_padding(folder: str | Path) -> Paths:
    """Put padding outside the circular field of view, and say so in PixelPaddingValue."""
    paths = slice_paths(folder)
    for path in paths:
        dataset = read_slice(path)
        pixels = stored_pixels(dataset)
        row, column = (np.arange(n) - (n - 1) / 2 for n in pixels.shape)
        pixels[np.hypot(row[:, None], column[None, :]) > min(pixels.shape) / 2] = PADDING_STORED
        dataset.add_new("PixelPaddingValue", "SS", PADDING_STORED)
        set_pixels(dataset, pixels)
        save(dataset, path)
    return tuple(paths)


def shuffle(folder: str | Path, seed: int = 0) -> Paths:
    """Give the files and their InstanceNumber a random order; only the positions tell the truth."""
    paths = slice_paths(folder)
    order = np.random.default_rng(seed).permutation(len(paths))
    datasets = [read_slice(path) for path in paths]
    for target, source in enumerate(order):
        datasets[source].InstanceNumber = target + 1
        save(datasets[source], paths[target])
    return tuple(paths)


def _position(path: Path) -> np.ndarray:
    return np.array(read_slice(path).ImagePositionPatient, dtype=float)


def _move(path: Path, by_mm: np.ndarray) -> Path:
    dataset = read_slice(path)
    position = np.array(dataset.ImagePositionPatient, dtype=float) + by_mm
    dataset.ImagePositionPatient = [decimal_string(value) for value in position]
    dataset.SliceLocation = decimal_string(round(float(position[2]), 4))
    return save(dataset, path)


def _remove(folder: str | Path, keywords: Sequence[str], paths: Sequence[Path] | None = None) -> Paths:
    chosen = slice_paths(folder) if paths is None else paths
    for path in chosen:
        dataset = read_slice(path)
        for keyword in keywords:
            if keyword in dataset:
                delattr(dataset, keyword)
        save(dataset, path)
    return tuple(chosen)
