"""Look at the cubes that a nodule classifier learns from: nodules of each type, and what is taken for one.

Run ``python examples/cube_gallery.py --out gallery``; it writes one picture for each of the two.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lungdet.phantoms import MARK_PLACES, Background, CubeStyle, PhantomCube, draw_cubes, make_background
from lungdet.records import NODULE_TYPES

LOW_HU, WIDTH_HU = -1400, 1600  # the lung window, -600 / 1600
TILE_PX, HEAD_PX, NAME_PX = 84, 13, 92
NODULES, LOOKALIKES = 12, 6  # tiles of a row
PLACE_COLUMNS = 2  # look-alikes fill two columns of rows
SPACING_MM, SHAPE = (1.0, 1.0, 1.0), (304, 264, 288)
CALLS, CUBES_A_CALL = 24, 12


def cubes_of(background: Background, nodule_ratio: float, calls: int = CALLS) -> list[PhantomCube]:
    """Cubes of one patient about nodules alone, or about anything else."""
    style = CubeStyle(nodule_ratio=nodule_ratio, cut_ratio=0.0)
    chances = (np.random.default_rng([background.seed, call]) for call in range(calls))
    return [cube for rng in chances for cube in draw_cubes(background, rng, CUBES_A_CALL, style=style)]


def nodule_sheet(cubes: Iterable[PhantomCube]) -> Image.Image:
    """Nodules by type (rows), from small to large."""
    rows = []
    known = [cube for cube in cubes if cube.nodule and cube.known]
    for kind in NODULE_TYPES:
        own = sorted((c for c in known if c.nodule and c.nodule.type == kind), key=lambda c: c.nodule.diameter_mm)
        chosen = [own[n] for n in np.linspace(0, len(own) - 1, NODULES).astype(int)] if own else []
        rows.append((kind, [(cube, f"{cube.nodule.diameter_mm:.0f} mm, {_slices(cube)}") for cube in chosen]))
    return _sheet(rows, NODULES)


def lookalike_sheet(cubes: Iterable[PhantomCube]) -> Image.Image:
    """What is no nodule by its place: two columns of rows."""
    found: dict[str, list[PhantomCube]] = {place: [] for place in MARK_PLACES}
    for cube in cubes:
        if cube.nodule is None:
            found[cube.place].append(cube)
    rows = [(place, [(cube, _slices(cube)) for cube in own[:LOOKALIKES]]) for place, own in found.items()]
    half = -(-len(rows) // PLACE_COLUMNS)
    sheets = [_sheet(rows[first : first + half], LOOKALIKES) for first in range(0, len(rows), half)]
    whole = Image.new("L", (sum(sheet.width for sheet in sheets), max(sheet.height for sheet in sheets)))
    for number, sheet in enumerate(sheets):
        whole.paste(sheet, (number * sheets[0].width, 0))
    return whole


def _slices(cube: PhantomCube) -> str:
    return f"{cube.protocol.thickness_mm or 1.0:.1f} thick"


def _sheet(rows: Sequence[tuple[str, Sequence[tuple[PhantomCube, str]]]], columns: int) -> Image.Image:
    tall = TILE_PX + HEAD_PX
    sheet = Image.new("L", (NAME_PX + columns * TILE_PX, tall * len(rows)))
    draw = ImageDraw.Draw(sheet)
    for number, (name, tiles) in enumerate(rows):
        draw.multiline_text((4, number * tall + TILE_PX // 3), name.replace("_", "\n"), fill=255)
        for column, (cube, line) in enumerate(tiles):
            corner = NAME_PX + column * TILE_PX, number * tall
            sheet.paste(_tile(cube), corner)
            draw.text((corner[0] + 3, corner[1] + TILE_PX), line, fill=255)
    return sheet


def _tile(cube: PhantomCube) -> Image.Image:
    """The slice through the mark."""
    middle = cube.hu.shape[2] // 2
    hu = cube.hu[:, :, middle - 1 : middle + 1].mean(axis=2).T
    grey = np.clip((hu - LOW_HU) / WIDTH_HU, 0, 1) * 255
    side = TILE_PX - 2
    return Image.fromarray(grey.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=2, help="of seeds 9101, 9102, ...")
    parser.add_argument("--out", type=Path, default=Path("gallery"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    nodules: list[PhantomCube] = []
    lookalikes: list[PhantomCube] = []
    for number in range(options.patients):
        background = make_background(9101 + number, SPACING_MM, SHAPE)
        nodules += cubes_of(background, 1.0, CALLS // 4)
        lookalikes += cubes_of(background, 0.0)
    for name, sheet in (("cubes", nodule_sheet(nodules)), ("cube_lookalikes", lookalike_sheet(lookalikes))):
        path = options.out / f"phantom_{name}.jpg"
        sheet.save(path, quality=45)
        print(f"{path}: {sheet.width} x {sheet.height}")


if __name__ == "__main__":
    main()
