"""The body on a slice: hand-made trunks, tables, arms and thighs, and places in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lungdet.geometry.body_mask import body_box, body_mask, relative_location
from lungdet.phantoms.torso import draw_torso

AIR, FAT, TISSUE = -1000, -100, 40


def ellipse(shape: tuple[int, int], center: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    return ((rows - center[0]) / radii[0]) ** 2 + ((columns - center[1]) / radii[1]) ** 2 <= 1


def trunk_slice(spacing: float = 1.0, size_mm: float = 480.0) -> tuple[np.ndarray, np.ndarray]:
    """A trunk of 340 x 220 mm with two lungs, and its outline."""
    size = round(size_mm / spacing)
    shape = (size, size)
    middle, at = size / 2, 1 / spacing
    body = ellipse(shape, (middle, middle), (110 * at, 170 * at))
    hu = np.where(body, FAT, AIR)
    hu[ellipse(shape, (middle, middle), (100 * at, 160 * at))] = TISSUE
    for side in (-1, 1):
        hu[ellipse(shape, (middle, middle + side * 75 * at), (80 * at, 60 * at))] = -850
    return hu.astype(np.int16), body


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * float((first & second).sum()) / float(first.sum() + second.sum())


@pytest.mark.parametrize("spacing", [0.6, 0.977, 2.0, 4.5])
def test_the_trunk_is_filled_at_any_spacing(spacing: float):
    hu, body = trunk_slice(spacing)
    mask = body_mask(hu, spacing)
    assert overlap(mask, body) > 0.995
    np.testing.assert_allclose(body_box(mask), body_box(body), atol=1.0)


def test_table_blanket_and_tubes_are_no_body():
    hu, body = trunk_slice()
    middle = 240
    rows, columns = np.mgrid[:480, :480]
    hollow = ellipse((480, 480), (250, middle), (160, 230)) & ~ellipse((480, 480), (250, middle), (157, 227))
    hu[hollow & (rows > 300)] = 200  # a curved shell below
    hu[366:369, 40:440] = 200  # and a plate
    blanket = np.abs(np.hypot((rows - middle) / 118, (columns - middle) / 178) - 1) < 0.008
    hu[blanket & (rows < middle)] = -50
    hu[ellipse((480, 480), (60, 240), (4, 4))] = 300  # a tube
    mask = body_mask(hu, 1.0)
    assert overlap(mask, body) > 0.985
    np.testing.assert_allclose(body_box(mask), body_box(body), atol=10.0)  # the blanket lies on the skin at the sides


@pytest.mark.parametrize("gap_mm", [12.0, 3.0, -6.0])
def test_arms_at_the_sides_are_left_out_apart_or_touching(gap_mm: float):
    hu, body = trunk_slice(size_mm=560)
    for side in (-1, 1):
        hu[ellipse(hu.shape, (280, 280 + side * (170 + 40 + gap_mm)), (48, 40))] = TISSUE
    mask = body_mask(hu, 1.0)
    x0, y0, x1, y1 = body_box(body)
    np.testing.assert_allclose(body_box(mask), (x0, y0, x1, y1), atol=12.0 if gap_mm < 0 else 1.0)
    assert overlap(mask, body) > 0.98


def test_a_lung_behind_a_thin_wall_is_body():
    """The wall before one lung is thinner than tables are; under the other side lies a table."""
    hu, body = trunk_slice()
    hu[ellipse(hu.shape, (231, 165), (91, 60)) & ellipse(hu.shape, (240, 240), (101, 160))] = -850
    hu[352:355, 40:440] = 200
    mask = body_mask(hu, 1.0)
    assert overlap(mask, body) > 0.985
    assert body_box(mask)[0] < 75


def test_air_between_arms_and_table_is_no_body():
    hu = np.full((480, 560), AIR, dtype=np.int16)
    neck = ellipse(hu.shape, (160, 280), (50, 50))
    arms = [ellipse(hu.shape, (230, 280 + side * 110), (60, 90)) for side in (-1, 1)]
    hu[neck | arms[0] | arms[1]] = TISSUE
    hu[288:294, :] = 200  # it touches both arms
    mask = body_mask(hu, 1.0)
    assert mask[160, 280]
    assert not mask[275, 280]
    assert not mask[295:].any()


def test_both_thighs_are_body():
    hu = np.full((400, 480), AIR, dtype=np.int16)
    thighs = ellipse(hu.shape, (200, 140), (80, 85)) | ellipse(hu.shape, (200, 330), (78, 82))
    hu[thighs] = TISSUE
    assert overlap(body_mask(hu, 1.0), thighs) > 0.99


def test_a_body_that_leaves_the_image_goes_to_its_edges():
    hu, body = trunk_slice()
    part = np.s_[:, 120:360]  # both lungs are cut
    mask = body_mask(hu[part], 1.0)
    assert body_box(mask) == (0.0, 130.0, 240.0, 350.0)
    assert overlap(mask, body[part]) > 0.99


@pytest.mark.parametrize(("width", "table"), [(222, False), (223, False), (240, True)])
def test_a_field_that_cuts_both_lungs_keeps_front_and_back(width: int, table: bool):
    """Liver on a thick back, and a thinner front wall: they touch nowhere in the image."""
    hu, body = trunk_slice()
    inner = ellipse(hu.shape, (240, 240), (84, 150))
    hu[inner] = -850
    hu[ellipse(hu.shape, (262, 240), (75, 70)) & inner] = TISSUE
    if table:
        hu[362:380, :] = 200
    part = np.s_[:, 240 - width // 2 : 240 - width // 2 + width]
    mask = body_mask(hu[part], 1.5)
    assert overlap(mask, body[part]) > 0.98
    assert body_box(mask)[1] < 133


@pytest.mark.parametrize("seed", [1, 10])
def test_a_cut_phantom_has_the_mask_of_the_whole(seed: int):
    torso = draw_torso(seed)
    z_mm = torso.height(0.4)
    x, y = torso.center_mm(float(z_mm))
    grid = (np.arange(160) - 79.5) * 3.0
    hu = torso.paint(np.array([z_mm]), grid + x, grid + y)[0]
    mask = body_mask(hu, 3.0)
    x0, _, x1, _ = map(int, body_box(mask))
    for cut in (10, 13, 17):
        part = np.s_[:, x0 + cut : x1 - cut]
        assert overlap(body_mask(hu[part], 3.0), mask[part]) > 0.98


def test_no_body_gives_an_empty_mask_and_no_place():
    mask = body_mask(np.full((64, 64), AIR), 1.0)
    assert mask.shape == (64, 64)
    assert not mask.any()
    with pytest.raises(ValueError, match="no body"):
        relative_location(mask, 3.0, 4.0)


def test_nan_is_no_body_and_all_body_is_all():
    assert not body_mask(np.full((32, 32), np.nan), 2.0).any()
    assert body_mask(np.full((32, 32), 40.0), 2.0).all()


@pytest.mark.parametrize("spacing", [0.0, -1.0, np.nan, (1.0, np.inf)])
def test_a_spacing_that_is_none_is_refused(spacing: object):
    with pytest.raises(ValueError, match="spacing_mm"):
        body_mask(np.zeros((8, 8)), spacing)


def test_a_volume_is_refused():
    with pytest.raises(ValueError, match="one slice"):
        body_mask(np.zeros((8, 8, 8)), 1.0)


def test_a_mirrored_slice_gives_a_mirrored_mask():
    hu, _ = trunk_slice(2.0)
    np.testing.assert_array_equal(body_mask(hu[:, ::-1], 2.0), body_mask(hu, 2.0)[:, ::-1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(1, 20), st.floats(0, 1), st.floats(0, 1))
def test_places_in_a_box_go_from_0_to_1(top: int, left: int, height: int, width: int, part_x: float, part_y: float):
    mask = np.zeros((50, 50), dtype=bool)
    mask[top : top + height, left : left + width] = True
    found = relative_location(mask, left + part_x * width, top + part_y * height)
    assert found == pytest.approx((part_x, part_y), abs=1e-9)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_box_of_a_phantom_is_its_skins(seed: int):
    torso = draw_torso(seed)
    heights = np.array([torso.height(coordinate) for coordinate in (0.35, 0.5, 0.65, 0.97)])
    x, y = torso.center_mm(float(heights[1]))
    grid = (np.arange(176) - 87.5) * 3.0
    for hu, z_mm in zip(torso.paint(heights, grid + x, grid + y), heights, strict=True):
        low = np.array([grid[0] + x - 1.5, grid[0] + y - 1.5])  # edge of the first pixel
        truth = (np.reshape(torso.body_box(float(z_mm)), (2, 2)) - low).ravel()
        np.testing.assert_allclose(3.0 * np.array(body_box(body_mask(hu, 3.0))), truth, atol=5.0)
