"""Look at synthetic chests: nodules, what looks like nodules, scans of every kind, lungs, and whole patients.

Run ``python examples/phantom_gallery.py --seeds 3 --out gallery``; it writes one picture for each of these.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image, ImageDraw

from lungdet.geometry.frames import boxes_to_voxel
from lungdet.phantoms import ChestPhantom, make_chest
from lungdet.phantoms.chest import scan
from lungdet.phantoms.lookalike import Lookalike, LookalikeKind
from lungdet.phantoms.nodule import NoduleKind, NoduleLocation
from lungdet.phantoms.patient import Patient, draw_patient
from lungdet.phantoms.placement import PlacedNodule, place_nodules
from lungdet.phantoms.scanner import Dose, Kernel, Scanner, noise_gain

LOW_HU, WIDTH_HU = -1400, 1600  # the lung window, -600 / 1600
SOFT_LOW_HU, SOFT_WIDTH_HU = -160, 400  # for what lies between the lungs
AIR_LOW_HU, AIR_WIDTH_HU = -1050, 600  # for emphysema
TILE_PX, HEAD_PX = 80, 14
SIZES_MM = (3.5, 5.0, 7.0, 10.0, 15.0, 22.0)
DOSES: tuple[Dose, ...] = ("none", "standard", "low", "ultra_low")
THICKNESS_MM = (1.4, 2.5, 5.0, 8.0)


def view(
    patient: Patient,
    placed: Sequence[PlacedNodule],
    center: np.ndarray,
    width_mm: float = 50.0,
    kernel: Kernel = "standard",
    dose: Dose = "standard",
    thickness_mm: float = 1.4,
) -> np.ndarray:
    """Scan a cube of a patient about a point: ``(Z, Y, X)`` HU at 0.8 mm in plane."""
    half = width_mm / 2
    x, y = (np.arange(c - half, c + half, 0.8) for c in center[:2])
    z = np.arange(center[2] - half, center[2] + half, min(thickness_mm, 1.4))
    gain = noise_gain(x, y)
    scanner = Scanner(np.random.default_rng(0), (0.8, 0.8), gain, kernel, dose, thickness_mm)
    return scan(patient, placed, [x, y, z], scanner, thickness_mm)[0]


def nodule_sheet(patients: Sequence[Patient]) -> Image.Image:
    """Nodules by kind and location (rows) and size (columns), the nearest of many to each size."""
    found = [
        (patient, placed)
        for number, patient in enumerate(patients)
        for draw in range(3)
        for placed in place_nodules(patient, np.random.default_rng([number, draw]), 14)
    ]
    rows = []
    for kind in get_args(NoduleKind):
        for location in get_args(NoduleLocation):
            fits = [(p, n) for p, n in found if (n.truth.kind, n.truth.location) == (kind, location)]
            tiles = []
            for size in SIZES_MM if kind == "solid" else SIZES_MM[1:]:
                fits.sort(key=lambda item: -abs(np.log(item[1].truth.diameter_mm / size)))
                patient, best = fits.pop()  # none is shown twice
                cube = view(patient, [best], best.shape.center)
                tiles.append((_tile(cube[len(cube) // 2]), f"{best.truth.diameter_mm:.1f} mm"))
            missing = len(SIZES_MM) - len(tiles)
            rows.append((f"{kind.replace('_', ' ')}\n{location}", [None] * missing + tiles))
    return _sheet(rows)


def lookalike_sheet(patients: Sequence[Patient]) -> Image.Image:
    """Two of each kind of look-alike: axial, coronal and sagittal."""
    rows = []
    for kind in get_args(LookalikeKind):
        found: list[tuple[Patient, Lookalike]] = []
        for patient in patients:
            found += [(patient, look) for look in patient.lookalikes if look.kind == kind][:1]
        tiles: list[tuple[Image.Image, str] | None] = []
        for patient, look in found[:2]:
            cube = view(patient, [], (look.low + look.high) / 2, 60.0)
            window = (SOFT_LOW_HU, SOFT_WIDTH_HU) if kind == "lymph_node" else (LOW_HU, WIDTH_HU)
            middle = [length // 2 for length in cube.shape]
            planes = (cube[middle[0]], cube[::-1, middle[1]], cube[::-1, :, middle[2]])
            tiles += [(_tile(plane, *window), "") for plane in planes]
        rows.append((kind.replace("_", "\n"), tiles))
    return _sheet(rows)


def scan_sheet(patient: Patient) -> Image.Image:
    """One nodule at every dose and kernel, and in slices of every thickness (coronal)."""
    placed = place_nodules(patient, np.random.default_rng(3), 12)
    best = min(placed, key=lambda item: (item.truth.location != "isolated", abs(item.truth.diameter_mm - 8)))
    rows = []
    for kernel in get_args(Kernel):
        cubes = [view(patient, placed, best.shape.center, 70.0, kernel, dose) for dose in DOSES]
        rows.append(
            (kernel, [(_tile(c[len(c) // 2]), dose.replace("_", " ")) for c, dose in zip(cubes, DOSES, strict=True)])
        )
    cubes = [view(patient, placed, best.shape.center, 70.0, thickness_mm=thick) for thick in THICKNESS_MM]
    thick = [(_tile(c[::-1, c.shape[1] // 2]), f"{mm} mm") for c, mm in zip(cubes, THICKNESS_MM, strict=True)]
    return _sheet([*rows, ("thickness\n(coronal)", thick)])


def lung_sheet(patients: Sequence[Patient]) -> Image.Image:
    """An upper lobe of the healthiest lung and of the one with most emphysema, axial, coronal and sagittal."""
    ranked = sorted(patients, key=lambda patient: patient.tissues.emphysema)
    rows = []
    for patient in (ranked[0], ranked[-1]):
        cube = view(patient, [], np.array([62.0, 0.0, 35.0]), 110.0)
        z, y, x = (length // 2 for length in cube.shape)
        planes = (cube[z], cube[::-1, y], cube[::-1, :, x])
        tiles = [(_tile(plane, AIR_LOW_HU, AIR_WIDTH_HU, 2 * TILE_PX), "") for plane in planes]
        rows.append((f"emphysema\n{patient.tissues.emphysema:.1f}", tiles))
    return _sheet(rows, 2 * TILE_PX)


def chest_sheet(phantom: ChestPhantom) -> Image.Image:
    """Three axial slices, a coronal and a sagittal one, head up; and every nodule in its box."""
    array = phantom.volume.array
    x, y, z = array.shape
    planes = [array[:, :, int(part * z)].T for part in (0.3, 0.5, 0.7)]
    planes += [array[:, y // 2, ::-1].T, array[x // 3, :, ::-1].T]
    slices = [(_tile(plane, size=2 * TILE_PX), "") for plane in planes]
    boxes = boxes_to_voxel(np.array([n.box_lps_mm for n in phantom.nodules]).reshape(-1, 6), phantom.volume.affine_lps)
    tiles = []
    for nodule, box in zip(phantom.nodules, boxes, strict=True):
        tile = _boxed(array, box)
        tiles.append((tile, f"{nodule.kind.replace('_', ' ')} {nodule.diameter_mm:.1f} mm"))
    rows = [tiles[first : first + 5] for first in range(0, len(tiles), 5)]
    return _sheet([("", slices), *(("", row) for row in rows)], 2 * TILE_PX)


def _boxed(array: np.ndarray, box: np.ndarray, reach: int = 48) -> Image.Image:
    """A nodule in the slice through its middle, with its box."""
    i0, j0, k0, i1, j1, k1 = box
    left, top = int((i0 + i1) / 2) - reach // 2, int((j0 + j1) / 2) - reach // 2
    padded = np.pad(array[:, :, int((k0 + k1) / 2)], reach, constant_values=-1000)
    tile = _tile(padded[left + reach : left + 2 * reach, top + reach : top + 2 * reach].T, size=2 * TILE_PX)
    scale = 2 * TILE_PX / reach
    corners = [(i0 - left) * scale, (j0 - top) * scale, (i1 - left) * scale, (j1 - top) * scale]
    ImageDraw.Draw(tile).rectangle(corners, outline=255)
    return tile


def _tile(hu: np.ndarray, low: float = LOW_HU, width: float = WIDTH_HU, size: int = TILE_PX) -> Image.Image:
    grey = np.clip((hu.astype(float) - low) / width, 0, 1) * 255
    return Image.fromarray(grey.astype(np.uint8)).resize((size, size), Image.Resampling.BICUBIC)


def _sheet(rows: Sequence[tuple[str, Sequence[tuple[Image.Image, str] | None]]], size: int = TILE_PX) -> Image.Image:
    """Rows of tiles with a name before each row and a line under each tile; None leaves a place empty."""
    margin = 84 if any(name for name, _ in rows) else 0
    tall = size + HEAD_PX
    sheet = Image.new("L", (margin + size * max(len(tiles) for _, tiles in rows), tall * len(rows)))
    draw = ImageDraw.Draw(sheet)
    for number, (name, tiles) in enumerate(rows):
        draw.multiline_text((4, number * tall + size // 3), name, fill=255)
        for column, item in enumerate(tiles):
            if item is not None:
                sheet.paste(item[0], (margin + column * size, number * tall))
                draw.text((margin + column * size + 3, number * tall + size), item[1], fill=255)
    return sheet


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="whole patients 0, 1, ...")
    parser.add_argument("--out", type=Path, default=Path("gallery"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    patients = [draw_patient(seed) for seed in range(12)]
    sheets = {
        "nodules": nodule_sheet(patients),
        "lookalikes": lookalike_sheet([*patients, *(draw_patient(seed) for seed in range(12, 24))]),
        "scans": scan_sheet(patients[0]),
        "lungs": lung_sheet(patients),
    }
    for seed in range(options.seeds):
        sheets[f"chest_{seed}"] = chest_sheet(make_chest(seed))
    for name, sheet in sheets.items():
        path = options.out / f"phantom_{name}.jpg"
        sheet.save(path, quality=40)
        print(f"{path}: {sheet.width} x {sheet.height}")


if __name__ == "__main__":
    main()
