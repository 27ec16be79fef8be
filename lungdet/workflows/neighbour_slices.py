"""Whether the slices beside a lesion's own, which its vector also depends on, are there."""

from __future__ import annotations

import math
from pathlib import Path

from lungdet.records import Lesion


def lacks_neighbours(lesion: Lesion, images_dir: str | Path, gap_mm: float) -> bool:
    """Tell whether a neighbour that the table says there is, is missing.

    Args:
        lesion: of the table; its slice range says how far its slices go, and its spacing how far apart they are.
        images_dir: ``Images_png``.
        gap_mm: how far above and below the embedding network looks; 0 if it looks at the key slice alone.

    Returns:
        Whether the slice at that distance, or the last one of the range before it, is not on disk on either side.
    """
    step_mm = lesion.spacing_mm[2]
    if gap_mm <= 0 or not (math.isfinite(step_mm) and step_mm > 0):
        return False
    steps, key_slice = max(1, round(gap_mm / step_mm)), Path(images_dir) / lesion.png_path
    first, last = lesion.slice_range
    wanted = {max(first, lesion.key_slice - steps), min(last, lesion.key_slice + steps)} - {lesion.key_slice}
    return not all(key_slice.with_name(f"{number:03d}.png").is_file() for number in wanted)
