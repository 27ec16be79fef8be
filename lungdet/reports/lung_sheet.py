"""A sheet of pictures of the lungs that were found: slice, mask, and the slice with all but the lungs blacked out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lungdet.geometry import frames
from lungdet.records import CTVolume

from .pictures import LUNG_WINDOW_HU, font, to_png
from .planes import AXIAL, PatientView

SLICES = 5
TILE_PX, GAP_PX, HEAD_PX, NOTE_PX = 240, 6, 22, 20
BACKGROUND, TEXT = (16, 16, 16), (255, 255, 255)
# Told apart by people who see no red or green, too: https://www.nature.com/articles/nmeth.1618
COLORS = {1: (86, 180, 233), 2: (255, 176, 0), 3: (160, 160, 160)}
HEADS = ("slice", "right blue, left orange", "lungs")


def lung_sheet(
    volume: CTVolume, labels: NDArray[np.uint8], *, slices: int = SLICES, notes: Sequence[str] = ()
) -> bytes:
    """Draw axial slices through the lungs, evenly spaced from the base to the top.

    Pictures are hung as seen from the patient's feet: the patient's right is at the left. Each names its slice, from 1.

    Args:
        volume: the scan, HU.
        labels: ``(X, Y, Z)`` of its voxels: 1 right lung, 2 left, 3 unknown, 0 elsewhere.
        slices: how many rows the sheet has at most.
        notes: lines to write below.

    Returns:
        PNG bytes. Without lungs, slices of the whole scan are shown.

    Raises:
        ValueError: the labels are not those of the volume, or ``slices`` is below 1.
    """
    if tuple(labels.shape) != tuple(volume.array.shape):
        raise ValueError(f"labels must have the shape of the volume {volume.array.shape}, got {labels.shape}")
    if slices < 1:
        raise ValueError(f"slices must be at least 1, got {slices}")
    view = PatientView.of(volume)
    sides = PatientView.of(CTVolume(labels, volume.affine_lps, volume.info))
    chosen = _choose(sides.array, slices)
    size = _tile_size(view)
    width = len(HEADS) * (size[0] + GAP_PX) + GAP_PX
    height = HEAD_PX + len(chosen) * (size[1] + GAP_PX) + NOTE_PX * len(notes) + GAP_PX
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for column, head in enumerate(HEADS):
        draw.text((GAP_PX + column * (size[0] + GAP_PX), 3), head, fill=TEXT, font=font(14))
    for row, index in enumerate(chosen):
        pictures = _pictures(view.section(AXIAL, index), sides.section(AXIAL, index))
        for column, picture in enumerate(pictures):
            tile = Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR)
            sheet.paste(tile, (GAP_PX + column * (size[0] + GAP_PX), HEAD_PX + row * (size[1] + GAP_PX)))
        corner = GAP_PX + 4, HEAD_PX + row * (size[1] + GAP_PX) + 4
        draw.text(corner, _place(view, volume, index), fill=TEXT, font=font(13), stroke_width=2, stroke_fill=BACKGROUND)
    for row, note in enumerate(notes):
        top = height - NOTE_PX * (len(notes) - row)
        draw.text((GAP_PX, top), note, fill=TEXT, font=font(13))
    return to_png(sheet)


def _choose(labels: NDArray[np.uint8], slices: int) -> list[int]:
    """Slices with lung, the lowest and the highest left out; from the head down, as they are read."""
    planes = np.flatnonzero(labels.any(axis=(0, 1)))
    low, high = (int(planes[0]), int(planes[-1])) if len(planes) else (0, labels.shape[2] - 1)
    parts = (np.arange(slices) + 0.5) / slices
    return sorted({int(low + part * (high - low) + 0.5) for part in parts}, reverse=True)


def _place(view: PatientView, volume: CTVolume, index: int) -> str:
    """Name the slice of a section, from 1 as read, and its place; the place alone where slices are not axial."""
    source = view.array.shape[2] - 1 - index if view.flipped[2] else index
    middle = (np.asarray(volume.array.shape) - 1) / 2
    middle[view.axes[2]] = source
    z_mm = frames.voxel_to_world(middle[None], volume.affine_lps)[0][2]
    return f"slice {source + 1}, " * (view.axes[2] == 2) + f"z {z_mm:.1f} mm"  # the font has no true minus


def _tile_size(view: PatientView) -> tuple[int, int]:
    wide, long = view.size_mm[:2]
    scale = TILE_PX / max(wide, long)
    return max(1, round(wide * scale)), max(1, round(long * scale))


def _pictures(hu: NDArray[Any], sides: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Slice, coloured mask, and masked slice, ``(rows, columns, 3)`` each."""
    center, width = LUNG_WINDOW_HU
    grey = (np.nan_to_num(hu.astype(np.float32), nan=-1024.0) - (center - width / 2)) / width
    shown = np.repeat((grey.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
    colors = np.zeros((256, 3), dtype=np.uint8)
    for side, color in COLORS.items():
        colors[side] = color
    return [shown, colors[sides], np.where((sides > 0)[..., None], shown, np.uint8(0))]
