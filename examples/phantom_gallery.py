"""Look at synthetic chests: slices in three planes and every nodule in its box.

Run ``python examples/phantom_gallery.py --seeds 3 --out gallery``; it writes one PNG for each patient.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lungdet.geometry.frames import boxes_to_voxel
from lungdet.phantoms import ChestPhantom, make_chest

TILE_PX, LOW_HU, WIDTH_HU = 256, -1400, 1600  # the lung window, -600 / 1600


def planes(phantom: ChestPhantom) -> list[Image.Image]:
    """Three axial slices, a coronal and a sagittal one, head up."""
    array = phantom.volume.array
    x, y, z = array.shape
    axial = [array[:, :, int(part * z)].T for part in (0.3, 0.5, 0.7)]
    return [_tile(plane) for plane in (*axial, array[:, y // 2, ::-1].T, array[x // 3, :, ::-1].T)]


def nodules(phantom: ChestPhantom) -> list[Image.Image]:
    """Each nodule in the slice through its middle, with its box."""
    boxes = boxes_to_voxel(np.array([n.box_lps_mm for n in phantom.nodules]).reshape(-1, 6), phantom.volume.affine_lps)
    tiles = []
    for nodule, (i0, j0, k0, i1, j1, k1) in zip(phantom.nodules, boxes, strict=True):
        left, top, reach = int((i0 + i1) / 2) - 24, int((j0 + j1) / 2) - 24, 48
        padded = np.pad(phantom.volume.array[:, :, int((k0 + k1) / 2)], reach, constant_values=-1000)
        tile = _tile(padded[left + reach : left + 2 * reach, top + reach : top + 2 * reach].T)
        scale = TILE_PX / reach
        corners = [(i0 - left) * scale, (j0 - top) * scale, (i1 - left) * scale, (j1 - top) * scale]
        draw = ImageDraw.Draw(tile)
        draw.rectangle(corners, outline=255)
        draw.text(
            (4, 4),
            f"{nodule.kind} {nodule.location} {nodule.diameter_mm:.1f} mm",
            fill=255,
            stroke_width=2,
            stroke_fill=0,
        )
        tiles.append(tile)
    return tiles


def _tile(hu: np.ndarray) -> Image.Image:
    grey = np.clip((hu.astype(float) - LOW_HU) / WIDTH_HU, 0, 1) * 255
    return Image.fromarray(grey.astype(np.uint8)).resize((TILE_PX, TILE_PX))


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2, help="patients 0, 1, ...")
    parser.add_argument("--out", type=Path, default=Path("gallery"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seeds):
        phantom = make_chest(seed)
        tiles = planes(phantom) + nodules(phantom)
        sheet = Image.new("L", (5 * TILE_PX, -(-len(tiles) // 5) * TILE_PX))
        for number, tile in enumerate(tiles):
            sheet.paste(tile, (number % 5 * TILE_PX, number // 5 * TILE_PX))
        path = options.out / f"chest_{seed}.png"
        sheet.save(path)
        print(f"{path}: {len(phantom.nodules)} nodules")


if __name__ == "__main__":
    main()
