"""Boxes are drawn where they belong, to scale, and hide nothing."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lungdet.records import CTVolume, DetectionReport
from lungdet.reports import draw_pictures, write_png
from lungdet.reports.overview import overview
from lungdet.reports.pictures import (
    CLOSEUP_MM,
    CLOSEUP_PX,
    GREY_LEVELS,
    MARK_INDEX,
    WHOLE_PX,
    closeup_section,
    to_png,
    whole_section,
    window_to_grey,
)
from lungdet.reports.planes import AXIAL, CORONAL, PLANES, SAGITTAL, PatientView, Plane


def inside_of_mark(image: Image.Image, line_px: int = 2) -> tuple[int, int, int, int]:
    """Half-open pixels that the drawn line encloses: ``(left, top, right, bottom)``."""
    rows, columns = np.nonzero(np.asarray(image) == MARK_INDEX)
    return (
        int(columns.min()) + line_px,
        int(rows.min()) + line_px,
        int(columns.max()) - line_px + 1,
        int(rows.max()) - line_px + 1,
    )


def test_window_by_hand():
    grey = window_to_grey(np.array([-1400.0, 200.0, -600.0, np.nan, np.inf]), -600.0, 1600.0)
    assert grey.tolist() == [0, GREY_LEVELS - 1, 124, 0, GREY_LEVELS - 1]


@pytest.mark.parametrize(
    ("plane", "size", "box"),
    [  # 480 px for 80 mm: 6 px a mm; boxes (50, 10, 4, 58, 18, 7) of 1 x 1 x 2.5 mm voxels, 20 slices
        (AXIAL, (480, 360), (300, 60, 348, 108)),
        (CORONAL, (480, 300), (300, 195, 348, 240)),
        (SAGITTAL, (360, 300), (60, 195, 108, 240)),
    ],
)
def test_whole_sections_by_hand(
    volume: CTVolume, report: DetectionReport, plane: Plane, size: tuple[int, int], box: tuple[int, ...]
):
    view = PatientView.of(volume)
    image = whole_section(view, plane, view.box(report.findings[0].box_voxel))
    assert image.size == size
    assert max(image.size) <= WHOLE_PX
    assert inside_of_mark(image) == box


@pytest.mark.parametrize("plane", PLANES)
def test_closeups_are_to_scale(volume: CTVolume, report: DetectionReport, plane: Plane):
    view = PatientView.of(volume)
    left, top, right, bottom = inside_of_mark(closeup_section(view, plane, view.box(report.findings[0].box_voxel)))
    px_per_mm = CLOSEUP_PX / CLOSEUP_MM
    assert right - left == pytest.approx(8.0 * px_per_mm, abs=1)
    assert bottom - top == pytest.approx((8.0 if plane is AXIAL else 7.5) * px_per_mm, abs=1)


def test_the_line_lies_around_the_finding():
    array = np.full((64, 64, 64), -1000, dtype=np.int16)
    array[20:30, 24:40, 10:16] = 400
    view = PatientView(array, (1.0, 1.0, 1.0), (0, 1, 2), (False, False, False))
    for plane in PLANES:
        for draw in (whole_section, closeup_section):
            image = draw(view, plane, (20.0, 24.0, 10.0, 30.0, 40.0, 16.0))
            left, top, right, bottom = inside_of_mark(image)
            picture = np.asarray(image)
            inside = picture[top : bottom - 1, left : right - 1]
            assert inside.min() >= GREY_LEVELS // 2  # the finding, and no mark on it
            assert picture[top - 4, (left + right) // 2] < GREY_LEVELS / 3  # air beyond the line
            assert picture[(top + bottom) // 2, right + 4] < GREY_LEVELS / 3


@pytest.mark.parametrize("corner", [0, 70])
@pytest.mark.parametrize("draw", [whole_section, closeup_section])
def test_boxes_at_the_rim(corner: int, draw: Callable[..., Image.Image]):
    array = np.zeros((80, 80, 80), dtype=np.float32)
    view = PatientView(array, (1.0, 1.0, 1.0), (0, 1, 2), (False, False, False))
    for plane in PLANES:
        image = draw(view, plane, (corner,) * 3 + (corner + 10,) * 3)
        assert (np.asarray(image) == MARK_INDEX).any()


@pytest.mark.parametrize("shape", [(1, 1, 1), (400, 2, 2), (3, 3, 90)])
def test_odd_shapes_are_drawn(shape: tuple[int, int, int]):
    view = PatientView(np.zeros(shape, dtype=np.int16), (0.5, 0.5, 3.0), (0, 1, 2), (False, False, False))
    for plane in PLANES:
        assert min(whole_section(view, plane, (0, 0, 0, 1, 1, 1)).size) >= 1
        assert min(closeup_section(view, plane, (0, 0, 0, 1, 1, 1)).size) >= 1
    assert min(overview(view, []).size) >= 1


def test_a_strip_has_no_letters_over_it():
    for rows, lettered in ((3, False), (30, True)):
        view = PatientView(np.full((100, 100, rows), -1400.0), (1.0, 1.0, 1.0), (0, 1, 2), (False,) * 3)
        picture = np.asarray(closeup_section(view, CORONAL, (50, 50, 0, 51, 51, 1)))
        assert (picture == GREY_LEVELS - 1).any() == lettered


def test_a_large_finding_gets_a_wider_closeup():
    view = PatientView(np.zeros((200,) * 3, dtype=np.int16), (1.0,) * 3, (0, 1, 2), (False,) * 3)
    left, _, right, _ = inside_of_mark(closeup_section(view, AXIAL, (50, 50, 50, 110, 110, 110)))
    assert right - left == CLOSEUP_PX / 2.5


def test_the_overview_is_the_right_way_up(volume: CTVolume):
    array = np.full((100, 60, 80), -1000, dtype=np.int16)
    array[70:90, :, 60:75] = 300  # left, superior
    view = PatientView(array, (1.0, 1.0, 1.0), (0, 1, 2), (False, False, False))
    picture = np.asarray(overview(view, []))
    rows, columns = np.nonzero(picture[40:-40, 40:-40] > GREY_LEVELS * 0.8)
    assert np.mean(columns) + 40 == pytest.approx(80 * 6.4, abs=8)
    assert np.mean(rows) + 40 == pytest.approx((80 - 67.5) * 6.4, abs=8)
    marked = np.asarray(overview(view, [(10.0, 0.0, 10.0, 20.0, 5.0, 20.0)])) == MARK_INDEX
    assert marked[round((80 - 15) * 6.4), 10 * 6 - 2 : 70].any()
    assert not np.asarray(overview(PatientView.of(volume), []) == MARK_INDEX).any()


def test_a_uniform_volume_and_one_of_nan_have_an_overview():
    for value in (0.0, np.nan):
        view = PatientView(np.full((9, 9, 9), value), (1.0, 1.0, 1.0), (0, 1, 2), (False, False, False))
        assert overview(view, []).size == (640, 640)


def test_the_set_of_pictures_and_its_limit(volume: CTVolume, report: DetectionReport, tmp_path: Path):
    pictures = draw_pictures(report, volume, max_pictures=1)
    assert len(pictures) == 1 + 3 * 2
    assert all(name == "overview.png" or name.startswith("finding_01_") for name in pictures)
    assert len(draw_pictures(report, volume)) == 1 + 3 * 2 * 2
    write_png(tmp_path, report, volume, max_pictures=0)
    assert [path.name for path in tmp_path.iterdir()] == ["overview.png"]


def test_another_volume_is_refused(volume: CTVolume, report: DetectionReport):
    with pytest.raises(ValueError, match="80, 60, 19"):
        draw_pictures(dataclasses.replace(report, shape=(80, 60, 19)), volume)


def test_the_same_picture_gives_the_same_bytes_without_metadata(volume: CTVolume, report: DetectionReport):
    first, second = draw_pictures(report, volume), draw_pictures(report, volume)
    assert first == second
    for content in first.values():
        image = Image.open(io.BytesIO(content))
        image.load()
        assert image.info == {}
        assert to_png(image) == content
