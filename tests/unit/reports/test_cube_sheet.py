import io

import numpy as np
import pytest
from PIL import Image

from lungdet.reports.cube_sheet import GAP_PX, HEAD_PX, TILE_PX, CubeCase, draw_cubes

LEFT, TOP = 4 * GAP_PX, HEAD_PX + GAP_PX
RAS, LPS = np.diag([-1.0, -1, 1, 1]), np.eye(4)


def sheet(*cases: CubeCase) -> np.ndarray:
    with Image.open(io.BytesIO(draw_cubes({"cases": cases}))) as picture:
        return np.asarray(picture.convert("L")).astype(float)


def tiles(cube: np.ndarray, affine: np.ndarray) -> list[np.ndarray]:
    page = sheet(CubeCase(cube.astype(np.int16), affine, ("a",)))
    starts = [LEFT + number * (TILE_PX + GAP_PX) for number in range(4)]
    return [page[TOP : TOP + TILE_PX, start : start + TILE_PX] for start in starts]


def test_planes_are_hung_as_in_radiology():
    cube = np.full((48, 48, 48), -900.0)
    cube[:24] = 0  # the patient's right in LPS
    axial, coronal, _, _ = tiles(cube, LPS)
    for plane in (axial, coronal):
        assert plane[:, 10:50].mean() > plane[:, -50:-10].mean() + 50
    cube = np.full((48, 48, 48), -900.0)
    cube[:, :24] = 0  # front
    axial, _, sagittal, soft = tiles(cube, LPS)
    assert axial[10:50].mean() > axial[-50:-10].mean() + 50
    assert soft[10:50].mean() > soft[-50:-10].mean() + 30
    assert sagittal[:, 10:50].mean() > sagittal[:, -50:-10].mean() + 50
    cube = np.full((48, 48, 48), -900.0)
    cube[:, :, 24:] = 0  # head
    _, coronal, sagittal, _ = tiles(cube, LPS)
    for plane in (coronal, sagittal):
        assert plane[10:50].mean() > plane[-50:-10].mean() + 50


def test_a_cube_in_ras_looks_the_same():
    cube = np.random.default_rng(0).uniform(-1000, 400, (48, 48, 48)).round()
    for one, other in zip(tiles(cube, LPS), tiles(cube[::-1, ::-1], RAS), strict=True):
        assert (one == other).all()


def test_calcium_shows_in_the_soft_window_only():
    cube = np.full((48, 48, 48), 250.0)
    cube[16:32, 16:32, 16:32] = 450
    axial, _, _, soft = tiles(cube, LPS)
    middle = slice(54, 78), slice(54, 78)
    assert axial[middle].mean() - axial[20:30, 20:30].mean() < 1
    assert soft[middle].mean() - soft[20:30, 20:30].mean() > 40


def test_cases_stand_below_each_other_and_none_is_said():
    case = CubeCase(np.zeros((8, 8, 8), np.int16), LPS, ("truth", "answer", "a" * 150))
    one, two = sheet(case), sheet(case, case)
    assert two.shape[0] > one.shape[0] + TILE_PX
    assert two.shape[1] == one.shape[1]
    assert draw_cubes({"cases": [case]}) == draw_cubes({"cases": [case]})
    for columns in ({}, {"nothing": []}):
        with Image.open(io.BytesIO(draw_cubes(columns, "title"))) as picture:
            picture.load()


def test_nan_is_drawn_as_air_and_another_shape_is_refused():
    cube = np.full((8, 8, 8), np.nan, dtype=np.float32)
    with Image.open(io.BytesIO(draw_cubes({"cases": [CubeCase(cube, LPS, ())]}))) as picture:
        picture.load()
    with pytest.raises(ValueError, match="must be"):
        draw_cubes({"cases": [CubeCase(np.zeros((1, 8, 8, 8), np.int16), LPS, ())]})
