"""Look at a synthetic DeepLesion: lesions of every type, lesions over their studies, and trunks.

Run ``lungdet phantom gallery --kind deeplesion --patients 40 --context 5``, then
``python examples/deeplesion_gallery.py gallery``.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lungdet.phantoms import make_torso, write_deeplesion
from lungdet.readers import read_deeplesion
from lungdet.readers.png_file import read_png16
from lungdet.records.lesion import LESION_TYPES, Lesion

TILE_PX, HEAD_PX, NAME_PX = 108, 13, 74
FIELD_MM = 64.0  # across a tile; more for large lesions
HU_OFFSET = 32768
TRUNK_LANDMARKS = ("lung_apex", "carina", "diaphragm_dome", "kidney_upper_pole", "iliac_crest", "femoral_head")

Tile = tuple[Image.Image, str]


def lesion_tile(folder: Path, lesion: Lesion, text: str) -> Tile:
    """Crop the key slice around a lesion, in its own window, with its two axes."""
    hu = read_png16(folder / "Images_png" / lesion.png_path).astype(np.float64) - HU_OFFSET
    marks = np.array(lesion.recist_edge).reshape(4, 2)
    half = max(FIELD_MM / 2 / lesion.spacing_mm[0], 0.8 * max(lesion.diameters_px))
    corner = (marks.min(axis=0) + marks.max(axis=0)) / 2 - half
    low, high = lesion.window_hu
    grey = Image.fromarray((np.clip((hu - low) / (high - low), 0, 1) * 255).astype(np.uint8))
    box = (*corner, *(corner + 2 * half))
    tile = grey.crop(tuple(round(v) for v in box)).resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC).convert("RGB")
    ends = [tuple(point) for point in (marks - np.round(corner)) * (TILE_PX / (2 * half))]
    draw = ImageDraw.Draw(tile)
    draw.line(ends[:2], fill=(255, 80, 60))
    draw.line(ends[2:], fill=(250, 210, 60))
    return tile, text


def sheet(rows: Sequence[tuple[str, Sequence[Tile | None]]]) -> Image.Image:
    """Rows of tiles with a name before each row and a line under each tile; None leaves a place empty."""
    width = NAME_PX + TILE_PX * max(len(tiles) for _, tiles in rows)
    tall = TILE_PX + HEAD_PX
    page = Image.new("RGB", (width, tall * len(rows)))
    draw = ImageDraw.Draw(page)
    for number, (name, tiles) in enumerate(rows):
        draw.multiline_text((3, number * tall + TILE_PX // 3), name, fill=(255, 255, 255))
        for column, tile in enumerate(tiles):
            if tile is not None:
                page.paste(tile[0], (NAME_PX + column * TILE_PX, number * tall))
                draw.text((NAME_PX + column * TILE_PX + 2, number * tall + TILE_PX), tile[1], fill=(255, 255, 255))
    return page


def type_sheet(folder: Path, lesions: Sequence[Lesion], truth: Sequence[dict[str, str]], wide: int = 7) -> Image.Image:
    """Lesions of each type, of different patients where there are enough."""
    rows = []
    for number in range(1, 9):
        chosen: dict[str, tuple[Lesion, dict[str, str]]] = {}
        for lesion, row in zip(lesions, truth, strict=True):
            if int(row["lesion_type"]) == number:
                chosen.setdefault(row["look"] + row["identity"][:6], (lesion, row))
        tiles = [lesion_tile(folder, lesion, row["look"]) for lesion, row in list(chosen.values())[:wide]]
        rows.append((LESION_TYPES[number].replace(" ", "\n"), tiles))
    return sheet(rows)


def study_sheet(
    folder: Path, lesions: Sequence[Lesion], truth: Sequence[dict[str, str]], high: int = 5, studies: int = 4
) -> Image.Image:
    """Lesions over their studies, one of each change; empty where it is not there or not marked."""
    found: dict[str, dict[int, tuple[Lesion, dict[str, str]]]] = defaultdict(dict)
    for lesion, row in zip(lesions, truth, strict=True):
        found[row["identity"]].setdefault(lesion.study, (lesion, row))
    rows: list[tuple[str, list[Tile | None]]] = []
    seen = set()
    for marks in sorted(found.values(), key=len, reverse=True):
        change = next(iter(marks.values()))[1]["change"]
        if change in seen or len(rows) == high:
            continue
        seen.add(change)
        tiles: list[Tile | None] = [None] * studies
        for study, (lesion, _) in marks.items():
            tiles[study - 1] = lesion_tile(folder, lesion, f"study {study}: {lesion.diameters_mm[0]:.0f} mm")
        rows.append((change, tiles))
    return sheet(rows)


def trunk_sheet(seeds: Sequence[int]) -> Image.Image:
    """Axial slices of some patients at the same landmarks."""
    rows = []
    for seed in seeds:
        torso = make_torso(seed, size=8, spacing_mm=(60.0, 60.0, 300.0)).torso
        tiles: list[Tile | None] = []
        for name in TRUNK_LANDMARKS:
            z = torso.landmarks_mm[name]
            volume = make_torso(seed, size=220, spacing_mm=(2.0, 2.0, 3.0), z_range_mm=(z, z)).volume
            grey = Image.fromarray((np.clip((volume.array[:, :, 0].T + 175.0) / 450, 0, 1) * 255).astype(np.uint8))
            tile = grey.resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC).convert("RGB")
            tiles.append((tile, name.replace("_", " ")))
        rows.append((f"seed {seed}", tiles))
    return sheet(rows)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="of lungdet phantom --kind deeplesion; made if not given")
    parser.add_argument("--out", type=Path, default=Path("gallery"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    folder = options.folder or write_deeplesion("DeepLesion", patients=16, image_size=256, context_mm=0.0).folder
    lesions = read_deeplesion(folder / "DL_info.csv").lesions
    with (folder / "truth.csv").open(newline="") as stream:
        truth = list(csv.DictReader(stream))
    pages = {
        "deeplesion": type_sheet(folder, lesions, truth),
        "lesion_studies": study_sheet(folder, lesions, truth),
        "torso": trunk_sheet((1, 2, 5)),
    }
    for name, page in pages.items():
        path = options.out / f"phantom_{name}.jpg"
        page.save(path, quality=60)
        print(f"{path}: {page.width} x {page.height}")


if __name__ == "__main__":
    main()
