from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lungdet.workflows.neighbour_slices import lacks_neighbours


def lesion(first: int, last: int, step_mm: float) -> Any:
    return SimpleNamespace(
        key_slice=10, slice_range=(first, last), spacing_mm=(1.0, 1.0, step_mm), png_path="000001_01_01/010.png"
    )


@pytest.mark.parametrize(
    ("first", "last", "step_mm", "gap_mm", "lacks"),
    [
        (5, 15, 2.5, 5.0, False),  # 8 and 12
        (5, 15, 5.0, 5.0, True),  # 9 and 11
        (10, 15, 2.5, 5.0, False),  # the first of its series
        (5, 11, 2.5, 5.0, True),  # 11 is the last that there may be
        (10, 10, 5.0, 5.0, False),
        (5, 15, 5.0, 0.0, False),  # a network that looks at the key slice alone
        (5, 15, float("nan"), 5.0, False),
    ],
)
def test_slices_that_ought_to_be_there(
    tmp_path: Path, first: int, last: int, step_mm: float, gap_mm: float, lacks: bool
):
    (tmp_path / "000001_01_01").mkdir()
    for number in (8, 10, 12):
        (tmp_path / "000001_01_01" / f"{number:03d}.png").touch()
    assert lacks_neighbours(lesion(first, last, step_mm), tmp_path, gap_mm) is lacks
