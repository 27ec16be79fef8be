"""RECIST marks of DeepLesion's own table, against the boxes and diameters that stand beside them."""

import csv
from pathlib import Path

import pytest
import torch

from lungdet.geometry.recist import DEEPLESION_MARGIN_PX, recist_diameters
from lungdet.transforms import RecistToBox


@pytest.fixture(scope="module")
def rows(real_data: Path) -> list[dict[str, str]]:
    with (real_data / "deeplesion" / "DL_info_excerpt.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def numbers(rows: list[dict[str, str]], column: str) -> torch.Tensor:
    return torch.tensor([[float(value) for value in row[column].split(",")] for row in rows], dtype=torch.float64)


def test_boxes_are_deeplesions_own(rows: list[dict[str, str]]) -> None:
    boxes = RecistToBox(margin_px=DEEPLESION_MARGIN_PX, origin="edge")(numbers(rows, "Measurement_coordinates"))
    assert len(rows) > 2000
    assert torch.allclose(boxes, numbers(rows, "Bounding_boxes"), atol=2e-3)


def test_diameters_are_deeplesions_own(rows: list[dict[str, str]]) -> None:
    marks = numbers(rows, "Measurement_coordinates").reshape(-1, 4, 2)
    assert torch.allclose(recist_diameters(marks), numbers(rows, "Lesion_diameters_Pixel_"), atol=2e-2)
