"""The sheet of lungs: slice, mask and masked slice side by side."""

import io

import numpy as np
import pytest
from PIL import Image

from lungdet.records import CTVolume, SeriesInfo
from lungdet.reports.lung_sheet import COLORS, GAP_PX, HEAD_PX, TILE_PX, _place, lung_sheet
from lungdet.reports.planes import PatientView


def volume(flipped: bool = False) -> tuple[CTVolume, np.ndarray]:
    hu = np.full((60, 60, 40), 40, dtype=np.int16)
    labels = np.zeros(hu.shape, dtype=np.uint8)
    labels[5:25, 10:50, 10:30], labels[35:55, 10:50, 10:30] = 1, 2
    hu[labels > 0] = -600
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    if flipped:
        hu, labels = hu[::-1], labels[::-1]
        affine[0, 0], affine[0, 3] = -2.0, 118.0
    return CTVolume(hu, affine, SeriesInfo(source="made")), labels


def picture(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("flipped", [False, True])
def test_the_patients_right_is_at_the_left_however_columns_run(flipped: bool):
    sheet = picture(lung_sheet(*volume(flipped), slices=3))
    middle = HEAD_PX + TILE_PX // 2
    mask = 2 * GAP_PX + TILE_PX
    assert tuple(sheet[middle, mask + TILE_PX // 4]) == COLORS[1]
    assert tuple(sheet[middle, mask + 3 * TILE_PX // 4]) == COLORS[2]
    assert tuple(sheet[middle, mask + TILE_PX // 2]) == (0, 0, 0)
    masked = 3 * GAP_PX + 2 * TILE_PX
    assert not sheet[middle, masked + TILE_PX // 2].any()
    assert sheet[middle, masked + TILE_PX // 4].tolist() == sheet[middle, GAP_PX + TILE_PX // 4].tolist()
    assert 120 < sheet[middle, GAP_PX + TILE_PX // 4, 0] < 135  # -600 HU, the middle of the window


def test_rows_and_notes_make_the_sheet_longer():
    heights = [picture(lung_sheet(*volume(), slices=n, notes=notes)).shape[0] for n, notes in ((1, ()), (2, ("a",)))]
    assert heights[1] > heights[0] + TILE_PX


def test_a_scan_without_lungs_is_shown_and_bad_input_refused():
    scan, labels = volume()
    assert picture(lung_sheet(scan, np.zeros_like(labels))).any()
    with pytest.raises(ValueError, match="shape"):
        lung_sheet(scan, labels[1:])
    with pytest.raises(ValueError, match="at least 1"):
        lung_sheet(scan, labels, slices=0)


def test_slices_are_named_as_on_the_page():
    scan, _ = volume()
    assert _place(PatientView.of(scan), scan, 20) == "slice 21, z 40.0 mm"  # 2 mm slices from 0
    affine = scan.affine_lps @ np.diag([1.0, 1.0, -1.0, 1.0])
    downward = CTVolume(scan.array, affine, scan.info)  # 40 slices, the first at the head
    assert _place(PatientView.of(downward), downward, 39) == "slice 1, z 0.0 mm"
    coronal = CTVolume(scan.array, scan.affine_lps[:, [0, 2, 1, 3]], scan.info)
    assert _place(PatientView.of(coronal), coronal, 20) == "z 40.0 mm"
