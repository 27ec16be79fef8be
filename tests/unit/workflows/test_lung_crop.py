"""A detector that sees the lungs' box alone gives its findings where the whole scan has them."""

from pathlib import Path

import numpy as np
import pytest

from lungdet.phantoms import write_dicom_series
from lungdet.records import CTVolume, SeriesInfo
from lungdet.workflows import BundleError, detect

CROP = """
  - _target_: lungdet.transforms.CropToLungsd
    _disabled_: $not @crop_to_lungs
    keys: image
    margin_mm: '@crop_margin_mm'
crop_to_lungs: true
crop_margin_mm: 8.0
"""


@pytest.fixture
def cropping_bundle(tiny_bundle: Path) -> Path:
    path = tiny_bundle / "configs" / "inference.yaml"
    path.write_text(path.read_text().rstrip("\n") + CROP)
    return tiny_bundle


def write_chest(folder: Path, lungs: int = 2) -> None:
    """Two lungs in a block of tissue, 4 x 4 x 8 mm."""
    hu = np.full((80, 60, 30), -1000, dtype=np.int16)
    hu[5:75, 5:55] = 40
    for low in (10, 45)[:lungs]:
        hu[low : low + 25, 10:50, 3:27] = -850
    volume = CTVolume(hu, np.diag([4.0, 4.0, 8.0, 1.0]), SeriesInfo("made"))
    write_dicom_series(volume, folder, seed=1, thickness_mm=8.0)


@pytest.mark.parametrize(
    ("lungs", "overrides", "offset"),
    [(2, {}, (8, 8, 2)), (2, {"crop_margin_mm": 0.0}, (10, 10, 3)), (2, {"crop_to_lungs": False}, (0, 0, 0))],
)
def test_findings_lie_where_the_crop_was_taken(
    cropping_bundle: Path, tmp_path: Path, lungs: int, overrides: dict[str, float], offset: tuple[int, int, int]
):
    write_chest(tmp_path / "ct", lungs)
    options = {"progress": False, "max_pictures": 0, "guard": False, "overrides": overrides}
    (study,) = detect(tmp_path / "ct", tmp_path / "out", bundle=cropping_bundle, **options).studies
    assert study.report is not None, study.error
    found = study.report.findings[1]  # of a network that answers (6, 5, 2, 14, 11, 5) whatever it sees
    assert np.array(found.box_voxel) == pytest.approx(np.array([6, 5, 2, 14, 11, 5]) + np.tile(offset, 2))
    middle = (np.array([10.0, 8.0, 3.5]) + offset - 0.5) * [4.0, 4.0, 8.0]
    assert np.array(found.center_lps_mm) == pytest.approx(middle)


@pytest.mark.parametrize("lungs", [0, 1])
def test_a_scan_that_does_not_show_two_lungs_is_searched_whole(cropping_bundle: Path, tmp_path: Path, lungs: int):
    write_chest(tmp_path / "ct", lungs)
    options = {"progress": False, "max_pictures": 0, "guard": False, "lungs_margin_mm": 1000.0}
    (study,) = detect(tmp_path / "ct", tmp_path / "out", bundle=cropping_bundle, **options).studies
    assert study.report is not None, study.error
    assert study.report.findings[1].box_voxel == (6, 5, 2, 14, 11, 5)


def test_a_bundle_without_the_setting_says_so(tiny_bundle: Path, tmp_path: Path):
    with pytest.raises(BundleError, match="no such setting"):
        detect([], tmp_path / "out", bundle=tiny_bundle, overrides={"crop_to_lungs": False})
