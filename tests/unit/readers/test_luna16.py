from pathlib import Path

import numpy as np
import pytest

from lungdet.phantoms import make_chest
from lungdet.readers import AnnotationError, read_ct, read_luna16
from lungdet.readers.luna16 import find_luna16_scans

HEAD = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "annotations.csv").write_text(HEAD + "1.2,1,2,3,4\n")
    return tmp_path


def test_scans_without_nodules_belong_to_it(folder: Path):
    (folder / "seriesuids.csv").write_text("1.2\n1.3\n")
    data = read_luna16(folder)
    assert data.series_uids == ("1.2", "1.3")
    assert data.excluded is None
    assert data.scans == {}


def test_without_a_list_of_scans_the_tables_name_them(folder: Path):
    assert read_luna16(folder).series_uids == ("1.2",)
    (folder / "annotations_excluded.csv").write_text(HEAD + "1.1,1,2,3,-1\n")
    assert read_luna16(folder).series_uids == ("1.1", "1.2")


def test_the_layout_of_the_evaluation_script(folder: Path):
    inner = folder / "evaluationScript" / "annotations"
    inner.mkdir(parents=True)
    (inner / "seriesuids.csv").write_text("1.9\n")
    with pytest.raises(AnnotationError, match=r"annotations.csv, line 2: series UID 1.2 is none of the 1 known"):
        read_luna16(folder)
    assert len(read_luna16(folder, strict=False).problems) == 1


def test_subsets_are_folds(folder: Path):
    for name in ("subset0/1.2.mhd", "subset10/x/1.3.mhd", "1.4.mhd", "subset2/1.2.mhd", "subset2/1.5.raw"):
        path = folder / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    data = read_luna16(folder, folder / "images")
    assert {uid: scan.fold for uid, scan in data.scans.items()} == {"1.2": 0, "1.3": 10, "1.4": None}
    (problem,) = data.problems
    assert "subset2" in str(problem)
    assert "the same scan as" in str(problem)


def test_scans_are_read_by_the_ct_reader(folder: Path):
    import itk

    volume = make_chest(1, spacing_mm=(4, 4, 5), shape=(40, 36, 30)).volume
    image = itk.image_from_array(np.ascontiguousarray(volume.array.transpose(2, 1, 0)))
    image.SetSpacing([4.0, 4.0, 5.0])
    image.SetOrigin(volume.affine_lps[:3, 3].tolist())
    (folder / "subset3").mkdir()
    itk.imwrite(image, str(folder / "subset3" / "1.2.mhd"))
    scan = read_luna16(folder, folder).scans["1.2"]
    again = read_ct(scan.path)
    assert scan.fold == 3
    assert np.array_equal(again.array, volume.array)
    assert np.allclose(again.affine_lps, volume.affine_lps)


def test_what_is_missing(tmp_path: Path):
    with pytest.raises(AnnotationError, match=r"holds no annotations.csv"):
        read_luna16(tmp_path)
    with pytest.raises(AnnotationError, match="no such folder"):
        find_luna16_scans(tmp_path / "nothing")


def test_folders_above_the_images_are_no_fold(folder: Path):
    images = folder / "subset7" / "images"
    (images / "subset2").mkdir(parents=True)
    (images / "1.2.mhd").touch()
    (images / "subset2" / "1.3.mhd").touch()
    assert {uid: scan.fold for uid, scan in read_luna16(folder, images).scans.items()} == {"1.2": None, "1.3": 2}
