import io

import numpy as np
import pytest
from PIL import Image

from lungdet.geometry.frames import boxes_to_world
from lungdet.records import CTVolume, SeriesInfo
from lungdet.reports.case_sheet import Case, cut_around, draw_cases
from lungdet.reports.pictures import CLOSEUP_PX, MARK_INDEX, closeup_section
from lungdet.reports.planes import PLANES, PatientView


def volume(affine: np.ndarray) -> CTVolume:
    values = np.random.default_rng(0).integers(-1000, 400, (60, 50, 40)).astype(np.int16)
    return CTVolume(values, affine, SeriesInfo("scan"))


AFFINES = {"straight": np.diag([1.4, 1.4, 2.0, 1.0]), "flipped": np.diag([-1.4, 1.4, -2.0, 1.0])}
BOXES = [(20.0, 20, 20, 26, 26, 24), (0.0, 2, 30, 5, 8, 40), (-3.0, 47, 38, 3, 53, 42)]


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
@pytest.mark.parametrize("box", BOXES)
def test_a_piece_gives_the_picture_of_the_whole(affine: np.ndarray, box: tuple[float, ...]):
    scan = volume(affine)
    piece, place = cut_around(scan, box)
    assert piece.array.size < scan.array.size
    assert piece.array.base is None
    np.testing.assert_allclose(*(boxes_to_world(np.array([b]), v.affine_lps) for v, b in ((scan, box), (piece, place))))
    if min(box) >= 0:
        for plane in PLANES:
            whole, part = (PatientView.of(each) for each in (scan, piece))
            drawn = closeup_section(whole, plane, whole.box(box)), closeup_section(part, plane, part.box(place))
            assert np.mean(np.asarray(drawn[0]) != np.asarray(drawn[1])) < 0.02


def test_a_sheet_has_a_column_for_each_heading_and_a_row_for_each_case():
    cases = [
        Case(*cut_around(volume(AFFINES["straight"]), BOXES[0]), (f"case {number}", "below")) for number in range(3)
    ]
    sheet = np.asarray(Image.open(io.BytesIO(draw_cases({"left": cases[:1], "right": cases}))))
    halves = np.array_split(sheet, 2, axis=1)
    assert sheet.shape[0] > 3 * CLOSEUP_PX
    assert sheet.shape[1] > 6 * CLOSEUP_PX
    assert [rows_with_marks(half) for half in halves] == [1, 3]
    assert draw_cases({"left": cases[:1], "right": cases}) == draw_cases({"left": cases[:1], "right": cases})


def test_a_sheet_without_cases_says_so():
    sheet = np.asarray(Image.open(io.BytesIO(draw_cases({"left": [], "right": []}))))
    assert sheet.any()
    assert not (sheet == MARK_INDEX).any()


def rows_with_marks(sheet: np.ndarray) -> int:
    """Count the runs of rows that hold pixels of a mark."""
    marked = (sheet == MARK_INDEX).any(axis=1).astype(int)
    return int((np.diff(marked, prepend=0) == 1).sum())


def test_a_piece_knows_the_slices_it_is_made_of() -> None:
    info = SeriesInfo("scan", slice_uids=tuple(f"1.{n}" for n in range(60)))
    scan = CTVolume(np.zeros((40, 40, 60), np.int16), np.diag([2.0, 2, 2, 1]), info)
    piece, _ = cut_around(scan, (10.0, 10, 40, 14, 14, 44))
    first = int(piece.affine_lps[2, 3] / 2)
    assert piece.info.slice_uids == tuple(f"1.{n}" for n in range(first, first + piece.array.shape[2]))
